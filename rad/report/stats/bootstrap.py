"""Confidence intervals by the percentile bootstrap: of mean returns, of their differences, of statistics over tasks.

They cover the chance of the values given. Where these are episodes of one trained agent, that is its initial states,
levels and sampled actions, and not the chance of training: how far other seeds of the same run would lie apart takes
several runs to tell. Values are taken as independent of each other.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

Interval = tuple[float, float]
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Takes how often each value counts, [B, values], and returns S numbers of each row, [B, S]."""

CONFIDENCE = 0.95
SAMPLES = 10_000  # repeating with another seed moves the ends by about 1 % of the width
BLOCK = 1_000_000  # values drawn at a time: 16 MB, however many episodes there are


class Resampling(TypedDict, total=False):
    """How intervals are made; each may be left out."""

    confidence: float
    """Share of cases in which an interval is to hold the true number, in (0, 1)."""
    samples: int
    """How often the values are drawn anew, at least 1."""
    seed: int
    """Of the draws; the same gives the same intervals."""


class Estimate(NamedTuple):
    """A number and its interval."""

    value: float  # of the values as they are
    low: float = math.nan  # lower end of the interval; NaN where there is none
    high: float = math.nan  # upper end of the interval


class Band(NamedTuple):
    """Numbers and the interval of each, float64 [S]; each interval holds for its own number, not for all at once."""

    value: NDArray[np.float64]  # of the values as they are
    low: NDArray[np.float64]  # lower ends of the intervals
    high: NDArray[np.float64]  # upper ends of the intervals

    def estimates(self) -> list[Estimate]:
        """Return them one by one."""
        return [Estimate(*map(float, numbers)) for numbers in zip(*self)]


def mean_interval(values: ArrayLike, **resampling: Unpack[Resampling]) -> Interval:
    """Return the interval of a mean: the middle `confidence` of the means of values drawn anew with replacement.

    Fewer values make it too narrow: of 95 % intervals of normal values, 90 % hold the mean with 10 values and 94 %
    with 50. A single value x gives (x, x), which says nothing of its chance.

    Args:
        values: numbers of any shape, at least one.
        resampling: see `Resampling`.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: there are no values, or `confidence` or `samples` is out of range.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.

    Example:
        >>> mean_interval([3.0, 3.0, 3.0])
        (3.0, 3.0)
    """
    generator, samples = np.random.default_rng(resampling.get("seed", 0)), resampling.get("samples", SAMPLES)
    return _ends(_means("values", values, samples, generator), resampling.get("confidence", CONFIDENCE))


def difference_interval(
    first: ArrayLike, second: ArrayLike, *, paired: bool, **resampling: Unpack[Resampling]
) -> Interval:
    """Return the interval of mean(first) - mean(second).

    Args:
        first: numbers of any shape, at least one.
        second: as `first`; of the same shape if paired.
        paired: values that stand at the same place belong together, as episodes from one initial state do; chance
            that both share then drops out. Otherwise each is drawn anew on its own.
        resampling: see `Resampling`.

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
        return mean_interval(differences, **resampling)
    generator, samples = np.random.default_rng(resampling.get("seed", 0)), resampling.get("samples", SAMPLES)
    of_first = _means("first", first, samples, generator)
    return _ends(of_first - _means("second", second, samples, generator), resampling.get("confidence", CONFIDENCE))


def stratified_bootstrap(
    statistic: Statistic,
    sizes: Sequence[int],
    *,
    confidence: float = CONFIDENCE,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Band:
    """Return statistics of values in groups, such as the runs of tasks, and their intervals.

    Each group's values are drawn anew with replacement, as many as there are, so that no group is ever left out.

    Args:
        statistic: of values that stand group after group; a value that was drawn twice counts 2.
        sizes: number of values in each group, at least 1 each.
        confidence: see `Resampling`.
        samples: see `Resampling`.
        seed: see `Resampling`.

    Raises:
        ValueError: `confidence` or `samples` is out of range.

    Source: stratified bootstrap of Agarwal et al. 2021 (arXiv 2108.13264), section 4.1.
    """
    generator, width = np.random.default_rng(seed), sum(sizes)
    blocks = [statistic(_draw_counts(sizes, rows, generator)) for rows in block_sizes(width, samples)]
    low, high = _middle(np.concatenate(blocks), confidence)
    return Band(statistic(np.ones((1, width)))[0], low, high)


def _draw_counts(sizes: Sequence[int], rows: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return how often each value is drawn, [rows, sum(sizes)]."""
    counts = [generator.multinomial(size, np.full(size, 1 / size), rows) for size in sizes]
    return np.concatenate(counts, axis=1).astype(np.float64)


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
        confidence: see `Resampling`.
        samples: see `Resampling`.
        seed: see `Resampling`.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: as `mean_interval`; there is no group, or one has not as many of both, or none, or a
            denominator is below 0, or all of a group are 0.

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
    totals = totals[totals[:, 1] > 0]
    return _ends(totals[:, 0] / totals[:, 1], confidence)


def _pairs(numerators: ArrayLike, denominators: ArrayLike) -> NDArray[np.float64]:
    """Return both as columns."""
    first, second = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ValueError(f"a group must have equally many of both, got {list(first.shape)} and {list(second.shape)}")
    if second.min() < 0 or not second.any():
        raise ValueError(f"denominators must be at least 0, and some above, got {second.min():g} to {second.max():g}")
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
    blocks = block_sizes(flat.size, samples)
    return np.concatenate([flat[generator.integers(flat.size, size=(rows, flat.size))].mean(axis=1) for rows in blocks])


def block_sizes(width: int, samples: int) -> list[int]:
    """Return how many of `samples` draws of `width` values to make at a time."""
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}")
    rows = -(-BLOCK // width)
    return [min(rows, samples - start) for start in range(0, samples, rows)]


def _ends(replicates: NDArray[np.float64], confidence: float) -> Interval:
    low, high = _middle(replicates, confidence)
    return float(low), float(high)


def _middle(replicates: NDArray[np.float64], confidence: float) -> NDArray[np.float64]:
    """Return lower and upper ends, [2, ...], of replicates [samples, ...]."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    return np.quantile(replicates, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
