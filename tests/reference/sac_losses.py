"""SAC's losses and its policy's density in plain NumPy, one row at a time.

Source: Haarnoja et al. 2018 (arXiv 1812.05905), eqs. 5, 6, 9 and 18; the density follows from the definition of
a distribution function alone.
"""

import math
from collections.abc import Sequence

import numpy as np

Row = Sequence[float] | np.ndarray


def soft_target(reward: Row, discount: Row, q1: Row, q2: Row, log_prob: Row, alpha: float) -> np.ndarray:
    """Return r + discount * (the smaller Q - alpha log pi), row by row."""
    rows = zip(reward, discount, q1, q2, log_prob)
    return np.array([r + d * (min(a, b) - alpha * entropy) for r, d, a, b, entropy in rows])


def critic_loss(q1: Row, q2: Row, target: Row, weight: Row) -> float:
    """Return the mean over rows of w ((Q1 - y)^2 + (Q2 - y)^2)."""
    total = 0.0
    for a, b, y, w in zip(q1, q2, target, weight):
        total += w * ((a - y) ** 2 + (b - y) ** 2)
    return total / len(target)


def actor_loss(q1: Row, q2: Row, log_prob: Row, alpha: float) -> float:
    """Return the mean over rows of alpha log pi - the smaller Q."""
    total = 0.0
    for a, b, log in zip(q1, q2, log_prob):
        total += alpha * log - min(a, b)
    return total / len(log_prob)


def temperature_loss(log_alpha: float, log_prob: Row, target_entropy: float) -> float:
    """Return the mean over rows of alpha (-log pi - target entropy)."""
    total = 0.0
    for log in log_prob:
        total += math.exp(log_alpha) * (-log - target_entropy)
    return total / len(log_prob)


def squashed_distribution(action: float, mean: float, std: float) -> float:
    """Return the chance that tanh(u) is at most `action` where u is Gaussian."""
    return 0.5 * math.erfc((mean - math.atanh(action)) / (std * math.sqrt(2.0)))


def squashed_log_prob(action: Row, mean: Row, std: Row) -> float:
    """Return the log-density of one action vector: each axis' distribution function, differentiated numerically."""
    total = 0.0
    for a, m, s in zip(action, mean, std):
        step = 1e-4 * (1.0 - abs(a))
        rise = squashed_distribution(a + step, m, s) - squashed_distribution(a - step, m, s)
        total += math.log(rise / (2.0 * step))
    return total
