"""Distributions over actions."""

import abc
import math
from collections.abc import Sequence
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor


class Policy(abc.ABC):
    """What acting asks of a policy."""

    @property
    @abc.abstractmethod
    def mode(self) -> Tensor:
        """Return the likeliest action of each row."""

    @abc.abstractmethod
    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw an action for each row from noise that is drawn on the CPU: the same on every device."""


class SquashedPolicy(Policy):
    """A policy whose likeliest action is the tanh of its `mean`, float [B, A]."""

    mean: Tensor

    @property
    def mode(self) -> Tensor:
        """Return the squashed mean, float [B, A] in (-1, 1): the action taken at evaluation."""
        return self.mean.tanh()


class SquashedGaussian(SquashedPolicy):
    """A Gaussian squashed by tanh into (-1, 1).

    a = tanh(u), u = mean + exp(log_std) * noise;
    log pi(a) = sum_j [ log N(u_j) - log(1 - tanh(u_j)^2) ].

    The last term is written 2 (log 2 - u - softplus(-2u)), exact for every u; with a floor c > 0 it is
    log(relu(1 - tanh(u)^2) + c), which is off where tanh saturates and has no gradient there.

    Args:
        mean: float [B, A], before the squashing.
        log_std: float [B, A].
        floor: c; RAD's code has 1e-6.

    Source: Haarnoja et al. 2018 (arXiv 1812.05905), appendix C.
    """

    def __init__(self, mean: Tensor, log_std: Tensor, floor: float = 0.0) -> None:
        self.mean, self.log_std, self.floor = mean, log_std, floor

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw actions, float [B, A] in [-1, 1]."""
        return self.rsample(torch.randn(self.mean.shape, generator=generator).to(self.mean.device))[0]

    def rsample(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Turn normal noise [B, A] into actions [B, A] in [-1, 1] and log-densities [B], nats, both differentiable."""
        raw = self.mean + self.log_std.exp() * noise
        log_normal = -0.5 * noise.square() - self.log_std - 0.5 * math.log(2.0 * math.pi)
        if self.floor:
            log_jacobian = torch.log(F.relu(1.0 - raw.tanh().square()) + self.floor)
        else:
            log_jacobian = 2.0 * (math.log(2.0) - raw - F.softplus(-2.0 * raw))
        return raw.tanh(), (log_normal - log_jacobian).sum(-1)


class Distribution(Policy):
    """A distribution over actions whose log-probabilities, unlike its samples, are differentiated.

    Args:
        params: float [B, P], all that it depends on, so that it can be stored and made again.
    """

    def __init__(self, params: Tensor) -> None:
        self.params = params

    @staticmethod
    @abc.abstractmethod
    def noise(shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Draw what actions of `shape` [..., A], or among A, are made of: float32 [..., A], on the CPU."""

    @abc.abstractmethod
    def from_noise(self, noise: Tensor) -> Tensor:
        """Turn noise [B, A] into an action for each row."""

    @abc.abstractmethod
    def log_prob(self, action: Tensor) -> Tensor:
        """Return the logarithms [B] of the actions' probabilities or densities, nats."""

    @abc.abstractmethod
    def entropy(self) -> Tensor:
        """Return the entropies [B], nats."""

    @abc.abstractmethod
    def kl(self, other: Self) -> Tensor:
        """Return the divergences KL(self || other) [B], nats."""


class Categorical(Distribution):
    """One of A discrete actions.

    Args:
        params: float [B, A], logits: logarithms of the probabilities up to a constant.

    Attributes:
        log_probs: float [B, A], logarithms of the probabilities, nats.
    """

    def __init__(self, params: Tensor) -> None:
        super().__init__(params)
        self.log_probs = params.log_softmax(-1)

    @property
    def mode(self) -> Tensor:
        """Return the likeliest action, int64 [B]."""
        return self.params.argmax(-1)

    @staticmethod
    def noise(shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Draw exponential noise."""
        return torch.empty(tuple(shape)).exponential_(generator=generator)

    def from_noise(self, noise: Tensor) -> Tensor:
        """Return actions, int64 [B]: argmax_a of log p_a - log E_a with E exponential (the Gumbel-max trick)."""
        return (self.log_probs - noise.log()).argmax(-1)

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw actions, int64 [B]."""
        return self.from_noise(self.noise(self.params.shape, generator).to(self.params.device))

    def log_prob(self, action: Tensor) -> Tensor:
        """Return the logarithms [B] of the probabilities of actions int64 [B], nats."""
        return self.log_probs.gather(-1, action[:, None]).squeeze(-1)

    def entropy(self) -> Tensor:
        """Return the entropies [B], nats: -sum_a p_a log p_a."""
        return -(self.log_probs.exp() * self.log_probs).sum(-1)

    def kl(self, other: Self) -> Tensor:
        """Return KL(self || other) [B], nats: sum_a p_a (log p_a - log q_a)."""
        return (self.log_probs.exp() * (self.log_probs - other.log_probs)).sum(-1)


class Gaussian(Distribution):
    """A Gaussian over all of R^A with a diagonal covariance.

    The loop clips actions to the action space; log_prob is that of the action before the clipping.

    Args:
        params: float [B, 2 A]: the mean, then log_std.

    Attributes:
        mean, log_std: float [B, A] each.
    """

    def __init__(self, params: Tensor) -> None:
        super().__init__(params)
        self.mean, self.log_std = params.chunk(2, dim=-1)

    @property
    def mode(self) -> Tensor:
        """Return the mean, float [B, A]."""
        return self.mean

    @staticmethod
    def noise(shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Draw normal noise."""
        return torch.randn(tuple(shape), generator=generator)

    def from_noise(self, noise: Tensor) -> Tensor:
        """Return actions, float [B, A]."""
        return self.mean + self.log_std.exp() * noise

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw actions, float [B, A]."""
        return self.from_noise(self.noise(self.mean.shape, generator).to(self.mean.device))

    def log_prob(self, action: Tensor) -> Tensor:
        """Return the logarithms [B] of the densities of actions float [B, A], nats."""
        scaled = (action - self.mean) * (-self.log_std).exp()
        return (-0.5 * scaled.square() - self.log_std - 0.5 * math.log(2.0 * math.pi)).sum(-1)

    def entropy(self) -> Tensor:
        """Return the differential entropies [B], nats: sum_j log_std_j + log(2 pi e) / 2."""
        return (self.log_std + 0.5 * math.log(2.0 * math.pi * math.e)).sum(-1)

    def kl(self, other: Self) -> Tensor:
        """Return KL(self || other) [B], nats: sum_j log(s2 / s1) + (s1^2 + (m1 - m2)^2) / (2 s2^2) - 1/2."""
        log_ratio = other.log_std - self.log_std
        distance = (self.mean - other.mean).square() * (-2.0 * other.log_std).exp()
        return (log_ratio + 0.5 * ((-2.0 * log_ratio).exp() + distance - 1.0)).sum(-1)
