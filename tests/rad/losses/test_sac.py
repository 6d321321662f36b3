import math

import numpy as np
import pytest
import torch
from torch import Tensor

from rad.losses.sac import actor_loss, critic_loss, soft_target, temperature_loss
from tests.reference import sac_losses as reference

SEEDS = range(3)


def leaf(*values: float) -> Tensor:
    return torch.tensor(values, requires_grad=True)


def rows(seed: int, count: int) -> list[np.ndarray]:
    """Return some vectors of the same odd length."""
    return list(np.random.default_rng(seed).normal(0.0, 3.0, (count, 7)))


def tensors(arrays: list[np.ndarray]) -> list[Tensor]:
    return [torch.from_numpy(array) for array in arrays]


class TestSoftTarget:
    def test_hand_computed(self) -> None:
        # 1 + 0.9 (min(2, 1) - 0.5 * -1) = 1 + 0.9 * 1.5 = 2.35; the second row terminated: its reward alone
        q = torch.tensor([2.0, 3.0]), torch.tensor([1.0, 5.0])
        target = soft_target(
            torch.tensor([1.0, 0.5]), torch.tensor([0.9, 0.0]), q, torch.tensor([-1.0, 2.0]), torch.tensor(0.5)
        )
        torch.testing.assert_close(target, torch.tensor([2.35, 0.5]))

    @pytest.mark.parametrize("seed", SEEDS)
    def test_equals_the_reference(self, seed: int) -> None:
        arrays = rows(seed, 5)
        reward, discount, q1, q2, log_prob = tensors(arrays)
        ours = soft_target(reward, discount, (q1, q2), log_prob, torch.tensor(0.3, dtype=torch.float64))
        np.testing.assert_allclose(ours.numpy(), reference.soft_target(*arrays, 0.3))

    def test_without_discount_it_is_the_reward(self) -> None:
        reward, q1, q2, log_prob = tensors(rows(0, 4))
        target = soft_target(reward, torch.zeros(7), (q1, q2), log_prob, torch.tensor(0.1))
        torch.testing.assert_close(target, reward)

    def test_without_temperature_the_density_does_not_matter(self) -> None:
        reward, discount, q1, q2, log_prob = tensors(rows(0, 5))
        targets = [soft_target(reward, discount, (q1, q2), lp, torch.tensor(0.0)) for lp in (log_prob, 2 * log_prob)]
        assert torch.equal(*targets)

    def test_the_order_of_the_critics_does_not_matter(self) -> None:
        reward, discount, q1, q2, log_prob = tensors(rows(1, 5))
        alpha = torch.tensor(0.1)
        swapped = soft_target(reward, discount, (q2, q1), log_prob, alpha)
        assert torch.equal(soft_target(reward, discount, (q1, q2), log_prob, alpha), swapped)

    def test_it_has_no_gradient(self) -> None:
        target = soft_target(leaf(1.0), leaf(0.9), (leaf(1.0), leaf(2.0)), leaf(0.5), leaf(0.1)[0])
        assert not target.requires_grad


class TestCriticLoss:
    q = torch.tensor([1.0, 4.0]), torch.tensor([0.0, 3.0])
    target = torch.tensor([2.0, 1.0])

    def test_hand_computed(self) -> None:
        # row 0: (1 - 2)^2 + (0 - 2)^2 = 5; row 1: (4 - 1)^2 + (3 - 1)^2 = 13; mean 9
        loss, metrics = critic_loss(self.q, self.target)
        assert loss.item() == pytest.approx(9.0)
        # means: of Q1 (1 + 4) / 2, of the target (2 + 1) / 2
        # errors of Q1: 2 - 1 and 1 - 4, variance 4; variance of the target 0.25; 1 - 4 / 0.25 = -15
        assert {name: value.item() for name, value in metrics.items()} == {
            "critic_loss": 9.0,
            "q": 2.5,
            "target": 1.5,
            "target_std": 0.5,
            "explained_variance": -15.0,
        }

    def test_weights(self) -> None:
        # (0.5 * 5 + 1.5 * 13) / 2 = 11
        assert critic_loss(self.q, self.target, torch.tensor([0.5, 1.5]))[0].item() == pytest.approx(11.0)

    def test_equal_weights_are_none(self) -> None:
        assert torch.equal(critic_loss(self.q, self.target)[0], critic_loss(self.q, self.target, torch.ones(2))[0])

    @pytest.mark.parametrize("seed", SEEDS)
    def test_equals_the_reference(self, seed: int) -> None:
        arrays = rows(seed, 4)
        q1, q2, target, weight = tensors(arrays)
        assert critic_loss((q1, q2), target, weight)[0].item() == pytest.approx(reference.critic_loss(*arrays))

    def test_gradients(self) -> None:
        q1, q2 = leaf(1.0, 4.0), leaf(0.0, 3.0)
        critic_loss((q1, q2), self.target, torch.tensor([0.5, 1.5]))[0].backward()
        # 2 w (q - y) / B: 0.5 * -1, 1.5 * 3; 0.5 * -2, 1.5 * 2
        torch.testing.assert_close(q1.grad, torch.tensor([-0.5, 4.5]))
        torch.testing.assert_close(q2.grad, torch.tensor([-1.0, 3.0]))


