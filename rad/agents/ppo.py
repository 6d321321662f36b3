"""PPO from pixels: clipped or KL-penalised; augmented while acting (RAD) or in a consistency loss (DrAC)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

import augment
from rad.agents.bandit_views import ArmViews
from rad.agents.base import Agent, AgentConfig
from rad.agents.optimizers import Adam, clipped_step
from rad.agents.reward_norm import RewardNormalizer
from rad.agents.targets import Targets, of_policy_and_value
from rad.heads.distributions import Distribution
from rad.heads.ppo import PolicyValue
from rad.losses.consistency import consistency_loss
from rad.losses.ppo import (
    adapt_beta,
    clipped_policy_loss,
    explained_variance,
    normalize,
    penalized_policy_loss,
    value_loss,
)
from rad.losses.returns import gae
from rad.types import Decision, Metrics, Minibatch, Rollout

Objective = Literal["clip", "kl"]
Where = Literal["rollout", "consistency"]


@dataclass(frozen=True)
class PPOConfig(AgentConfig):
    """Hyperparameters of PPO. Defaults are Procgen's (Cobbe et al. 2020 and train-procgen), with 64 environments."""

    num_steps: int = 256
    """Agent steps of each environment per rollout."""
    num_minibatches: int = 8
    """Gradient steps per pass over a rollout."""
    num_epochs: int = 3
    """Passes over a rollout."""
    gamma: float = 0.999
    """Discount per agent step."""
    gae_lambda: float = 0.95
    """Weight of longer sums in the advantage; 0 takes one step, 1 all."""
    lr: float = 5e-4
    """Learning rate of everything."""
    adam_eps: float = 1e-5
    """Adam's epsilon."""
    anneal_lr: bool = False
    """Let the learning rate fall linearly to 0 over the run."""
    objective: Objective = "clip"
    """clip, or kl: a penalty on the divergence from the policy that acted, with an adaptive weight."""
    clip_coef: float = 0.2
    """How far from 1 the ratio of probabilities is rewarded, and how far values may move."""
    clip_value: bool = True
    """Clip the movement of values (OpenAI baselines); the paper does not."""
    target_kl: float = 0.01
    """Divergence in nats that the kl objective aims at; the best of the PPO paper's."""
    init_kl_beta: float = 1.0
    """Weight of the divergence at the start; it soon forgets, says the PPO paper."""
    ent_coef: float = 0.01
    """Weight of the entropy bonus."""
    vf_coef: float = 0.5
    """Weight of the value loss."""
    max_grad_norm: float = 0.5
    """Gradients longer than this are scaled down to it."""
    normalize_advantage: bool = True
    """Give the advantages of each minibatch mean 0 and standard deviation 1."""
    normalize_reward: bool = True
    """Divide rewards by the standard deviation of the running discounted return."""
    reward_gamma: float = 0.0
    """Discount of that return; 0 takes gamma. The published implementations have 0.99 whatever gamma is."""
    reward_clip: float = 10.0
    """Largest size of a normalised reward."""
    augment_where: Where = "rollout"
    """rollout: act and learn on augmented frames (RAD); consistency: in a loss of its own only (DrAC)."""
    consistency_coef: float = 0.1
    """Weight of DrAC's consistency loss."""
    hidden_dim: int = 256
    """Width of the layer that policy and value share."""

    def check(self) -> None:
        """Raise a ValueError that begins with an option's name if it is an unknown word or has no effect."""
        for name, kind in (("objective", Objective), ("augment_where", Where)):
            if getattr(self, name) not in get_args(kind):
                raise ValueError(f"{name} must be {' or '.join(get_args(kind))}, got {getattr(self, name)!r}")
        for name, (owner, needed) in _EFFECTIVE_WITH.items():
            value, default = getattr(self, name), getattr(type(self), name)
            if value != default and getattr(self, owner) != needed:
                raise ValueError(
                    f"{name} has an effect only with {owner} {needed}; allowed here: {default}, got {value}"
                )
        if self.objective == "kl" and not self.clip_value and self.clip_coef != type(self).clip_coef:
            raise ValueError(
                f"clip_coef has an effect only with objective clip or with clip_value True, got {self.clip_coef}"
            )
        if self.objective == "kl" and self.num_epochs * self.num_minibatches < 2:
            raise ValueError("objective kl needs two or more gradient steps per rollout: before the first, KL is 0")


# Options that only another option's value brings to life.
_EFFECTIVE_WITH: dict[str, tuple[str, Any]] = {
    "consistency_coef": ("augment_where", "consistency"),
    "target_kl": ("objective", "kl"),
    "init_kl_beta": ("objective", "kl"),
    "reward_gamma": ("normalize_reward", True),
    "reward_clip": ("normalize_reward", True),
}


