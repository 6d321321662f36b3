import math

import pytest
import torch
from torch import Tensor

from rad.heads.distributions import Categorical, Gaussian
from rad.heads.ppo import PolicyValue

B, FEATURES, ACTIONS, HIDDEN = 6, 12, 3, 10


def head(discrete: bool = True, seed: int = 0) -> PolicyValue:
    generator = torch.Generator().manual_seed(seed)
    return PolicyValue(FEATURES, ACTIONS, discrete=discrete, hidden_dim=HIDDEN, generator=generator)


def features() -> Tensor:
    return torch.randn(B, FEATURES, generator=torch.Generator().manual_seed(5))


def bf16() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, cache_enabled=False)


def test_discrete_actions_get_a_categorical_policy() -> None:
    policy, value = head()(features())
    assert isinstance(policy, Categorical)
    assert policy.params.shape == (B, ACTIONS) and value.shape == (B,)


def test_continuous_actions_get_a_gaussian_whose_spread_starts_at_1_everywhere() -> None:
    policy, value = head(discrete=False)(features())
    assert isinstance(policy, Gaussian)
    assert policy.mean.shape == (B, ACTIONS) and value.shape == (B,)
    assert torch.equal(policy.log_std, torch.zeros(B, ACTIONS))


def test_log_std_is_learnt_and_is_the_same_for_all_features() -> None:
    made = head(discrete=False)
    with torch.no_grad():
        made.log_std.copy_(torch.tensor([0.1, 0.2, 0.3]))
    policy, _ = made(features())
    torch.testing.assert_close(policy.log_std, torch.tensor([0.1, 0.2, 0.3]).expand(B, 3))
    policy.log_prob(torch.zeros(B, ACTIONS)).sum().backward()
    assert (made.log_std.grad != 0).all()


def test_policy_and_value_share_one_hidden_layer() -> None:
    made, inputs = head(), features()
    policy, value = made(inputs)
    hidden = (inputs @ made.trunk[0].weight.T + made.trunk[0].bias).clamp(min=0)
    torch.testing.assert_close(policy.params, hidden @ made.policy.weight.T + made.policy.bias)
    torch.testing.assert_close(value, hidden @ made.value.weight[0] + made.value.bias)


def test_weights_are_orthogonal_with_the_published_gains_and_biases_are_zero() -> None:
    made = head()
    for layer, gain in ((made.trunk[0], math.sqrt(2.0)), (made.policy, 0.01), (made.value, 1.0)):
        rows = layer.weight @ layer.weight.T
        torch.testing.assert_close(rows, gain**2 * torch.eye(len(rows)), atol=1e-5 * gain**2, rtol=0)
        assert not layer.bias.any()


def test_weights_come_from_the_generator_alone() -> None:
    before = torch.get_rng_state()
    one, again, other = (head(seed=seed).state_dict() for seed in (1, 1, 2))
    for name in ("trunk.0.weight", "policy.weight", "value.weight"):
        assert torch.equal(one[name], again[name])
        assert not torch.equal(one[name], other[name])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("discrete", [True, False])
def test_a_policy_is_rebuilt_from_its_params(discrete: bool) -> None:
    made = head(discrete)
    policy, _ = made(features())
    again = made.distribution(policy.params.detach())
    assert type(again) is type(policy)
    assert not again.entropy().requires_grad
    torch.testing.assert_close(policy.kl(again), torch.zeros(B))


@pytest.mark.parametrize("discrete", [True, False])
def test_under_autocast_the_outputs_are_computed_in_float32(discrete: bool) -> None:
    made = head(discrete)
    with torch.no_grad(), bf16():
        made.value.bias.fill_(100.0)
        policy, value = made(features())
        hidden = made.trunk(features())
    assert hidden.dtype == torch.bfloat16
    assert policy.params.dtype == value.dtype == torch.float32
    assert (value != value.bfloat16().float()).any()