class TestActorLoss:
    def test_hand_computed(self) -> None:
        # row 0: 0.5 * 1 - min(3, 2) = -1.5; row 1: 0.5 * -2 - min(1, 5) = -2; mean -1.75
        q = torch.tensor([3.0, 1.0]), torch.tensor([2.0, 5.0])
        loss, metrics = actor_loss(q, torch.tensor([1.0, -2.0]), torch.tensor(0.5))
        assert loss.item() == pytest.approx(-1.75)
        # -(1 - 2) / 2 = 0.5 nats
        assert {name: value.item() for name, value in metrics.items()} == {"actor_loss": -1.75, "entropy": 0.5}

    @pytest.mark.parametrize("seed", SEEDS)
    def test_equals_the_reference(self, seed: int) -> None:
        arrays = rows(seed, 3)
        q1, q2, log_prob = tensors(arrays)
        loss, _ = actor_loss((q1, q2), log_prob, torch.tensor(0.3, dtype=torch.float64))
        assert loss.item() == pytest.approx(reference.actor_loss(*arrays, 0.3))

    def test_without_temperature_it_is_minus_the_value(self) -> None:
        q = torch.tensor([3.0, 1.0]), torch.tensor([2.0, 5.0])
        assert actor_loss(q, torch.tensor([7.0, 9.0]), torch.tensor(0.0))[0].item() == pytest.approx(-1.5)

    def test_gradients_reach_the_policy_and_the_smaller_value_and_not_the_temperature(self) -> None:
        q1, q2, log_prob, log_alpha = leaf(3.0, 1.0), leaf(2.0, 5.0), leaf(1.0, -2.0), leaf(math.log(0.5))
        actor_loss((q1, q2), log_prob, log_alpha.exp()[0])[0].backward()
        torch.testing.assert_close(log_prob.grad, torch.tensor([0.25, 0.25]))  # alpha / B
        torch.testing.assert_close(q1.grad, torch.tensor([0.0, -0.5]))
        torch.testing.assert_close(q2.grad, torch.tensor([-0.5, 0.0]))
        assert log_alpha.grad is None


class TestTemperatureLoss:
    def test_hand_computed(self) -> None:
        # 0.5 * mean(-1 + 1, 2 + 1) = 0.5 * 1.5
        loss, metrics = temperature_loss(torch.tensor(math.log(0.5)), torch.tensor([1.0, -2.0]), -1.0)
        assert loss.item() == pytest.approx(0.75)
        assert metrics["temperature_loss"].item() == pytest.approx(0.75)
        assert metrics["temperature"].item() == pytest.approx(0.5)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_equals_the_reference(self, seed: int) -> None:
        (log_prob,) = rows(seed, 1)
        loss, _ = temperature_loss(torch.tensor(-0.7), torch.from_numpy(log_prob), -6.0)
        assert loss.item() == pytest.approx(reference.temperature_loss(-0.7, log_prob, -6.0))

    def test_gradients_reach_the_temperature_and_not_the_policy(self) -> None:
        log_alpha, log_prob = leaf(math.log(0.5)), leaf(1.0, -2.0)
        temperature_loss(log_alpha[0], log_prob, -1.0)[0].backward()
        torch.testing.assert_close(log_alpha.grad, torch.tensor([0.75]))  # d exp(x) = exp(x): the loss itself
        assert log_prob.grad is None

    def test_it_falls_towards_the_target_entropy_from_both_sides(self) -> None:
        signs = []
        for log_prob in (5.0, -5.0):  # entropy -5, below the target of -1; 5, above it
            log_alpha = leaf(0.0)
            temperature_loss(log_alpha[0], torch.tensor([log_prob]), -1.0)[0].backward()
            signs.append(math.copysign(1.0, log_alpha.grad.item()))
        assert signs == [-1.0, 1.0]  # a step down the gradient raises the temperature in the first case


@pytest.mark.parametrize(
    ("loss", "arguments"),
    [
        (critic_loss, lambda: ((leaf(1.0), leaf(2.0)), torch.tensor([3.0]))),
        (actor_loss, lambda: ((leaf(1.0), leaf(2.0)), leaf(3.0), torch.tensor(0.1))),
        (temperature_loss, lambda: (leaf(0.0)[0], torch.tensor([3.0]), -1.0)),
    ],
)
def test_metrics_are_detached_scalars(loss, arguments) -> None:
    _, metrics = loss(*arguments())
    assert all(value.dim() == 0 and not value.requires_grad for value in metrics.values())
