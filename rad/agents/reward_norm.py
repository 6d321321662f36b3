"""Rewards scaled by the spread of their returns."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class RewardNormalizer:
    """Divide rewards by the standard deviation of the discounted return so far, and clip.

    G_t = gamma G_{t-1} + r_t in each environment, from 0 at an episode's start; with the variance over all G until now,
    r'_t = clip(r_t / sqrt(variance + 1e-8), -clip, clip). Nothing is subtracted, so that a reward keeps its sign. The
    statistics begin as those of 1e-4 values with mean 0 and variance 1.

    Args:
        gamma: discount of the running return; the published implementations have 0.99 beside PPO's 0.999.
        clip: largest absolute value returned; 10 in the published implementations.

    Source: OpenAI baselines, VecNormalize; the merging of variances: Chan, Golub and LeVeque 1979, eq. 2.1.
    """

    def __init__(self, gamma: float, clip: float) -> None:
        self.gamma, self.clip = gamma, clip
        self._running = torch.zeros(0, dtype=torch.float64)
        self._mean, self._variance, self._count = torch.tensor([0.0, 1.0, 1e-4], dtype=torch.float64)

    def __call__(self, reward: Tensor, ended: Tensor) -> Tensor:
        """Normalize a rollout's rewards, float32 [T, N] on the CPU, step by step, continuing the statistics.

        `ended`, bool [T, N], says where an episode ended with the step.
        """
        if not len(self._running):
            self._running = torch.zeros(reward.shape[1], dtype=torch.float64)
        rows = zip(reward.double(), ended, strict=True)
        return torch.stack([self._step(*row) for row in rows]).float()

    def _step(self, reward: Tensor, ended: Tensor) -> Tensor:
        returns = self.gamma * self._running + reward
        self._merge(returns)
        self._running = returns * ~ended
        return (reward / (self._variance + 1e-8).sqrt()).clamp(-self.clip, self.clip)

    def _merge(self, values: Tensor) -> None:
        """Take values, float64 [N], into mean and variance."""
        total = self._count + len(values)
        distance = values.mean() - self._mean
        squares = self._variance * self._count + values.var(correction=0) * len(values)
        self._variance = (squares + distance.square() * self._count * len(values) / total) / total
        self._mean = self._mean + distance * len(values) / total
        self._count = total

    def state_dict(self) -> dict[str, Any]:
        """Return the running returns and the statistics."""
        return {name: getattr(self, f"_{name}") for name in ("running", "mean", "variance", "count")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        for name, value in state.items():
            setattr(self, f"_{name}", value)
