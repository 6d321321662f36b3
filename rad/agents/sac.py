"""RAD-SAC: Soft Actor-Critic on a shared convolutional encoder and augmented pixels; DrQ and SVEA as options."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

import augment
import encoders
from rad.agents.base import Agent, AgentConfig
from rad.agents.optimizers import Adam, average, step
from rad.agents.targets import Targets, of_actor_and_critic
from rad.agents.views import Views
from rad.heads.sac import Actor, Critic
from rad.losses.sac import actor_loss, critic_loss, soft_target, temperature_loss
from rad.types import Metrics, Transition

ActorFeatures = Literal["after", "before"]


@dataclass(frozen=True)
class SACConfig(AgentConfig):
    """Hyperparameters of SAC. Defaults are RAD's (Laskin et al. 2020, after CURL, Srinivas et al. 2020)."""

    batch_size: int = 128
    """Transitions per update, read by whoever samples. RAD's scripts have 128, its paper 512."""
    gamma: float = 0.99
    """Discount per agent step, read by whoever makes the replay."""
    n_step: int = 1
    """Agent steps summed before bootstrapping, read by whoever makes the replay."""
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
    hidden_dim: int = 1024
    """Width of the two hidden layers of each head."""
    projection_dim: int = 50
    """Width of each head's projection of the features."""
    projection_tanh: bool = False
    """End the projection with tanh (DrQ) or after LayerNorm (RAD)."""
    actor_features: ActorFeatures = "after"
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
        """Raise a ValueError that begins with an option's name if it is an unknown word or contradicts another."""
        if self.actor_features not in get_args(ActorFeatures):
            raise ValueError(f"actor_features must be after or before, got {self.actor_features!r}")
        if self.log_std_min >= self.log_std_max:
            raise ValueError(f"log_std_min must be below log_std_max {self.log_std_max}, got {self.log_std_min}")
        if self.strong_augment == "none" and self.strong_weight != type(self).strong_weight:
            raise ValueError(
                f"strong_weight has an effect only with a strong_augment that is not none, got {self.strong_weight}"
            )
        if self.share_draw and self.target_views != self.critic_views:
            views = f"{self.target_views} and {self.critic_views}"
            raise ValueError(f"share_draw needs as many target_views as critic_views, got {views}")


