"""Distributions over actions."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


class SquashedGaussian:
    """A Gaussian squashed by tanh into (-1, 1).

    a = tanh(u), u = mean + exp(log_std) * noise;
    log pi(a) = sum_j [ log N(u_j) - log(1 - tanh(u_j)^2) ].

    The last term is written 2 (log 2 - u - softplus(-2u)), which is exact for every u; RAD's code has
    log(relu(1 - tanh(u)^2) + 1e-6), which is off where tanh saturates and has no gradient there.

    Args:
        mean: float [B, A], before the squashing.
        log_std: float [B, A].

    Source: Haarnoja et al. 2018 (arXiv 1812.05905), appendix C.
    """

    def __init__(self, mean: Tensor, log_std: Tensor) -> None:
        self.mean, self.log_std = mean, log_std

    @property
    def mode(self) -> Tensor:
        """Return the squashed mean, float [B, A] in (-1, 1): the action taken at evaluation."""
        return self.mean.tanh()

    def rsample(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Turn standard-normal noise into actions and their log-densities, both differentiable.

        Args:
            noise: float [B, A], drawn by the caller.

        Returns:
            Actions [B, A] in [-1, 1] and log-densities [B] in nats.
        """
        raw = self.mean + self.log_std.exp() * noise
        log_normal = -0.5 * noise.square() - self.log_std - 0.5 * math.log(2.0 * math.pi)
        log_jacobian = 2.0 * (math.log(2.0) - raw - F.softplus(-2.0 * raw))
        return torch.tanh(raw), (log_normal - log_jacobian).sum(-1)
