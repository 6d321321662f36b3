import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rad.heads.sac import MLP, Actor, Critic, Projection

B, FEATURES, ACTIONS = 6, 12, 3
SIZES = {"projection_dim": 8, "hidden_dim": 16}
RNG = torch.Generator().manual_seed(0)
BOUNDS = (-10.0, 2.0)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def features() -> Tensor:
    return torch.randn(B, FEATURES)


def actor(bounds: tuple[float, float] = BOUNDS) -> Actor:
    return Actor(FEATURES, ACTIONS, log_std_bounds=bounds, generator=RNG, **SIZES)


def with_output(head: Actor, bias: list[float]) -> Actor:
    """Make the last layer give `bias` whatever comes in."""
    nn.init.zeros_(head.mlp.out.weight)
    with torch.no_grad():
        head.mlp.out.bias.copy_(torch.tensor(bias))
    return head


def bf16() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, cache_enabled=False)


class TestProjection:
    def test_without_tanh_it_ends_normalized(self) -> None:
        projected = Projection(FEATURES, 8, generator=RNG)(features())
        torch.testing.assert_close(projected.mean(-1), torch.zeros(B), atol=1e-5, rtol=0)
        torch.testing.assert_close(projected.var(-1, unbiased=False), torch.ones(B), atol=1e-3, rtol=0)

    def test_with_tanh_it_is_the_same_squashed(self) -> None:
        plain, squashed = Projection(FEATURES, 8, generator=RNG), Projection(FEATURES, 8, tanh=True, generator=RNG)
        squashed.load_state_dict(plain.state_dict())
        inputs = features()
        torch.testing.assert_close(squashed(inputs), torch.tanh(plain(inputs)))

    def test_its_norm_is_taken_in_float32(self) -> None:
        with bf16():
            projected = Projection(FEATURES, 8, generator=RNG)(features())
        assert projected.dtype == torch.float32
        torch.testing.assert_close(projected.var(-1, unbiased=False), torch.ones(B), atol=1e-3, rtol=0)


class TestMLP:
    def test_its_last_layer_is_computed_in_float32(self) -> None:
        mlp, inputs = MLP(FEATURES, 16, 2, RNG), features()
        with bf16():
            out = mlp(inputs)
            hidden = mlp.hidden(inputs)
        assert hidden.dtype == torch.bfloat16
        assert torch.equal(out, F.linear(hidden.float(), mlp.out.weight, mlp.out.bias))

    def test_it_has_two_hidden_layers_with_relu(self) -> None:
        mlp, inputs = MLP(FEATURES, 16, 2, RNG), features()
        first, second = (layer for layer in mlp.hidden if isinstance(layer, nn.Linear))
        torch.testing.assert_close(mlp(inputs), mlp.out(second(first(inputs).relu()).relu()))


class TestActor:
    def test_the_first_half_of_the_output_is_the_mean(self) -> None:
        policy = with_output(actor(), [0.1, 0.2, 0.3, 0.0, 0.0, 0.0])(features())
        torch.testing.assert_close(policy.mean, torch.tensor([0.1, 0.2, 0.3]).expand(B, 3))
        # tanh(0) = 0 is the middle of the bounds: (-10 + 2) / 2
        torch.testing.assert_close(policy.log_std, torch.full((B, 3), -4.0))

    def test_log_std_stays_in_its_bounds_and_reaches_them(self) -> None:
        policy = with_output(actor(), [0.0, 0.0, 0.0, -100.0, 0.5, 100.0])(features())
        # -10 + 6 (tanh(0.5) + 1) = -10 + 6 * 1.46212 = -1.22730
        torch.testing.assert_close(policy.log_std[0], torch.tensor([-10.0, -1.22730, 2.0]), atol=1e-4, rtol=0)

    def test_other_bounds(self) -> None:
        policy = with_output(actor((-1.0, 3.0)), [0.0] * 3 + [-100.0, 0.0, 100.0])(features())
        torch.testing.assert_close(policy.log_std[0], torch.tensor([-1.0, 1.0, 3.0]))

    def test_the_policy_depends_on_the_features_of_its_own_row(self) -> None:
        head, inputs = actor(), features()
        changed = inputs.clone()
        changed[2] += 1.0
        moved = (head(inputs).mean != head(changed).mean).all(-1)
        assert moved.tolist() == [row == 2 for row in range(B)]

    def test_under_autocast_the_distribution_is_float32(self) -> None:
        with bf16():
            policy = actor()(features())
            action, log_prob = policy.rsample(torch.randn(B, ACTIONS))
        assert {policy.mean.dtype, policy.log_std.dtype, action.dtype, log_prob.dtype} == {torch.float32}


class TestCritic:
    def test_shapes_and_two_different_values(self) -> None:
        q1, q2 = Critic(FEATURES, ACTIONS, generator=RNG, **SIZES)(features(), torch.zeros(B, ACTIONS))
        assert q1.shape == q2.shape == (B,)
        assert not torch.allclose(q1, q2)

    @pytest.mark.parametrize("which", [0, 1])
    def test_both_values_depend_on_features_and_action(self, which: int) -> None:
        critic = Critic(FEATURES, ACTIONS, generator=RNG, **SIZES)
        inputs, action = features().requires_grad_(True), torch.zeros(B, ACTIONS, requires_grad=True)
        critic(inputs, action)[which].sum().backward()
        assert inputs.grad.abs().sum() > 0 and action.grad.abs().sum() > 0

    def test_under_autocast_the_values_are_float32_and_finer_than_bfloat16(self) -> None:
        critic = Critic(FEATURES, ACTIONS, generator=RNG, **SIZES)
        for q in (critic.q1, critic.q2):
            nn.init.constant_(q.out.bias, 100.0)
        with bf16():
            values = critic(features(), torch.zeros(B, ACTIONS))
        assert all(value.dtype == torch.float32 for value in values)
        assert all((value != value.bfloat16().float()).any() for value in values)

    def test_tanh_reaches_the_projections(self) -> None:
        heads = [Critic(FEATURES, ACTIONS, tanh=True, generator=RNG, **SIZES)]
        heads.append(Actor(FEATURES, ACTIONS, log_std_bounds=BOUNDS, tanh=True, generator=RNG, **SIZES))
        assert all(head.projection(10 * features()).abs().max() < 1 for head in heads)