class SACAgent(Agent):
    """Soft Actor-Critic from pixels.

    The convolutions are one module: the critic's loss trains them, the actor reads them without gradient.
    Actor and critic project the features each for itself.

    Args:
        image_shape: (C, H, W) of the stored observations, before augmentation.
        action_dim: size of the action A; actions lie in [-1, 1].
        config: hyperparameters.
        op: augmentation of obs and next_obs before each update.
        encoder: text for `encoders.make`.
        seed: of the initial weights, the noise and the augmentation.
        device: where the networks live.
        precision: "fp32", or "bf16" for everything but output layers and losses.
        distractors: uint8 [M, 3, h, w], what a strong `overlay` blends with; None for pictures of its own.

    Raises:
        ValueError: two hyperparameters contradict each other.

    Source: Laskin et al. 2020 (RAD, arXiv 2004.14990); Kostrikov et al. 2020 (DrQ, arXiv 2004.13649, eqs. 1-3);
    Hansen et al. 2021 (SVEA, arXiv 2107.00644, eq. 8); Yarats et al. 2021 (DrQ-v2, arXiv 2107.09645) and its code.
    """

    views: Views
    parts = (
        *("encoder", "actor", "critic", "encoder_target", "critic_target", "views"),
        *("critic_optimizer", "actor_optimizer", "alpha_optimizer"),
    )

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        action_dim: int,
        config: SACConfig,
        op: augment.Augmentation,
        *,
        encoder: str = "pixel",
        seed: int = 0,
        device: torch.device | str = "cpu",
        precision: str = "fp32",
        distractors: Tensor | None = None,
    ) -> None:
        super().__init__(seed, device, precision)
        config.check()
        self.config, self.action_dim, self.target_entropy = config, action_dim, -float(action_dim)
        self.views = Views(op, torch.Generator().manual_seed(seed + 1), frozen=config.freeze_augment)
        size = op.output_size(*image_shape[1:])[0]
        self.strong = augment.make(config.strong_augment, size=size, distractors=distractors)

        channels, height, width = image_shape
        encoded_shape = (channels, *op.output_size(height, width))
        heads = {"projection_dim": config.projection_dim, "hidden_dim": config.hidden_dim}
        self.encoder = self._make_encoder(encoder, encoded_shape)
        feature_dim = self.encoder.feature_dim
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            bounds = (config.log_std_min, config.log_std_max)
            self.actor = Actor(feature_dim, action_dim, log_std_bounds=bounds, tanh=config.projection_tanh, **heads)
            self.critic = Critic(feature_dim, action_dim, tanh=config.projection_tanh, **heads)
        for head in (self.actor, self.critic):
            encoders.initialize_(head, self.generator)
            head.to(self.device)
        self.encoder_target = self.encoder
        if config.target_encoder:
            self.encoder_target = copy.deepcopy(self.encoder).requires_grad_(False)
        self.critic_target = copy.deepcopy(self.critic).requires_grad_(False)
        self.log_alpha = torch.tensor(np.log(config.init_temperature), dtype=torch.float32, device=self.device)
        self.log_alpha.requires_grad_(True)

        critic_params = [*self.encoder.parameters(), *self.critic.parameters()]
        self.critic_optimizer = Adam(critic_params, lr=config.critic_lr, fused=True)
        self.actor_optimizer = Adam(self.actor.parameters(), lr=config.actor_lr, fused=True)
        self.alpha_optimizer = Adam([self.log_alpha], lr=config.alpha_lr, betas=(config.alpha_beta1, 0.999), fused=True)

    def act(self, obs: np.ndarray, *, deterministic: bool, generator: torch.Generator | None = None) -> np.ndarray:
        """Choose actions.

        Args:
            obs: uint8 [N, C, H, W], as stored.
            deterministic: take the mode (evaluation) instead of a sample (training).
            generator: CPU generator of the sample; None for the agent's own.

        Returns:
            float32 [N, A] in [-1, 1].
        """
        with torch.no_grad(), self._autocast():
            policy = self.actor(self.encoder(self.views.plain(torch.from_numpy(obs).to(self.device))))
            action = policy.mode if deterministic else policy.rsample(self._noise(len(obs), generator))[0]
        return action.cpu().numpy()

    def targets(self) -> Targets:
        """Return policy, value and Q as functions of the features."""
        return of_actor_and_critic(self.actor, self.critic)

    def update(self, batch: Transition) -> Metrics:
        """Take one gradient step of the critic and, every `actor_update_freq`, of actor and temperature.

        Args:
            batch: transitions, images as stored.

        Returns:
            Metrics of the losses computed in this update.
        """
        batch = batch.to(self.device)
        obs_views, weight, next_views = self._augment(batch)
        target = torch.stack([self._target(batch, view) for view in next_views]).mean(0)
        features = self._encode(_join(obs_views))
        metrics = self._update_critic(features, batch.action, target, weight)
        if self.updates % self.config.actor_update_freq == 0:
            metrics |= self._update_actor_and_temperature(self._actor_features(obs_views[0], features))
        if self.updates % self.config.target_update_freq == 0:
            self._update_targets()
        self.updates += 1
        return metrics

    def _augment(self, batch: Transition) -> tuple[list[Tensor], Tensor | None, list[Tensor]]:
        """Draw M views of obs, SVEA's strong ones behind them, and K of next_obs, all as the networks take them.

        Returns:
            The views of obs; the weight of their rows in the critic loss, mean 1, None if all are alike; the views
            of next_obs.
        """
        if self.config.share_draw:
            pairs = [self.views.shared(batch.obs, batch.next_obs) for _ in range(self.config.critic_views)]
            obs_views, next_views = [obs for obs, _ in pairs], [next_obs for _, next_obs in pairs]
        else:
            obs_views = [self.views(batch.obs) for _ in range(self.config.critic_views)]
            next_views = [self.views(batch.next_obs) for _ in range(self.config.target_views)]
        obs_views, weight = self._weighted(obs_views)
        return [*map(self._cast, obs_views)], weight, [*map(self._cast, next_views)]

    def _weighted(self, obs_views: list[Tensor]) -> tuple[list[Tensor], Tensor | None]:
        """Add the strong views, if any, and return the weight of each row."""
        if self.config.strong_augment == "none":
            return obs_views, None
        strong_views = [self.strong(view, self.views.generator) for view in obs_views]
        weight = torch.ones(2, len(obs_views) * len(obs_views[0]), device=self.device)
        weight[0] *= 2.0 * (1.0 - self.config.strong_weight)
        weight[1] *= 2.0 * self.config.strong_weight
        return obs_views + strong_views, weight.flatten()

    def _encode(self, images: Tensor) -> Tensor:
        """Map a view [B, C, H, W] to features [B, F] by the learned convolutions."""
        with self._autocast():
            return self.encoder(images)

    @torch.no_grad()
    def _target(self, batch: Transition, next_obs: Tensor) -> Tensor:
        """Compute the soft target from one view of next_obs, float [B]."""
        features = self._encode(next_obs)
        with self._autocast():
            next_action, next_log_prob = self.actor(features).rsample(self._noise(len(next_obs)))
            if self.config.target_encoder:
                features = self.encoder_target(next_obs)
            next_q = self.critic_target(features, next_action)
        return soft_target(batch.reward, batch.discount, next_q, next_log_prob, self.log_alpha.exp())

    def _update_critic(self, features: Tensor, action: Tensor, target: Tensor, weight: Tensor | None) -> Metrics:
        """Regress both Q functions of every view on the target; the convolutions learn here only."""
        views = len(features) // len(action)
        with self._autocast():
            q = self.critic(features, action.repeat(views, 1))
        loss, metrics = critic_loss(q, target.repeat(views), weight)
        step(self.critic_optimizer, loss)
        return metrics

    @torch.no_grad()
    def _actor_features(self, obs: Tensor, features: Tensor) -> Tensor:
        """Return what the actor learns on: the first weak view's features, without gradient.

        The critic's step has moved the convolutions since `features` were computed. RAD encodes again with the moved
        ones; DrQ-v2 saves that pass.
        """
        return self._encode(obs) if self.config.actor_features == "after" else features[: len(obs)].detach()

    def _update_actor_and_temperature(self, features: Tensor) -> Metrics:
        """Improve the policy on features that both heads share."""
        with self._autocast():
            action, log_prob = self.actor(features).rsample(self._noise(len(features)))
            self.critic.requires_grad_(False)
            q = self.critic(features, action)
            self.critic.requires_grad_(True)
        loss, metrics = actor_loss(q, log_prob, self.log_alpha.exp())
        step(self.actor_optimizer, loss)
        alpha_loss, alpha_metrics = temperature_loss(self.log_alpha, log_prob, self.target_entropy)
        step(self.alpha_optimizer, alpha_loss)
        return metrics | alpha_metrics

    def _update_targets(self) -> None:
        """Move the target networks towards the learned ones: slowly the Qs, faster what sees pixels."""
        critic, target, config = self.critic, self.critic_target, self.config
        if config.target_encoder:
            average(self.encoder, self.encoder_target, config.encoder_tau)
        average(critic.projection, target.projection, config.encoder_tau)
        average(critic.q1, target.q1, config.critic_tau)
        average(critic.q2, target.q2, config.critic_tau)

    def _noise(self, batch_size: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw standard-normal noise [B, A] on the CPU, so that it is the same on every device."""
        return torch.randn(batch_size, self.action_dim, generator=generator or self.generator).to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """Return networks, optimizers, temperature, generators and counters."""
        return super().state_dict() | {"log_alpha": self.log_alpha.detach()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        super().load_state_dict(state)
        with torch.no_grad():
            self.log_alpha.copy_(state["log_alpha"])


def _join(views: list[Tensor]) -> Tensor:
    """Stack views along the batch; a single one is not copied."""
    return torch.cat(views) if len(views) > 1 else views[0]
