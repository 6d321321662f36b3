"""Rank correlation of paired values, and its interval over pairs such as agents."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rad.report.stats.bootstrap import CONFIDENCE, Estimate

Array = NDArray[np.float64]

LEAST_PAIRS = 4  # of three, every second order has a correlation of 0.5 or more, up or down
SAMPLES = 2_000


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's rank correlation of paired values, in -1..1; ties share the mean of their ranks.

    Values that are all equal have no ranks: the correlation is 0.
    """
    a, b = (_centered_ranks(values) for values in (first, second))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale else 0.0


def spearman_interval(first: ArrayLike, second: ArrayLike) -> Estimate:
    """Return `spearman` with its 95 % interval: pairs are drawn with replacement, as many as there are.

    Draws in which a side has one value only are left out. Few pairs make the interval too narrow.

    Raises:
        ValueError: there are fewer than `LEAST_PAIRS` pairs, or a side has one value only.
    """
    values = np.stack([np.asarray(first, np.float64), np.asarray(second, np.float64)])
    if values.shape[1] < LEAST_PAIRS or not _varies(values):
        raise ValueError(f"pairs must be at least {LEAST_PAIRS}, of different values, got {values.T.tolist()}")
    draws = np.random.default_rng(0).integers(values.shape[1], size=(SAMPLES, values.shape[1]))
    drawn = [spearman(*values[:, places]) for places in draws if _varies(values[:, places])]
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).tolist()
    return Estimate(spearman(*values), low, high)


def _varies(pairs: Array) -> bool:
    return bool((np.ptp(pairs, axis=1) > 0).all())


def _centered_ranks(values: ArrayLike) -> Array:
    _, place_of, counts = np.unique(np.asarray(values).ravel(), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[place_of]
    return ranks - ranks.mean()
