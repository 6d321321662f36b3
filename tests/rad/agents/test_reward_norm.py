import numpy as np
import pytest
import torch

from rad.agents.reward_norm import RewardNormalizer
from tests.reference.ppo_losses import scaled_rewards


def rollout(seed: int, steps: int = 12, envs: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(2.0, 5.0, (steps, envs)), random.random((steps, envs)) < 0.2


def normalized(normalizer: RewardNormalizer, reward: np.ndarray, ended: np.ndarray) -> np.ndarray:
    return normalizer(torch.from_numpy(reward).float(), torch.from_numpy(ended)).numpy()


def test_hand_computed() -> None:
    # returns 1 and 3, mean 2, variance 1 (the prior counts for 1e-4); then 0.5 * 1 + 0 and, after an end, 5:
    # mean of 1, 3, 0.5, 5 is 2.375, of the squares 8.8125, so the variance is 3.171875, its root 1.78098
    reward, ended = np.array([[1.0, 3.0], [0.0, 5.0]]), np.array([[False, True], [False, False]])
    expected = [[1.0, 3.0], [0.0, 5.0 / 1.78098]]
    np.testing.assert_allclose(normalized(RewardNormalizer(0.5, 10.0), reward, ended), expected, rtol=2e-4)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("gamma", "clip"), [(0.999, 10.0), (0.9, 1.0), (0.0, 10.0)])
def test_equals_the_reference_over_several_rollouts(seed: int, gamma: float, clip: float) -> None:
    reward, ended = rollout(seed)
    normalizer = RewardNormalizer(gamma, clip)
    parts = [normalized(normalizer, reward[i : i + 4], ended[i : i + 4]) for i in (0, 4, 8)]
    np.testing.assert_allclose(np.concatenate(parts), scaled_rewards(reward, ended, gamma, clip), rtol=1e-5)


def test_the_unit_of_the_rewards_does_not_matter() -> None:
    reward, ended = rollout(0)
    small, large = (normalized(RewardNormalizer(0.99, 10.0), unit * reward, ended) for unit in (1.0, 100.0))
    np.testing.assert_allclose(large, small, rtol=1e-3)


def test_signs_are_kept_and_large_rewards_clipped() -> None:
    reward, ended = np.array([[1.0, -1.0], [1e6, -1e6]]), np.zeros((2, 2), bool)
    out = normalized(RewardNormalizer(0.9, 0.5), reward, ended)
    np.testing.assert_allclose(out, [[0.5, -0.5], [0.5, -0.5]])


def test_a_long_constant_return_is_no_trouble() -> None:
    ended = np.ones((500, 4), bool)
    assert np.isfinite(normalized(RewardNormalizer(0.99, 10.0), np.full((500, 4), 1e4), ended)).all()


def test_it_gives_float32() -> None:
    assert RewardNormalizer(0.9, 1.0)(torch.ones(2, 3), torch.zeros(2, 3, dtype=torch.bool)).dtype == torch.float32
