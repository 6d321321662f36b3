"""RAD-SAC: Soft Actor-Critic on a shared convolutional encoder and augmented pixels; DrQ and SVEA as options."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import numpy as np
import torch
from torch import Tensor

import augment
import encoders
from rad.agents.base import Agent, Augmentations, OffPolicyConfig, Options
from rad.agents.device.capture import Captured
from rad.agents.device.draws import Draw, Draws, upload
from rad.agents.optimizers import Adam, grad_norm, soft_update, step
from rad.agents.targets import Targets, of_actor_and_critic
from rad.agents.views import Views
from rad.heads.distributions import SquashedGaussian
from rad.heads.sac import Actor, Critic
from rad.losses.diagnostics import inactive_units
from rad.losses.sac import actor_loss, critic_loss, soft_target, temperature_loss, weak_and_strong
from rad.settings import SettingError, mention
from rad.types import Metrics, Transition


@dataclass(frozen=True)
class SACConfig(OffPolicyConfig):
    """Hyperparameters of SAC. Defaults are RAD's (Laskin et al. 2020, after CURL, Srinivas et al. 2020)."""

    actor_lr: float = 1e-3
    """Learning rate of the actor's head."""
    critic_lr: float = 1e-3
    """Learning rate of the critic's head and of the shared convolutions. RAD: 2e-4 on cheetah-run."""
    alpha_lr: float = 1e-4
    """Learning rate of the temperature."""
    alpha_beta1: float = 0.5
    """Adam's first beta for the temperature; 0.9 elsewhere."""
    init_temperature: float = 0.1
    """Temperature at the start."""
    actor_update_freq: int = 2
    """Critic updates per actor and temperature update."""
    target_update_freq: int = 2
    """Critic updates per update of the target networks."""
    critic_tau: float = 0.01
    """Averaging rate of the target Q functions."""
    encoder_tau: float = 0.05
    """Averaging rate of the target convolutions and projection."""
    log_std_min: float = -10.0
    """Lower end of the policy's log standard deviation."""
    log_std_max: float = 2.0
    """Upper end of the policy's log standard deviation."""
    tanh_floor: float = 0.0
    """Added to 1 - tanh^2 within the logarithm of an action's density; RAD's code has 1e-6, 0 is exact."""
    hidden_dim: int = 1024
    """Width of the two hidden layers of each head."""
    projection_dim: int = 50
    """Width of each head's projection of the features."""
    projection_tanh: bool = False
    """End the projection with tanh (DrQ) or after LayerNorm (RAD)."""
    actor_features: Literal["after", "before"] = "after"
    """The actor learns on obs encoded again after the critic's step (RAD), or on its features from before (DrQ-v2)."""
    target_encoder: bool = True
    """The target Q functions see next_obs through averaged convolutions (RAD), or through the learned ones (DrQ-v2)."""
    target_views: int = 1
    """DrQ's K: augmented views of next_obs that the target is averaged over."""
    critic_views: int = 1
    """DrQ's M: augmented views of obs that the critic loss is averaged over."""
    share_draw: bool = False
    """Augment obs and next_obs with the same draw instead of independent ones."""
    freeze_augment: bool = False
    """Draw the augmentation's parameters once, for all images of the run: an ablation."""
    strong_augment: str = "none"
    """SVEA's strong augmentation, laid over the weak view in the critic loss only."""
    strong_weight: float = 0.5
    """SVEA's beta: the strong view's share of the critic loss; the weak view has the rest."""

    def check(self) -> None:
        """Raise a SettingError, as of `AgentConfig`."""
        super().check()
        self._check_effect(self.strong_augment != "none", "a {strong_augment} that is not none", "strong_weight")
        if self.log_std_min >= self.log_std_max:
            raise SettingError("log_std_min", self.log_std_min, mention("below {log_std_max} ") + f"{self.log_std_max}")
        if self.share_draw and self.target_views != self.critic_views:
            needs = mention("needs as many {target_views} as {critic_views}")
            raise SettingError("share_draw", f"{needs}, got {self.target_views} and {self.critic_views}")


