"""What agents share that learn from rollouts of their own steps: a policy, a value, and the noise of the actions."""

from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

import numpy as np
import torch
from torch import Tensor

import encoders
from rad.agents.bandit import BanditViews
from rad.agents.base import Agent, Augmentations, Options
from rad.agents.targets import Targets, of_policy_and_value
from rad.heads.distributions import Distribution
from rad.heads.ppo import PolicyValue
from rad.types import ActorStep


class OnPolicyAgent(Agent):
    """Base of agents whose policy and value share encoder and trunk, and that act in rollouts.

    What is random in a rollout is drawn at its start: a step uploads observations, if the device is not the CPU, and
    downloads one tensor.

    Args:
        image_shape, augmentation, encoder, **options: as of `Agent`.
        action_dim: number of discrete actions, or size A of a continuous one.
        num_steps: agent steps T of each environment per rollout.
        hidden_dim: width of the layer that policy and value share.
        discrete: whether actions are discrete.
        augments_rollout: act on augmented images, drawn once for each environment and rollout; else on clean ones.

    Attributes:
        noise: float32 [T, N, A], of the actions of the rollout, on the device.
    """

    tensors: ClassVar[tuple[str, ...]] = ("noise",)
    acting = ("encoder", "head")
    heads = ("head",)
    views: BanditViews

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        action_dim: int,
        augmentation: Augmentations,
        *,
        num_steps: int,
        hidden_dim: int,
        discrete: bool,
        augments_rollout: bool,
        encoder: encoders.Encoder | str,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(image_shape, augmentation, encoder=encoder, **options)
        self.num_steps, self.action_dim, self.augments_rollout = num_steps, action_dim, augments_rollout
        self.views = BanditViews(self.candidates, image_shape, self.view_generator)
        dims = self.encoder.feature_dim, action_dim
        self.head = PolicyValue(*dims, discrete=discrete, hidden_dim=hidden_dim, generator=self.generator)
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

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave; states of earlier versions lack the noise."""
        noise = state.get("noise", torch.zeros(0))
        self.noise.resize_(noise.shape)
        super().load_state_dict({**state, "noise": noise})
