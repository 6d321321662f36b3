import math

import numpy as np
import pytest
import torch
from torch import Tensor

from rad.losses.ppo import (
    adapt_beta,
    clipped_policy_loss,
    normalize,
    penalized_policy_loss,
    value_loss,
)
from tests.reference import ppo_losses as reference

SEEDS = range(3)


def leaf(*values: float) -> Tensor:
    return torch.tensor(values, requires_grad=True)


def rows(seed: int, count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).normal(0.0, 0.5, (count, 7)))


def tensors(arrays: list[np.ndarray]) -> list[Tensor]:
    return [torch.from_numpy(array) for array in arrays]


def numbers(metrics: dict[str, Tensor]) -> dict[str, float]:
    return {name: value.item() for name, value in metrics.items()}


def logs(*ratios: float) -> tuple[Tensor, Tensor]:
    """Return log-probabilities with these ratios; the new ones are leaves."""
    old = torch.linspace(-2.0, -1.0, len(ratios))
    return (old + torch.tensor(ratios).log()).requires_grad_(True), old


class TestNormalize:
    def test_hand_computed(self) -> None:
        # mean 2, squares 4, 0, 4: variance 8/3, so +-2 / 1.63299 = +-1.22474
        torch.testing.assert_close(
            normalize(*[torch.tensor([0.0, 2.0, 4.0])] * 2), torch.tensor([-1.22474, 0.0, 1.22474])
        )

    def test_a_batch_of_one_or_of_equals_is_zero(self) -> None:
        assert normalize(*[torch.tensor([3.0])] * 2).tolist() == [0.0]
        assert normalize(*[torch.full((4,), 3.0)] * 2).tolist() == [0.0] * 4


class TestClippedPolicyLoss:
    def test_hand_computed(self) -> None:
        # ratio 1.5: min(1.5, 1.2) = 1.2 and min(-1.5, -1.2) = -1.5; ratio 0.5: min(0.5, 0.8) = 0.5 and
        # min(-0.5, -0.8) = -0.8; ratio 1.1: 2.2. The sum is 1.6, so the loss is -0.32; 4 of 5 ratios are outside.
        log_prob, old = logs(1.5, 1.5, 0.5, 0.5, 1.1)
        loss, metrics = clipped_policy_loss(log_prob, old, torch.tensor([1.0, -1.0, 1.0, -1.0, 2.0]), 0.2)
        assert loss.item() == pytest.approx(-0.32, abs=1e-6)
        assert numbers(metrics) == pytest.approx({"policy_loss": -0.32, "clip_fraction": 0.8}, abs=1e-6)

    def test_gradients_vanish_where_the_clip_is_active(self) -> None:
        log_prob, old = logs(1.5, 1.5, 0.5, 0.5, 1.1)
        clipped_policy_loss(log_prob, old, torch.tensor([1.0, -1.0, 1.0, -1.0, 2.0]), 0.2)[0].backward()
        # elsewhere -rho A / B: 1.5 / 5, -0.5 / 5, -2.2 / 5
        torch.testing.assert_close(log_prob.grad, torch.tensor([0.0, 0.3, -0.1, 0.0, -0.44]))

    @pytest.mark.parametrize("seed", SEEDS)
    def test_equals_the_reference(self, seed: int) -> None:
        arrays = rows(seed, 3)
        loss, _ = clipped_policy_loss(*tensors(arrays), 0.2)
        assert loss.item() == pytest.approx(reference.clipped_policy_loss(*arrays, 0.2))

    def test_at_ratio_1_the_gradient_is_that_of_the_policy_gradient(self) -> None:
        log_prob, old = logs(1.0, 1.0)
        loss, metrics = clipped_policy_loss(log_prob, old, torch.tensor([3.0, -1.0]), 0.2)
        loss.backward()
        assert loss.item() == pytest.approx(-1.0)
        assert metrics["clip_fraction"] == 0
        torch.testing.assert_close(log_prob.grad, torch.tensor([-1.5, 0.5]))

    def test_a_wide_clip_is_inactive(self) -> None:
        log_prob, old, advantage = tensors(rows(0, 3))
        loss, _ = clipped_policy_loss(log_prob, old, advantage, 1e6)
        torch.testing.assert_close(loss, -((log_prob - old).exp() * advantage).mean())