class SACAgent(Agent):
    """Soft Actor-Critic from pixels.

    The convolutions are one module: the critic's loss trains them, the actor reads them without gradient.

    Args:
        image_shape, encoder, **options: as of `Agent`.
        action_dim: size of the action A; actions lie in [-1, 1].
        config: hyperparameters.
        augmentation: of obs and next_obs before each update; a single one, as a bandit needs returns of rollouts.
        distractors: uint8 [M, 3, h, w], what a strong `overlay` blends with; None for generated pictures.
        capture: on a CUDA device, record the update once and replay it as a graph; elsewhere without effect.

    Raises:
        ValueError: two hyperparameters contradict each other, there are several augmentations, or as of `Agent`.

    Source: Laskin et al. 2020 (RAD, arXiv 2004.14990); Kostrikov et al. 2020 (DrQ, arXiv 2004.13649, eqs. 1-3);
    Hansen et al. 2021 (SVEA, arXiv 2107.00644, eq. 8); Yarats et al. 2021 (DrQ-v2, arXiv 2107.09645) and its code.
    """

    parts = (
        *("encoder", "actor", "critic", "encoder_target", "critic_target", "views"),
        *("critic_optimizer", "actor_optimizer", "alpha_optimizer"),
    )
    tensors = ("log_alpha",)
    acting = ("encoder", "actor")
    heads = ("actor", "critic")
    views: Views

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        action_dim: int,
        config: SACConfig,
        augmentation: Augmentations,
        *,
        encoder: encoders.Encoder | str = "pixel",
        distractors: Tensor | None = None,
        capture: bool = False,
        **options: Unpack[Options],
    ) -> None:
        config.check()
        super().__init__(image_shape, augmentation, encoder=encoder, **options)
        if len(self.candidates) > 1:
            raise ValueError(f"augmentation must be a single one for SAC, got {', '.join(self.candidates)}")
        (op,) = self.candidates.values()
        self.config, self.action_dim, self.target_entropy = config, action_dim, -float(action_dim)
        self.views = Views(op, self.view_generator, frozen=config.freeze_augment)
        self.strong = augment.make(config.strong_augment, size=self.encoder.image_shape[1], distractors=distractors)
        self._make_networks()
        critic_params = [*self.encoder.parameters(), *self.critic.parameters()]
        self.critic_optimizer = Adam(critic_params, lr=config.critic_lr, fused=True)
        self.actor_optimizer = Adam(self.actor.parameters(), lr=config.actor_lr, fused=True)
        self.alpha_optimizer = Adam([self.log_alpha], lr=config.alpha_lr, betas=(config.alpha_beta1, 0.999), fused=True)
        self.captured = Captured(self._learn, self.device) if capture and self.device.type == "cuda" else None

    def _make_networks(self) -> None:
        """Make heads, target networks and temperature."""
        config, dims = self.config, (self.encoder.feature_dim, self.action_dim)
        shared: dict[str, Any] = {"projection_dim": config.projection_dim, "hidden_dim": config.hidden_dim}
        shared |= {"tanh": config.projection_tanh, "generator": self.generator}
        bounds = (config.log_std_min, config.log_std_max)
        actor = Actor(*dims, log_std_bounds=bounds, tanh_floor=config.tanh_floor, **shared)
        self.actor = actor.to(self.device)
        self.critic = Critic(*dims, **shared).to(self.device)
        self.critic_target = copy.deepcopy(self.critic).requires_grad_(False)
        target = copy.deepcopy(self.encoder).requires_grad_(False) if config.target_encoder else self.encoder
        self.encoder_target = target
        self.log_alpha = torch.tensor(np.log(config.init_temperature), dtype=torch.float32, device=self.device)
        self.log_alpha.requires_grad_(True)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        super().load_state_dict(state)
        if self.captured:  # with the tensors of optimizers that are replaced now
            self.captured.forget()

    def _policy(self, images: Tensor) -> SquashedGaussian:
        with self._autocast():
            return self.actor(self.encoder(images))

    def targets(self) -> Targets:
        """Return policy, value and Q as functions of the features."""
        return of_actor_and_critic(self.actor, self.critic)

    def update(self, batch: Transition) -> Metrics:
        """Step the critic and, every `actor_update_freq`, actor and temperature; return the metrics of these losses.

        All that is random is drawn first, on the CPU: so it is the same on every device, and goes there in one copy.
        """
        config = self.config
        actor, targets = self.updates % config.actor_update_freq == 0, self.updates % config.target_update_freq == 0
        draws = self._draw(batch.obs.shape, actor=actor)
        if self.captured:
            metrics = self.captured((batch, draws), move_targets=targets)
        else:
            metrics = self._learn(*upload((batch, draws), self.device), move_targets=targets)
        self.updates += 1
        return metrics

    def _learn(self, batch: Transition, draws: Draws, *, move_targets: bool) -> Metrics:
        """Update from what is on the device: no value is read on the host, and the state stays where it is."""
        config = self.config
        obs_views, next_views = self._augment(batch, draws)

        targets = []
        for view, noise in zip(next_views, draws.next_noise):
            with torch.no_grad():  # the policy sees next_obs through the learned convolutions, Q' through averaged ones
                features = self._encode(self.encoder, view)
                averaged = self._encode(self.encoder_target, view) if config.target_encoder else features
                targets.append(self._target(batch, features, averaged, noise))

        images = torch.cat(obs_views) if len(obs_views) > 1 else obs_views[0]
        features = self._encode(self.encoder, images)  # with gradient: the critic's loss trains the convolutions
        metrics = self._update_critic(batch, features, torch.stack(targets).mean(0), draws.auxiliary)

        if draws.noise is not None:
            if config.actor_features == "after":  # RAD: the critic's step has moved the convolutions, so encode again
                with torch.no_grad():
                    features = self._encode(self.encoder, obs_views[0])
            features = features[: len(batch.action)].detach()  # of the first weak view: this loss trains the head
            metrics |= self._update_actor_and_temperature(features, draws.noise)
        if move_targets:
            self._update_targets()
        return metrics

    def _draw(self, shape: Sequence[int], *, actor: bool) -> Draws:
        """Draw for an update on images of `shape` [B, C, H, W]; results depend on the order, by each generator."""
        config, batch_size, seen = self.config, shape[0], (shape[0], *self.encoder.image_shape)
        obs = [self.views.draw(shape) for _ in range(config.critic_views)]
        next_obs = obs if config.share_draw else [self.views.draw(shape) for _ in range(config.target_views)]
        count = config.critic_views if config.strong_augment != "none" else 0
        strong = [dict(self.strong.draw(seen, self.views.generator)) for _ in range(count)]
        next_noise = [self._noise(batch_size) for _ in range(config.target_views)]
        noise = self._noise(batch_size) if actor else None
        return Draws(obs, next_obs, strong, self._draw_auxiliary(shape), next_noise, noise)

    def _augment(self, batch: Transition, draws: Draws) -> tuple[list[Tensor], list[Tensor]]:
        """Make M views of obs, SVEA's strong ones behind them, and K of next_obs, all as the networks take them."""
        weak = torch.float32 if draws.strong else self._dtype  # the strong ones are made of floats
        obs_views = [self.views.apply(batch.obs, draw, weak) for draw in draws.obs]
        obs_views += [self.strong.apply(view, params) for view, params in zip(obs_views, draws.strong)]
        next_views = [self.views.apply(batch.next_obs, draw, self._dtype) for draw in draws.next_obs]
        return [view.to(self._dtype) for view in obs_views], next_views

    def _target(self, batch: Transition, features: Tensor, averaged: Tensor, noise: Tensor) -> Tensor:
        """Compute the soft target, float [B], from the policy's and the target Qs' features of one view of next_obs."""
        with self._autocast():
            next_action, next_log_prob = self.actor(features).rsample(noise)
            next_q = self.critic_target(averaged, next_action)
        return soft_target(batch.reward, batch.discount, next_q, next_log_prob, self.log_alpha.exp())

    def _update_critic(self, batch: Transition, features: Tensor, target: Tensor, auxiliary: Sequence[Draw]) -> Metrics:
        """Regress both Q functions of every view on the target; the convolutions learn here only."""
        views = len(features) // len(target)
        with self._autocast():
            q = self.critic(features, batch.action.repeat(views, 1))
        weight = None
        if self.config.strong_augment != "none":  # SVEA: the second half of the rows are strong views
            weight = weak_and_strong(len(features) // 2, self.config.strong_weight, self.device)
        loss, metrics = critic_loss(q, target.repeat(views), weight)
        losses, metrics = self._add_auxiliary({"critic": loss}, metrics, batch, auxiliary)
        step(self.critic_optimizer, *losses.values())
        norms = {"critic_grad_norm": grad_norm(self.critic), "encoder_grad_norm": grad_norm(self.encoder)}
        self._step_auxiliary()
        return metrics | norms | {"inactive_units": inactive_units(features)}

    def _update_actor_and_temperature(self, features: Tensor, noise: Tensor) -> Metrics:
        """Improve the policy on features that both heads share."""
        with self._autocast():
            action, log_prob = self.actor(features).rsample(noise)
            self.critic.requires_grad_(False)
            q = self.critic(features, action)
            self.critic.requires_grad_(True)
        loss, metrics = actor_loss(q, log_prob, self.log_alpha.exp())
        step(self.actor_optimizer, loss)
        alpha_loss, alpha_metrics = temperature_loss(self.log_alpha, log_prob, self.target_entropy)
        step(self.alpha_optimizer, alpha_loss)
        return metrics | alpha_metrics | {"actor_grad_norm": grad_norm(self.actor)}

    def _update_targets(self) -> None:
        """Move the target networks toward the learned ones: slowly the Qs, faster what sees pixels."""
        critic, target, config = self.critic, self.critic_target, self.config
        if config.target_encoder:
            soft_update(self.encoder, self.encoder_target, config.encoder_tau)
        soft_update(critic.projection, target.projection, config.encoder_tau)
        soft_update(critic.q1, target.q1, config.critic_tau)
        soft_update(critic.q2, target.q2, config.critic_tau)

    def _noise(self, batch_size: int) -> Tensor:
        return torch.randn(batch_size, self.action_dim, generator=self.generator)
