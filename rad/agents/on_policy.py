"""What agents share that learn from rollouts of their own steps: a policy, a value, and the noise of the actions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Required, Unpack

import numpy as np
import torch
from torch import Tensor

import encoders
from rad.agents.bandit import BanditViews
from rad.agents.base import Agent, AgentConfig, Augmentations, Options
from rad.agents.targets import Targets, of_policy_and_value
from rad.heads.distributions import Distribution
from rad.heads.ppo import PolicyValue
from rad.types import ActorStep


class OnPolicyOptions(Options, total=False):
    """What the constructors of `OnPolicyAgent` take beyond the positional arguments."""

    discrete: Required[bool]
    encoder: encoders.Encoder | str
    total_updates: int


@dataclass(frozen=True)
class OnPolicyConfig(AgentConfig):
    """Hyperparameters that agents of rollouts share. Defaults are for Procgen (Cobbe et al. 2020, train-procgen)."""

    num_steps: int = 256
    """Agent steps of each environment per rollout."""
    gamma: float = 0.999
    """Discount per agent step."""
    lr: float = 5e-4
    """Learning rate of everything."""
    anneal_lr: bool = False
    """Let the learning rate fall linearly to 0 over the run."""
    ent_coef: float = 0.01
    """Weight of the entropy bonus."""
    vf_coef: float = 0.5
    """Weight of the value loss."""
    max_grad_norm: float = 0.5
    """Gradients longer than this are scaled down to it."""
    hidden_dim: int = 256
    """Width of the layer that policy and value share."""


class OnPolicyAgent(Agent):
    """Base of agents whose policy and value share encoder and trunk, and that act in rollouts.

    What is random in a rollout is drawn at its start: a step uploads observations, if the device is not the CPU, and
    downloads one tensor.

    Args:
        image_shape, augmentation, encoder, **options: as of `Agent`.
        action_dim: number of discrete actions, or size A of a continuous one.
        config: hyperparameters.
        discrete: whether actions are discrete.
        augments_rollout: act on augmented images, drawn once for each environment and rollout; else on clean ones.
        total_updates: rollouts in the whole run, which `anneal_lr` needs.

    Attributes:
        noise: float32 [T, N, A], of the actions of the rollout, on the device.
        optimizer: of everything, set by the agents.

    Raises:
        ValueError: `anneal_lr` lacks `total_updates`, two hyperparameters contradict each other, or as of `Agent`.
    """

    tensors: ClassVar[tuple[str, ...]] = ("noise",)
    acting = ("encoder", "head")
    heads = ("head",)
    config: OnPolicyConfig
    views: BanditViews
    optimizer: torch.optim.Optimizer

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        action_dim: int,
        config: OnPolicyConfig,
        augmentation: Augmentations,
        *,
        discrete: bool,
        augments_rollout: bool = True,
        encoder: encoders.Encoder | str = "impala",
        total_updates: int = 0,
        **options: Unpack[Options],
    ) -> None:
        config.check()
        if config.anneal_lr and total_updates < 1:
            raise ValueError(f"total_updates must be at least 1 for anneal_lr, got {total_updates}")
        super().__init__(image_shape, augmentation, encoder=encoder, **options)
        self.config, self.total_updates = config, total_updates
        self.num_steps, self.action_dim, self.augments_rollout = config.num_steps, action_dim, augments_rollout
        self.views = BanditViews(self.candidates, image_shape, self.view_generator)
        dims = self.encoder.feature_dim, action_dim
        self.head = PolicyValue(*dims, discrete=discrete, hidden_dim=config.hidden_dim, generator=self.generator)
        self.head.to(self.device)
        self.noise = torch.zeros(0, device=self.device)

    def _policy(self, images: Tensor) -> Distribution:
        return self._forward(images)[0]

    def targets(self) -> Targets:
        """Return policy, value and logits as functions of the features."""
        return of_policy_and_value(self.head)

    def begin_rollout(self, num_envs: int) -> None:
        """Draw the noise of all actions, and each environment's augmentation if it acts on rollouts."""
        self._draw_noise(num_envs)
        if self.augments_rollout:
            self.views.choose()
            self.views.sample_params((num_envs, *self.image_shape), self.device)

    def resume_rollout(self, num_envs: int) -> None:
        """Draw the noise of all actions if the state that was loaded is of an earlier version, which had none."""
        if not len(self.noise):
            self._draw_noise(num_envs)

    def _draw_noise(self, num_envs: int) -> None:
        noise = self.head.kind.noise((self.num_steps, num_envs, self.action_dim), self.generator)
        self.noise.resize_(noise.shape).copy_(noise)

    @torch.no_grad()
    def actor_step(self, obs: Tensor, step: int, envs: slice) -> ActorStep:
        """Draw the actions of step `step` of the rollout for obs uint8 [n, C, H, W], on the device; return the CPU's.

        Row i is of the i-th of `envs`.
        """
        policy, value = self._forward(self._rollout_view(obs, envs))
        action = policy.from_noise(self.noise[step, envs])
        return ActorStep(action, policy.log_prob(action), value, policy.params).cpu()

    @torch.no_grad()
    def value(self, obs: np.ndarray, envs: slice = slice(None)) -> Tensor:
        """Return the values, float32 [n] on the CPU, of obs uint8 [n, C, H, W], row i of the i-th of `envs`."""
        return self._forward(self._rollout_view(torch.from_numpy(obs).to(self.device), envs))[1].cpu()

    def _rollout_view(self, obs: Tensor, env: Tensor | slice) -> Tensor:
        """Return what acting and its losses see: augmented as drawn for the rollout (RAD), or clean (DrAC)."""
        return self.views.apply_params(obs, env) if self.augments_rollout else self.views.eval_view(obs)

    def _forward(self, images: Tensor) -> tuple[Distribution, Tensor]:
        with self._autocast():
            return self.head(self.encoder(images))

    def _anneal(self) -> None:
        """Set the learning rate: constant, or falling from lr at the first update to 0 after the last."""
        left = max(1.0 - self.updates / self.total_updates, 0.0) if self.config.anneal_lr else 1.0
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr * left

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave; states of earlier versions lack the noise."""
        noise = state.get("noise", torch.zeros(0))
        self.noise.resize_(noise.shape)
        super().load_state_dict({**state, "noise": noise})
