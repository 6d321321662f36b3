"""Confidence intervals of mean returns and of their differences, by the percentile bootstrap.

They cover the chance of the values given, such as the episodes of one trained agent: its initial states, levels and
sampled actions. They do not cover the chance of training: how far other seeds of the same run would lie apart takes
several runs to tell. Values are taken as independent of each other.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Interval = tuple[float, float]

CONFIDENCE = 0.95
SAMPLES = 10_000  # repeating with another seed moves the ends by about 1 % of the width
BLOCK = 1_000_000  # values drawn at a time: 16 MB, however many episodes there are


def mean_interval(
    values: ArrayLike, *, confidence: float = CONFIDENCE, samples: int = SAMPLES, seed: int = 0
) -> Interval:
    """Return the interval of a mean: the middle `confidence` of the means of values drawn anew with replacement.

    Fewer values make it too narrow: of 95 % intervals of normal values, 90 % hold the mean with 10 values and 94 %
    with 50. A single value x gives (x, x), which says nothing of its chance.

    Args:
        values: numbers of any shape, at least one.
        confidence: share of cases in which the interval is to hold the true mean, in (0, 1).
        samples: how often the values are drawn anew, at least 1.
        seed: of the draws; the same gives the same interval.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: there are no values, or `confidence` or `samples` is out of range.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.

    Example:
        >>> mean_interval([3.0, 3.0, 3.0])
        (3.0, 3.0)
    """
    generator = np.random.default_rng(seed)
    return _middle(_means("values", values, samples, generator), confidence)


def difference_interval(
    first: ArrayLike,
    second: ArrayLike,
    *,
    paired: bool,
    confidence: float = CONFIDENCE,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the interval of mean(first) - mean(second).

    Args:
        first: numbers of any shape, at least one.
        second: as `first`; of the same shape if paired.
        paired: values that stand at the same place belong together, as episodes from one initial state do; chance
            that both share then drops out. Otherwise each is drawn anew on its own.
        confidence: as `mean_interval`.
        samples: as `mean_interval`.
        seed: as `mean_interval`.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: as `mean_interval`; paired values differ in shape.

    Example:
        >>> difference_interval([1.0, 5.0], [0.0, 4.0], paired=True)
        (1.0, 1.0)
    """
    if paired:
        differences = _paired(np.asarray(first, np.float64), np.asarray(second, np.float64))
        return mean_interval(differences, confidence=confidence, samples=samples, seed=seed)
    generator = np.random.default_rng(seed)
    of_first = _means("first", first, samples, generator)
    return _middle(of_first - _means("second", second, samples, generator), confidence)


def ratio_interval(
    groups: Sequence[tuple[ArrayLike, ArrayLike]],
    *,
    confidence: float = CONFIDENCE,
    samples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """Return the interval of mean(numerators) / mean(denominators) over groups, such as training seeds.

    Two chances are drawn anew, one in the other: which groups there are, and which values each group has. A single
    group has no chance of its own, so that only that of its values is covered.

    Args:
        groups: at least one pair of equally many numerators and denominators, which belong together one by one.
        confidence: as `mean_interval`.
        samples: as `mean_interval`.
        seed: as `mean_interval`.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: as `mean_interval`; there is no group, or one has not as many of both, or none.

    Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), section 3.8.

    Example:
        >>> ratio_interval([([2.0, 4.0], [1.0, 2.0])])
        (2.0, 2.0)
    """
    pairs = [_pairs(*group) for group in groups]
    if not pairs:
        raise ValueError("groups must be at least 1, got none")
    generator = np.random.default_rng(seed)
    totals = np.zeros((samples, 2))
    for _ in pairs:
        drawn = generator.integers(len(pairs), size=samples)
        for number, values in enumerate(pairs):
            of_group = np.flatnonzero(drawn == number)
            chosen = generator.integers(len(values), size=(len(of_group), len(values)))
            totals[of_group] += values[chosen].mean(axis=1)
    return _middle(totals[:, 0] / totals[:, 1], confidence)


def _pairs(numerators: ArrayLike, denominators: ArrayLike) -> NDArray[np.float64]:
    """Return both as columns."""
    first, second = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ValueError(f"a group must have equally many of both, got {list(first.shape)} and {list(second.shape)}")
    return np.stack([first, second], axis=1)


def _paired(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    if first.shape != second.shape:
        raise ValueError(f"paired values must have one shape, got {list(first.shape)} and {list(second.shape)}")
    return first - second


def _means(name: str, values: ArrayLike, samples: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return the means of `samples` draws with replacement, each of as many values as there are."""
    flat = np.asarray(values, np.float64).ravel()
    if not flat.size:
        raise ValueError(f"{name} must be at least 1 number, got none")
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}")
    rows = -(-BLOCK // flat.size)
    sizes = [min(rows, samples - start) for start in range(0, samples, rows)]
    return np.concatenate([flat[generator.integers(flat.size, size=(size, flat.size))].mean(axis=1) for size in sizes])


def _middle(means: NDArray[np.float64], confidence: float) -> Interval:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
