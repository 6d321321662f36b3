"""PPO's returns, losses and reward scaling in plain NumPy, one row at a time.

Source: Schulman et al. 2016 (arXiv 1506.02438), eq. 16, summed as it stands; Schulman et al. 2017 (arXiv
1707.06347), eqs. 7 and 8; the clipped value loss and the scaling of rewards after OpenAI baselines; Raileanu et
al. 2021 (arXiv 2006.12862), eqs. 3 and 4.
"""

import math
from collections.abc import Sequence

import numpy as np

Row = Sequence[float] | np.ndarray


def advantages(
    reward: np.ndarray, value: np.ndarray, next_value: np.ndarray, terminated: np.ndarray, truncated: np.ndarray,
    gamma: float, lam: float,
) -> np.ndarray:  # fmt: skip
    """Return A_t = sum_l (gamma lambda)^l delta_{t+l} up to the end of t's episode, each t on its own, [T, N]."""
    steps, envs = reward.shape
    result = np.zeros((steps, envs))
    for n in range(envs):
        for t in range(steps):
            for later in range(t, steps):
                future = 0.0 if terminated[later, n] else gamma * next_value[later, n]
                delta = reward[later, n] + future - value[later, n]
                result[t, n] += (gamma * lam) ** (later - t) * delta
                if terminated[later, n] or truncated[later, n]:
                    break
    return result


def clipped_policy_loss(log_prob: Row, old: Row, advantage: Row, clip: float) -> float:
    """Return minus the mean over rows of min(rho A, clip(rho) A)."""
    total = 0.0
    for new_log, old_log, a in zip(log_prob, old, advantage):
        ratio = math.exp(new_log) / math.exp(old_log)
        total += min(ratio * a, max(1 - clip, min(1 + clip, ratio)) * a)
    return -total / len(advantage)


def penalized_policy_loss(log_prob: Row, old: Row, advantage: Row, kl: Row, beta: float) -> float:
    """Return minus the mean over rows of rho A - beta KL."""
    total = 0.0
    for new_log, old_log, a, divergence in zip(log_prob, old, advantage, kl):
        total += math.exp(new_log) / math.exp(old_log) * a - beta * divergence
    return -total / len(advantage)


def value_loss(value: Row, old: Row, returns: Row, clip: float | None) -> float:
    """Return half the mean over rows of the larger of the two squared errors."""
    total = 0.0
    for v, v_old, r in zip(value, old, returns):
        near = v if clip is None else max(v_old - clip, min(v_old + clip, v))
        total += max((v - r) ** 2, (near - r) ** 2)
    return total / len(returns) / 2


def consistency_loss(clean: np.ndarray, augmented: np.ndarray, value: Row, augmented_value: Row) -> float:
    """Return mean KL(clean || augmented) of rows of probabilities plus half the mean squared difference of values."""
    total = 0.0
    for p_row, q_row, v, v_augmented in zip(clean, augmented, value, augmented_value):
        total += sum(p * math.log(p / q) for p, q in zip(p_row, q_row)) + (v - v_augmented) ** 2 / 2
    return total / len(clean)


def scaled_rewards(reward: np.ndarray, ended: np.ndarray, gamma: float, clip: float) -> np.ndarray:
    """Divide each reward by the standard deviation of all discounted returns up to its step, [T, N].

    The returns are kept in a list; before the first there are 1e-4 of them, with mean 0 and square 1.
    """
    result, seen, running = np.zeros_like(reward), [], np.zeros(reward.shape[1])
    for t, row in enumerate(reward):
        running = gamma * running + row
        seen += list(running)
        count = 1e-4 + len(seen)
        mean = sum(seen) / count
        variance = (1e-4 + sum(x * x for x in seen)) / count - mean**2
        result[t] = [max(-clip, min(clip, x / math.sqrt(variance + 1e-8))) for x in row]
        running = np.where(ended[t], 0.0, running)
    return result
