import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, TanhTransform, TransformedDistribution

from rad.heads.distributions import SquashedGaussian
from tests.reference.sac_losses import squashed_log_prob


def rows(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def log_density_at(raw: Tensor, mean: float, std: float) -> Tensor:
    """Return the log-density of tanh(raw) under one axis, float64 [B]."""
    noise = ((raw - mean) / std)[:, None]
    policy = SquashedGaussian(torch.full_like(noise, mean), torch.full_like(noise, math.log(std)))
    return policy.rsample(noise)[1]


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.3, 0.5), (-1.5, 0.2), (0.5, 3.0)])
def test_the_density_integrates_to_one(mean: float, std: float) -> None:
    raw = torch.linspace(mean - 9 * std, mean + 9 * std, 20_001, dtype=torch.float64)
    action = torch.tanh(raw.clamp(-18.0, 18.0))  # beyond, neighbours are equal in float64 and add nothing
    area = torch.trapezoid(log_density_at(raw, mean, std).exp(), action)
    assert area.item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_the_log_density_equals_torchs(seed: int) -> None:
    mean, log_std, noise = rows(seed, 3, 16, 4)
    _, log_prob = SquashedGaussian(mean, log_std).rsample(noise)
    transform = TanhTransform(cache_size=1)  # with the cache it knows the exact value before the squashing
    theirs = TransformedDistribution(Normal(mean, log_std.exp()), [transform])
    action = transform(mean + log_std.exp() * noise)
    torch.testing.assert_close(log_prob, theirs.log_prob(action).sum(-1))


def test_the_log_density_equals_that_of_the_differentiated_distribution_function() -> None:
    mean, log_std, noise = 0.5 * rows(7, 3, 12, 2)
    action, log_prob = SquashedGaussian(mean, log_std).rsample(noise)
    parts = zip(action.numpy(), mean.numpy(), log_std.exp().numpy())
    np.testing.assert_allclose(log_prob.numpy(), [squashed_log_prob(*part) for part in parts], atol=1e-4)


@pytest.mark.parametrize("raw", [50.0, -50.0, 1e4])
def test_it_is_exact_where_tanh_saturates(raw: float) -> None:
    mean = torch.full((1, 1), raw, requires_grad=True)
    action, log_prob = SquashedGaussian(mean, torch.zeros(1, 1)).rsample(torch.zeros(1, 1))
    log_prob.sum().backward()
    assert action.abs().item() == 1.0
    # log(1 - tanh(u)^2) = log 4 - 2 |u| far out, so log pi = -log(2 pi) / 2 - log 4 + 2 |u|, of slope 2 sign(u)
    assert log_prob.item() == pytest.approx(-0.5 * math.log(2 * math.pi) - math.log(4.0) + 2 * abs(raw), rel=1e-6)
    assert mean.grad.item() == pytest.approx(math.copysign(2.0, raw))


def test_hand_computed_at_the_centre() -> None:
    # u = 0: log N(0; 0, 1) = -log(2 pi) / 2 = -0.9189 for each of two axes, and the slope of tanh is 1
    _, log_prob = SquashedGaussian(torch.zeros(1, 2), torch.zeros(1, 2)).rsample(torch.zeros(1, 2))
    assert log_prob.item() == pytest.approx(-1.8379, abs=1e-4)


def test_the_mode_is_the_squashed_mean_and_what_no_noise_gives() -> None:
    mean, log_std = rows(0, 2, 5, 3)
    policy = SquashedGaussian(mean, log_std)
    torch.testing.assert_close(policy.mode, torch.tanh(mean))
    torch.testing.assert_close(policy.mode, policy.rsample(torch.zeros_like(mean))[0])


def test_actions_are_differentiable_in_mean_and_spread() -> None:
    mean, log_std, noise = rows(3, 3, 4, 2)
    mean.requires_grad_(True)
    log_std.requires_grad_(True)
    action, log_prob = SquashedGaussian(mean, log_std).rsample(noise)
    slope = (1.0 - action.square()).detach()
    to_mean, to_log_std = torch.autograd.grad(action.sum(), (mean, log_std))
    torch.testing.assert_close(to_mean, slope)
    torch.testing.assert_close(to_log_std, slope * log_std.exp().detach() * noise)
    assert action.shape == (4, 2) and log_prob.shape == (4,)
