"""Rewards scaled by the spread of their returns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
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
        self._running = np.zeros(0)
        self._mean, self._variance, self._count = 0.0, 1.0, 1e-4

    def __call__(self, reward: Tensor, ended: Tensor) -> Tensor:
        """Normalize a rollout's rewards, float32 [T, N] on the CPU, step by step, continuing the statistics.

        `ended`, bool [T, N], says where an episode ended with the step.
        """
        earned = reward.double().numpy()
        returns = self._returns(earned, ~ended.numpy())
        rows = zip(returns.mean(axis=1).tolist(), returns.var(axis=1).tolist())
        variance = np.array([self._merge(*row, returns.shape[1]) for row in rows])
        scaled = earned / np.sqrt(variance + 1e-8)[:, None]
        return torch.from_numpy(scaled.clip(-self.clip, self.clip)).float()

    def _returns(self, reward: np.ndarray, goes_on: np.ndarray) -> np.ndarray:
        """Return the discounted returns until each step, float64 [T, N]."""
        if not len(self._running):
            self._running = np.zeros(reward.shape[1])
        returns = np.empty_like(reward)
        for step in range(len(reward)):
            returns[step] = self.gamma * self._running + reward[step]
            self._running = returns[step] * goes_on[step]
        return returns

    def _merge(self, mean: float, variance: float, count: int) -> float:
        """Take the mean and variance of `count` values into the statistics; return their variance then."""
        total = self._count + count
        distance = mean - self._mean
        squares = self._variance * self._count + variance * count
        self._variance = (squares + distance**2 * self._count * count / total) / total
        self._mean += distance * count / total
        self._count = total
        return self._variance

    def state_dict(self) -> dict[str, Any]:
        """Return the running returns and the statistics, float64 [N] and 0-d."""
        names = ("running", "mean", "variance", "count")
        return {name: torch.tensor(getattr(self, f"_{name}"), dtype=torch.float64) for name in names}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self._running = np.array(state["running"].tolist())
        self._mean, self._variance, self._count = (float(state[name]) for name in ("mean", "variance", "count"))
