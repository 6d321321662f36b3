"""IMPALA from pixels: an actor-critic that corrects with V-trace for the older policies that its actors had."""

import math
from dataclasses import dataclass
from typing import Literal, Unpack

from torch import Tensor

from rad.agents.base import Augmentations
from rad.agents.on_policy import OnPolicyAgent, OnPolicyConfig, OnPolicyOptions
from rad.agents.optimizers import Adam, RMSprop, clipped_step
from rad.losses.diagnostics import explained_variance, inactive_units
from rad.losses.impala import policy_gradient_loss
from rad.losses.ppo import value_loss
from rad.losses.returns import vtrace
from rad.types import Metrics, Trajectory

RMS_ALPHA = 0.99  # IMPALA's code: decay of RMSProp's mean square; its momentum is 0
STEPS = 640  # that the paper's losses are summed over: 20 of 32 environments; averages here are so much smaller


@dataclass(frozen=True)
class IMPALAConfig(OnPolicyConfig):
    """Hyperparameters of IMPALA. Defaults are for Atari (Espeholt et al. 2018, table G.1)."""

    num_steps: int = 20
    """Agent steps of each environment per rollout, from which one gradient step is taken."""
    gamma: float = 0.99
    """Discount per agent step."""
    rho_clip: float = 1.0
    """Largest importance weight of a step in targets and policy gradient."""
    c_clip: float = 1.0
    """Largest importance weight that carries a later step's error back."""
    reward_clip: float = 1.0
    """Largest size of a reward, 0 for any."""
    optimizer: Literal["rmsprop", "adam"] = "rmsprop"
    """rmsprop, the paper's, or adam."""
    optimizer_eps: float = 0.01 / STEPS
    """The optimizer's epsilon; the paper's 0.01 is for sums over 640 steps."""
    lr: float = 6e-4
    """Learning rate of everything."""
    anneal_lr: bool = True
    """Let the learning rate fall linearly to 0 over the run."""
    max_grad_norm: float = 40 / STEPS
    """Gradients longer than this are scaled down to it; the paper's 40 is for sums over 640 steps."""


class IMPALAAgent(OnPolicyAgent):
    """The learner of IMPALA, and an actor with a copy of its policy; policy and value share encoder and trunk.

    Args:
        image_shape, action_dim, discrete, total_updates, encoder, **options: as of `OnPolicyAgent`.
        config: hyperparameters.
        augmentation: a single one, drawn for each environment and rollout; the learner sees what the actor saw.

    Raises:
        ValueError: there are several augmentations, or as of `OnPolicyAgent`.

    Source: Espeholt et al. 2018 (IMPALA, arXiv 1802.01561); the augmentation: Laskin et al. 2020 (RAD, arXiv
    2004.14990). Deliberate differences: losses are averages; a truncated episode has the value of its end.
    """

    parts = ("encoder", "head", "optimizer", "views")

    config: IMPALAConfig

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        action_dim: int,
        config: IMPALAConfig,
        augmentation: Augmentations,
        **options: Unpack[OnPolicyOptions],
    ) -> None:
        super().__init__(image_shape, action_dim, config, augmentation, **options)
        if len(self.candidates) > 1:
            raise ValueError(f"augmentation must be a single one, got {', '.join(self.candidates)}")
        params = [*self.encoder.parameters(), *self.head.parameters()]
        if config.optimizer == "adam":
            self.optimizer = Adam(params, lr=config.lr, eps=config.optimizer_eps, fused=True)
        else:
            self.optimizer = RMSprop(params, lr=config.lr, alpha=RMS_ALPHA, eps=config.optimizer_eps)

    def update(self, trajectory: Trajectory) -> Metrics:
        """Take one step down the gradient of L_policy + c_v L_value - c_e entropy and others, in one pass."""
        config, batch, steps = self.config, trajectory.to(self.device), trajectory.reward.numel()
        self._anneal()
        self.views.env_params = trajectory.view_params
        features = self._encode(self.encoder, self._rollout_view(batch.obs, batch.env))  # as the actor saw it
        with self._autocast():
            policies, values = self.head(features)
        policy, (value, next_value) = self.head.distribution(policies.params[:steps]), batch.split(values)
        log_prob, entropy = policy.log_prob(batch.action.flatten(0, 1)), policy.entropy().mean()
        log_ratio = log_prob.detach().view_as(batch.log_prob) - batch.log_prob
        target, advantage = self._vtrace(batch, log_ratio, value.detach(), next_value.detach())
        policy_loss, metrics = policy_gradient_loss(log_prob, advantage.flatten())
        v_loss, value_metrics = value_loss(value, value, target, None)
        losses = {"policy": policy_loss, "value": config.vf_coef * v_loss, "entropy": -config.ent_coef * entropy}
        metrics |= value_metrics | {"entropy": entropy.detach(), "inactive_units": inactive_units(features)}
        metrics |= {"kl": -log_ratio.mean(), "rho": log_ratio.exp().clamp(max=config.rho_clip).mean()}
        metrics |= {"target": target.mean(), "target_std": target.std(correction=0)}
        metrics |= {"advantage_std": advantage.std(correction=0)}
        metrics["explained_variance"] = explained_variance(value, target)
        losses, metrics = self._add_auxiliary(losses, metrics, batch)
        metrics["grad_norm"] = clipped_step(self.optimizer, config.max_grad_norm, *losses.values())
        self._step_auxiliary()
        self.updates += 1
        return metrics

    def _vtrace(self, batch: Trajectory, log_ratio: Tensor, value: Tensor, next_value: Tensor) -> tuple[Tensor, Tensor]:
        """Return targets and advantages, [T, N] each, from clipped rewards."""
        config, limit = self.config, self.config.reward_clip or math.inf
        steps = log_ratio, batch.reward.clamp(-limit, limit), value, next_value, batch.terminated, batch.truncated
        return vtrace(*steps, gamma=config.gamma, rho_clip=config.rho_clip, c_clip=config.c_clip)
