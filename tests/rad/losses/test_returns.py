from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rad.losses.returns import gae, vtrace
from tests.reference import impala as of_impala
from tests.reference import ppo_losses as reference

T, N = 9, 4


def column(*values: float) -> Tensor:
    """Return one environment's values over time, [T, 1]."""
    return torch.tensor(values)[:, None]


def never(steps: int) -> Tensor:
    return torch.zeros(steps, 1, dtype=torch.bool)


def at(step: int, steps: int) -> Tensor:
    return (torch.arange(steps) == step)[:, None]


def rollout(seed: int) -> dict[str, Tensor]:
    random = np.random.default_rng(seed)
    numbers = {name: torch.from_numpy(random.normal(size=(T, N))) for name in ("reward", "value", "next_value")}
    return numbers | {name: torch.from_numpy(random.random((T, N)) < 0.2) for name in ("terminated", "truncated")}


THREE: dict[str, Any] = {"reward": column(1.0, 2.0, 3.0), "value": column(4.0, 5.0, 6.0)}


def test_hand_computed_without_an_end() -> None:
    advantage, returns = gae(
        **THREE, next_value=column(5, 6, 8), terminated=never(3), truncated=never(3), gamma=0.5, gae_lambda=0.5
    )
    # delta: 3 + 8/2 - 6 = 1; 2 + 6/2 - 5 = 0; 1 + 5/2 - 4 = -0.5. A: 1; 0 + 1/4 = 0.25; -0.5 + 0.25/4 = -0.4375
    torch.testing.assert_close(advantage, column(-0.4375, 0.25, 1.0))
    torch.testing.assert_close(returns, column(3.5625, 5.25, 7.0))


def test_hand_computed_with_a_termination() -> None:
    advantage, _ = gae(
        **THREE, next_value=column(5, 6, 8), terminated=at(1, 3), truncated=never(3), gamma=0.5, gae_lambda=0.5
    )
    # step 1 has neither a next value nor later steps: 2 - 5 = -3; step 0: -0.5 - 3/4 = -1.25
    torch.testing.assert_close(advantage, column(-1.25, -3.0, 1.0))


def test_hand_computed_with_a_truncation() -> None:
    advantage, _ = gae(
        **THREE, next_value=column(5, 20, 8), terminated=never(3), truncated=at(1, 3), gamma=0.5, gae_lambda=0.5
    )
    # step 1 keeps the value of its final observation, 20, and no later step: 2 + 20/2 - 5 = 7; -0.5 + 7/4 = 1.25
    torch.testing.assert_close(advantage, column(1.25, 7.0, 1.0))


def test_where_both_are_true_the_termination_counts() -> None:
    batch, yes = rollout(0), torch.ones(T, N, dtype=torch.bool)
    both, one = (
        gae(**batch | {"terminated": yes, "truncated": truncated}, gamma=0.9, gae_lambda=0.5)
        for truncated in (yes, ~yes)
    )
    assert torch.equal(both[0], one[0])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("gamma", "lam"), [(0.99, 0.95), (0.9, 0.0), (0.5, 1.0), (0.0, 0.7)])
def test_equals_the_reference(seed: int, gamma: float, lam: float) -> None:
    batch = rollout(seed)
    advantage, returns = gae(**batch, gamma=gamma, gae_lambda=lam)
    arrays = {name: tensor.numpy() for name, tensor in batch.items()}
    np.testing.assert_allclose(advantage.numpy(), reference.advantages(**arrays, gamma=gamma, lam=lam))
    torch.testing.assert_close(returns, advantage + batch["value"])


def test_lambda_0_is_one_step() -> None:
    batch = rollout(1)
    advantage, _ = gae(**batch, gamma=0.9, gae_lambda=0.0)
    one_step = batch["reward"] + 0.9 * batch["next_value"] * ~batch["terminated"] - batch["value"]
    torch.testing.assert_close(advantage, one_step)


def test_lambda_1_regresses_on_the_whole_discounted_sum_whatever_the_values_between() -> None:
    batch = rollout(2) | dict.fromkeys(("terminated", "truncated"), torch.zeros(T, N, dtype=torch.bool))
    following = torch.cat([batch["value"][1:], batch["next_value"][-1:]])
    _, returns = gae(**batch | {"next_value": following}, gamma=0.9, gae_lambda=1.0)
    expected = following[-1]
    for t in reversed(range(T)):
        expected = batch["reward"][t] + 0.9 * expected
        torch.testing.assert_close(returns[t], expected)


class TestVTrace:
    """V-trace; its ratios are given as logarithms."""

    def test_hand_computed_with_clips(self) -> None:
        ratio = column(0.5, 4.0, 1.0)
        target, advantage = vtrace(
            ratio.log(), **THREE, next_value=column(5, 6, 8), terminated=never(3), truncated=never(3),
            gamma=0.5, rho_clip=2.0, c_clip=1.0,
        )  # fmt: skip
        # delta as of gae: -0.5, 0, 1. rho: 0.5, 2, 1; c: 0.5, 1, 1.
        # v - V: 1 * 1 = 1; 2 * 0 + 1/2 * 1 * 1 = 0.5; 0.5 * -0.5 + 1/2 * 0.5 * 0.5 = -0.125
        torch.testing.assert_close(target, column(3.875, 5.5, 7.0))
        # rho (r + v'/2 - V): 0.5 (1 + 5.5/2 - 4) = -0.125; 2 (2 + 7/2 - 5) = 1; 3 + 8/2 - 6 = 1
        torch.testing.assert_close(advantage, column(-0.125, 1.0, 1.0))

    def test_hand_computed_with_ends(self) -> None:
        ends = {"terminated": at(1, 3), "truncated": at(0, 3)}
        target, advantage = vtrace(
            column(2.0, 2.0, 2.0).log(), **THREE, next_value=column(20, 6, 8), **ends, gamma=0.5, rho_clip=3.0
        )
        # step 0 keeps the value of its final observation: 2 (1 + 20/2 - 4) = 14; step 1 has no future: 2 (2 - 5) = -6
        torch.testing.assert_close(target, column(18.0, -1.0, 8.0))
        torch.testing.assert_close(advantage, column(14.0, -6.0, 2.0))

    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize(("rho_clip", "c_clip"), [(1.0, 1.0), (2.0, 0.5), (0.3, 1.5)])
    def test_equals_the_reference(self, seed: int, rho_clip: float, c_clip: float) -> None:
        batch, log_ratio = rollout(seed), torch.from_numpy(np.random.default_rng(9 + seed).normal(size=(T, N)))
        target, advantage = vtrace(log_ratio, **batch, gamma=0.9, rho_clip=rho_clip, c_clip=c_clip)
        arrays = {name: tensor.numpy() for name, tensor in batch.items()}
        expected = of_impala.vtrace(log_ratio.numpy(), **arrays, gamma=0.9, rho_clip=rho_clip, c_clip=c_clip)
        np.testing.assert_allclose(target.numpy(), expected[0])
        np.testing.assert_allclose(advantage.numpy(), expected[1])

    @pytest.mark.parametrize("clip", [1.0, 5.0])
    def test_of_the_policy_that_acted_it_is_gae_with_lambda_1(self, clip: float) -> None:
        batch = rollout(4)
        target, advantage = vtrace(torch.zeros(T, N), **batch, gamma=0.9, rho_clip=clip, c_clip=clip)
        expected, returns = gae(**batch, gamma=0.9, gae_lambda=1.0)
        torch.testing.assert_close(target, returns)
        torch.testing.assert_close(advantage, expected)