class PPOAgent(Agent):
    """Proximal Policy Optimization from pixels; policy and value share encoder and trunk.

    Args:
        image_shape: (C, H, W) of the stored observations, before augmentation.
        action_dim: number of discrete actions, or size A of a continuous one.
        config: hyperparameters.
        arms: augmentations by name: one, or several among which a bandit chooses for each rollout.
        discrete: whether actions are discrete.
        encoder: text for `encoders.make`.
        seed: of the initial weights, the actions, the order of minibatches and the augmentation.
        device: where the networks live.
        precision: "fp32", or "bf16" for everything but output layers and losses.
        total_updates: rollouts in the whole run, which `anneal_lr` needs.

    Raises:
        ValueError: the learning rate shall fall, and `total_updates` does not say until when.

    Source: Schulman et al. 2017 (PPO, arXiv 1707.06347); Laskin et al. 2020 (RAD, arXiv 2004.14990); Raileanu
    et al. 2021 (DrAC, arXiv 2006.12862).
    """

    views: ArmViews
    parts = ("encoder", "head", "optimizer", "views", "normalizer")

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        action_dim: int,
        config: PPOConfig,
        arms: Mapping[str, augment.Augmentation],
        *,
        discrete: bool,
        encoder: str = "impala",
        seed: int = 0,
        device: torch.device | str = "cpu",
        precision: str = "fp32",
        total_updates: int = 0,
    ) -> None:
        config.check()
        super().__init__(seed, device, precision)
        if config.anneal_lr and total_updates < 1:
            raise ValueError(f"total_updates must be at least 1 for anneal_lr, got {total_updates}")
        self.config, self.image_shape, self.total_updates = config, image_shape, total_updates
        self.views = ArmViews(arms, image_shape, torch.Generator().manual_seed(seed + 1))
        self.normalizer = RewardNormalizer(config.reward_gamma or config.gamma, config.reward_clip)
        channels, height, width = image_shape
        seen = next(iter(arms.values())).output_size(height, width)
        self.encoder = self._make_encoder(encoder, (channels, *seen))
        self.head = PolicyValue(
            self.encoder.feature_dim,
            action_dim,
            discrete=discrete,
            hidden_dim=config.hidden_dim,
            generator=self.generator,
        ).to(self.device)
        params = [*self.encoder.parameters(), *self.head.parameters()]
        self.optimizer = Adam(params, lr=config.lr, eps=config.adam_eps, fused=True)
        self.kl_beta = torch.tensor(config.init_kl_beta, device=self.device)

    def act(self, obs: np.ndarray, *, deterministic: bool, generator: torch.Generator | None = None) -> np.ndarray:
        """Choose actions for evaluation, on the view without disturbance.

        Args:
            obs: uint8 [N, C, H, W], as stored.
            deterministic: take the mode instead of a sample.
            generator: CPU generator of the sample: not the agent's, so that an evaluation changes no training.

        Returns:
            int64 [N], or float32 [N, A], not clipped to the action space.

        Raises:
            ValueError: a sample is asked for without a generator.
        """
        if generator is None and not deterministic:
            raise ValueError("act needs a generator unless it is deterministic, got None")
        with torch.no_grad():
            policy, _ = self._forward(self.views.plain(torch.from_numpy(obs).to(self.device)))
        return (policy.sample(generator) if generator and not deterministic else policy.mode).cpu().numpy()

    def targets(self) -> Targets:
        """Return policy, value and logits as functions of the features."""
        return of_policy_and_value(self.head)

    def begin_rollout(self, num_envs: int) -> None:
        """Draw the augmentation of each environment anew, if it acts on rollouts; it holds until the next call."""
        if self.config.augment_where == "rollout":
            self.views.choose()
            self.views.hold((num_envs, *self.image_shape), self.device)

    @torch.no_grad()
    def decide(self, obs: np.ndarray) -> Decision:
        """Draw one action for each environment of the rollout, obs uint8 [N, C, H, W], row i of environment i."""
        policy, value = self._forward(self._rollout_view(*self._of_envs(obs)))
        action = policy.sample(self.generator)
        return Decision(*(part.cpu() for part in (action, policy.log_prob(action), value, policy.params)))

    @torch.no_grad()
    def value(self, obs: np.ndarray) -> Tensor:
        """Return the values, float32 [N] on the CPU, of obs uint8 [N, C, H, W], row i of environment i."""
        return self._forward(self._rollout_view(*self._of_envs(obs)))[1].cpu()

    def update(self, rollout: Rollout) -> Metrics:
        """Learn from the rollout that `begin_rollout` began: some epochs of minibatches, in random order.

        Returns:
            Metrics, averaged over the minibatches, and how much of the returns the value function foresaw.
        """
        config = self.config
        advantage, returns = gae(
            self._scaled_reward(rollout),
            rollout.value,
            rollout.next_value,
            rollout.terminated,
            rollout.truncated,
            gamma=config.gamma,
            gae_lambda=config.gae_lambda,
        )
        self.views.credit(float(returns.mean()))
        if config.augment_where == "consistency":
            self.views.choose()
        self._anneal()
        metrics = [
            self._update_minibatch(batch.to(self.device))
            for _ in range(config.num_epochs)
            for batch in rollout.minibatches(config.num_minibatches, advantage, returns, self.generator)
        ]
        if config.objective == "kl":  # by the last epoch, each minibatch before its own step
            last_kl = _average(metrics[-config.num_minibatches :])["kl"]
            self.kl_beta = adapt_beta(self.kl_beta, last_kl, config.target_kl)
        self.updates += 1
        foreseen = {"explained_variance": explained_variance(rollout.value, returns)}
        return _average(metrics) | foreseen | self.views.metrics()

    def _scaled_reward(self, rollout: Rollout) -> Tensor:
        if not self.config.normalize_reward:
            return rollout.reward
        return self.normalizer(rollout.reward, rollout.terminated | rollout.truncated)

    def _update_minibatch(self, batch: Minibatch) -> Metrics:
        """Take one step down the gradient of L = L_policy + c_v L_value - c_e entropy (+ c_c L_consistency)."""
        config = self.config
        policy, value = self._forward(self._rollout_view(batch.obs, batch.env))
        kl, entropy = self.head.distribution(batch.policy).kl(policy), policy.entropy().mean()
        policy_loss, policy_metrics = self._policy_loss(policy.log_prob(batch.action), kl, batch)
        clip_coef = config.clip_coef if config.clip_value else None
        v_loss, value_metrics = value_loss(value, batch.value, batch.returns, clip_coef)
        loss = policy_loss + config.vf_coef * v_loss - config.ent_coef * entropy
        metrics = policy_metrics | value_metrics | {"kl": kl.detach().mean(), "entropy": entropy.detach()}
        if config.augment_where == "consistency":
            consistency, consistency_metrics = self._consistency(batch.obs, policy, value)
            loss, metrics = loss + config.consistency_coef * consistency, metrics | consistency_metrics
        return metrics | {"grad_norm": clipped_step(self.optimizer, loss, config.max_grad_norm)}

    def _policy_loss(self, log_prob: Tensor, kl: Tensor, batch: Minibatch) -> tuple[Tensor, Metrics]:
        advantage = normalize(batch.advantage) if self.config.normalize_advantage else batch.advantage
        if self.config.objective == "kl":
            return penalized_policy_loss(log_prob, batch.log_prob, advantage, kl, self.kl_beta)
        return clipped_policy_loss(log_prob, batch.log_prob, advantage, self.config.clip_coef)

    def _consistency(self, obs: Tensor, policy: Distribution, value: Tensor) -> tuple[Tensor, Metrics]:
        """Compare policy and value of the clean images with those of a fresh view of each."""
        augmented_policy, augmented_value = self._forward(self.views(obs))
        clean_policy = self.head.distribution(policy.params.detach())
        return consistency_loss(clean_policy.kl(augmented_policy), value, augmented_value)

    def _rollout_view(self, obs: Tensor, env: Tensor) -> Tensor:
        """Return what acting and PPO's losses see: augmented as held for the rollout (RAD), or clean (DrAC)."""
        return self.views.held(obs, env) if self.config.augment_where == "rollout" else self.views.plain(obs)

    def _of_envs(self, obs: np.ndarray) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(obs).to(self.device), torch.arange(len(obs), device=self.device)

    def _forward(self, images: Tensor) -> tuple[Distribution, Tensor]:
        with self._autocast():
            return self.head(self.encoder(images))

    def _anneal(self) -> None:
        """Set the learning rate: constant, or falling from lr at the first update to 0 after the last."""
        left = max(1.0 - self.updates / self.total_updates, 0.0) if self.config.anneal_lr else 1.0
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr * left

    def state_dict(self) -> dict[str, Any]:
        """Return networks, optimizer, statistics, the draw held, generators and counters."""
        return super().state_dict() | {"kl_beta": self.kl_beta}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        super().load_state_dict(state)
        self.kl_beta = state["kl_beta"].to(self.device)


def _average(metrics: list[Metrics]) -> Metrics:
    return {name: torch.stack([row[name] for row in metrics]).mean() for name in metrics[0]}
