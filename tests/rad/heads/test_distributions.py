import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, TanhTransform, TransformedDistribution

from rad.heads.distributions import Categorical, Gaussian, SquashedGaussian
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
    action = torch.tanh(raw.clamp(-18.0, 18.0))  # beyond, neighbors are equal in float64 and add nothing
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


@pytest.mark.parametrize("raw", [50.0, -50.0])
def test_a_floor_bounds_it_where_tanh_saturates(raw: float) -> None:
    mean = torch.full((1, 1), raw, requires_grad=True)
    action, log_prob = SquashedGaussian(mean, torch.zeros(1, 1), floor=1e-6).rsample(torch.zeros(1, 1))
    log_prob.sum().backward()
    assert action.abs().item() == 1.0
    # log(1e-6) = -13.8155 in place of log(1 - tanh^2), so log pi = -0.9189 + 13.8155, without a slope
    assert log_prob.item() == pytest.approx(12.8966, abs=1e-4)
    assert mean.grad.item() == 0.0


def test_hand_computed_at_the_center() -> None:
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


def leaf(seed: int, *shape: int) -> Tensor:
    return rows(seed, *shape).requires_grad_(True)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class TestCategorical:
    def test_hand_computed(self) -> None:
        # p = 1/2, 1/4, 1/4 and q = 1/4, 1/4, 1/2
        p, q = (Categorical(torch.tensor([row]).log() + 3.0) for row in ([0.5, 0.25, 0.25], [0.25, 0.25, 0.5]))
        assert p.log_prob(torch.tensor([1])).item() == pytest.approx(-math.log(4.0))
        # log 2 / 2 + log 4 / 4 + log 4 / 4 = 1.5 log 2
        assert p.entropy().item() == pytest.approx(1.5 * math.log(2.0))
        # log(2) / 2 + 0 + log(1/2) / 4 = log(2) / 4
        assert p.kl(q).item() == pytest.approx(0.25 * math.log(2.0))
        assert (p.mode.item(), q.mode.item()) == (0, 2)

    def test_equals_torchs(self) -> None:
        logits, other_logits = leaf(0, 6, 5), leaf(1, 6, 5)
        ours, other = Categorical(logits), Categorical(other_logits)
        theirs, their_other = (torch.distributions.Categorical(logits=x) for x in (logits, other_logits))
        action = torch.tensor([0, 1, 2, 3, 4, 0])
        pairs = [
            (ours.log_prob(action), theirs.log_prob(action)),
            (ours.entropy(), theirs.entropy()),
            (ours.kl(other), torch.distributions.kl_divergence(theirs, their_other)),
        ]
        for mine, expected in pairs:
            torch.testing.assert_close(mine, expected)
            gradients = [torch.autograd.grad(x.sum(), logits, retain_graph=True)[0] for x in (mine, expected)]
            torch.testing.assert_close(*gradients)

    def test_samples_follow_the_probabilities(self) -> None:
        policy = Categorical(torch.tensor([0.6, 0.3, 0.1, 1e-30]).log().expand(20_000, 4))
        share = torch.bincount(policy.sample(generator()), minlength=4) / 20_000
        # the standard error of a share is at most sqrt(0.24 / 20,000) = 0.0035
        torch.testing.assert_close(share, torch.tensor([0.6, 0.3, 0.1, 0.0]), atol=0.014, rtol=0)

    def test_its_type_and_shape(self) -> None:
        policy = Categorical(rows(0, 5, 3))
        for action in (policy.mode, policy.sample(generator())):
            assert action.dtype == torch.int64 and action.shape == (5,)
            assert policy.log_prob(action).shape == policy.entropy().shape == (5,)


class TestGaussian:
    def test_hand_computed(self) -> None:
        one = Gaussian(torch.tensor([[1.0, -1.0, 0.0, math.log(2.0)]]))
        # (3 - 1) / 1 = 2 and (1 + 1) / 2 = 1: -(4 + 1) / 2 - log 2 - log(2 pi)
        expected = -2.5 - math.log(2.0) - math.log(2 * math.pi)
        assert one.log_prob(torch.tensor([[3.0, 1.0]])).item() == pytest.approx(expected)
        assert one.entropy().item() == pytest.approx(math.log(2.0) + math.log(2 * math.pi * math.e))
        other = Gaussian(torch.tensor([[2.0, -1.0, math.log(2.0), 0.0]]))
        # axis 0: log 2 + (1 + 1) / 8 - 1/2; axis 1: -log 2 + 4 / 2 - 1/2; together 0.25 + 2 - 1
        assert one.kl(other).item() == pytest.approx(1.25)
        assert one.mode.tolist() == [[1.0, -1.0]]

    def test_equals_torchs(self) -> None:
        params, other_params, action = leaf(0, 6, 4), leaf(1, 6, 4), rows(2, 6, 2)
        ours, other = Gaussian(params), Gaussian(other_params)
        theirs, their_other = (Normal(x[:, :2], x[:, 2:].exp()) for x in (params, other_params))
        pairs = [
            (ours.log_prob(action), theirs.log_prob(action).sum(-1)),
            (ours.entropy(), theirs.entropy().sum(-1)),
            (ours.kl(other), torch.distributions.kl_divergence(theirs, their_other).sum(-1)),
        ]
        for mine, expected in pairs:
            torch.testing.assert_close(mine, expected)
            gradients = [torch.autograd.grad(x.sum(), params, retain_graph=True)[0] for x in (mine, expected)]
            torch.testing.assert_close(*gradients)

    def test_samples_have_the_mean_and_the_spread(self) -> None:
        params = torch.tensor([5.0, -1.0, math.log(0.5), math.log(2.0)]).expand(20_000, 4)
        action = Gaussian(params).sample(generator())
        # four standard errors of the wider axis: 4 * 2 / sqrt(20,000) = 0.057; it reaches outside [-1, 1]
        torch.testing.assert_close(action.mean(0), torch.tensor([5.0, -1.0]), atol=0.057, rtol=0)
        torch.testing.assert_close(action.std(0), torch.tensor([0.5, 2.0]), atol=0.04, rtol=0)


@pytest.mark.parametrize("kind", [Categorical, Gaussian])
class TestBothPolicies:
    def test_a_policy_can_be_made_again_from_its_params(self, kind: type[Categorical | Gaussian]) -> None:
        policy = kind(rows(0, 6, 4))
        again = kind(policy.params.clone())
        assert torch.equal(policy.sample(generator()), again.sample(generator()))
        assert torch.equal(policy.kl(again), torch.zeros(6, dtype=torch.float64))

    def test_samples_come_from_the_generator_alone(self, kind: type[Categorical | Gaussian]) -> None:
        policy, before = kind(rows(0, 40, 4)), torch.get_rng_state()
        one, again, other = (policy.sample(generator(seed)) for seed in (1, 1, 2))
        assert torch.equal(one, again) and not torch.equal(one, other)
        assert torch.equal(torch.get_rng_state(), before)