class TestPenalizedPolicyLoss:
    def test_hand_computed(self) -> None:
        # row 0: 1.5 * 2 - 0.5 * 4 = 1; row 1: 0.5 * -1 - 0.5 * 2 = -1.5; minus the mean: 0.25
        log_prob, old = logs(1.5, 0.5)
        loss, metrics = penalized_policy_loss(
            log_prob, old, torch.tensor([2.0, -1.0]), torch.tensor([4.0, 2.0]), torch.tensor(0.5)
        )
        assert loss.item() == pytest.approx(0.25, abs=1e-6)
        assert numbers(metrics) == pytest.approx({"policy_loss": 0.25, "kl_beta": 0.5}, abs=1e-6)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_equals_the_reference(self, seed: int) -> None:
        arrays = rows(seed, 4)
        loss, _ = penalized_policy_loss(*tensors(arrays), torch.tensor(0.7, dtype=torch.float64))
        assert loss.item() == pytest.approx(reference.penalized_policy_loss(*arrays, 0.7))

    def test_gradients_reach_ratio_and_divergence_and_not_beta(self) -> None:
        (log_prob, old), kl, beta = logs(1.5, 0.5), leaf(4.0, 1.0), leaf(0.5)
        penalized_policy_loss(log_prob, old, torch.tensor([2.0, -1.0]), kl, beta[0])[0].backward()
        torch.testing.assert_close(log_prob.grad, torch.tensor([-1.5, 0.25]))  # -rho A / B
        torch.testing.assert_close(kl.grad, torch.tensor([0.25, 0.25]))  # beta / B
        assert beta.grad is None


class TestAdaptBeta:
    @pytest.mark.parametrize(
        ("kl", "factor"),
        # around 1.5 * 0.03 = 0.045 and 0.03 / 1.5 = 0.02
        [(0.0, 0.5), (0.0199, 0.5), (0.0201, 1.0), (0.03, 1.0), (0.0449, 1.0), (0.0451, 2.0), (5.0, 2.0)],
    )
    def test_it_halves_keeps_or_doubles(self, kl: float, factor: float) -> None:
        assert adapt_beta(torch.tensor(0.8), torch.tensor(kl), 0.03).item() == pytest.approx(0.8 * factor)

    def test_the_old_one_is_left_as_it_is(self) -> None:
        beta = torch.tensor(0.8)
        adapt_beta(beta, torch.tensor(1.0), 0.01)
        assert beta.item() == pytest.approx(0.8)


class TestValueLoss:
    value, old, returns = torch.tensor([2.0, 1.1, 0.0]), torch.tensor([1.0, 1.0, 1.0]), torch.tensor([3.0, 3.0, 0.5])

    def test_hand_computed(self) -> None:
        # row 0: 2 is clipped to 1.2, errors 1 and 1.8^2 = 3.24; row 1: within, 1.9^2 = 3.61;
        # row 2: 0 is clipped to 0.8, errors 0.25 and 0.09. The sum of the larger is 7.1, over 3 and 2: 1.18333
        loss, metrics = value_loss(self.value, self.old, self.returns, 0.2)
        assert loss.item() == pytest.approx(7.1 / 6)
        assert numbers(metrics) == pytest.approx({"value_loss": 7.1 / 6, "value": 3.1 / 3})

    def test_without_clipping(self) -> None:
        # (1 + 3.61 + 0.25) / 6
        assert value_loss(self.value, self.old, self.returns, None)[0].item() == pytest.approx(0.81)

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("clip", [0.2, None])
    def test_equals_the_reference(self, seed: int, clip: float | None) -> None:
        arrays = rows(seed, 3)
        assert value_loss(*tensors(arrays), clip)[0].item() == pytest.approx(reference.value_loss(*arrays, clip))

    def test_gradients_vanish_where_the_clipped_error_is_larger(self) -> None:
        value = self.value.clone().requires_grad_(True)
        value_loss(value, self.old, self.returns, 0.2)[0].backward()
        # (V - R) / B in rows 1 and 2, whose own error is the larger: (1.1 - 3) / 3 and (0 - 0.5) / 3
        torch.testing.assert_close(value.grad, torch.tensor([0.0, -1.9 / 3, -0.5 / 3]))


@pytest.mark.parametrize(
    "metrics",
    [
        clipped_policy_loss(leaf(0.1), torch.zeros(1), torch.ones(1), 0.2)[1],
        penalized_policy_loss(leaf(0.1), torch.zeros(1), torch.ones(1), leaf(0.1), torch.tensor(1.0))[1],
        value_loss(leaf(0.1), torch.zeros(1), torch.ones(1), 0.2)[1],
    ],
)
def test_metrics_are_detached_scalars(metrics: dict[str, Tensor]) -> None:
    assert all(value.dim() == 0 and not value.requires_grad for value in metrics.values())
    assert all(math.isfinite(value) for value in numbers(metrics).values())
