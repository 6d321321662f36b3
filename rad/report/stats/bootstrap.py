"""Confidence intervals by the percentile bootstrap: of mean returns, of their differences, of statistics over tasks.

They cover the randomness of the values given. Where these are episodes of one trained agent, that is its initial
states, levels and sampled actions, and not the randomness of training, which only several seeds show. Values are taken
as independent of each other.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Interval = tuple[float, float]

CONFIDENCE = 0.95
SAMPLES = 10_000  # repeating with another seed moves the ends by about 1 % of the width
BLOCK = 1_000_000  # values drawn at a time: 16 MB, however many episodes there are


class Resampling(TypedDict, total=False):
    """How intervals are made; each option has a default."""

    confidence: float  # share of cases in which an interval should contain the true number, in (0, 1)
    samples: int  # number of resamples, at least 1
    seed: int  # of the resamples; the same seed gives the same intervals


class Estimate(NamedTuple):
    """A number and its interval, whose ends are NaN where there is none."""

    value: float
    low: float = math.nan
    high: float = math.nan


class Band(NamedTuple):
    """Numbers and the interval of each, float64 [S]; each interval holds for its own number, not for all at once."""

    value: Array
    low: Array
    high: Array

    def estimates(self) -> list[Estimate]:
        """Return each number with its interval."""
        return [Estimate(*map(float, numbers)) for numbers in zip(*self)]


def mean_interval(values: ArrayLike, **resampling: Unpack[Resampling]) -> Interval:
    """Return the interval of a mean: the middle `confidence` of the means of values resampled with replacement.

    Few values make it too narrow: of 95 % intervals of normal values, 90 % contain the mean with 10 values and 94 %
    with 50. A single value x gives (x, x), which says nothing about its spread.

    Raises:
        ValueError: there are no values, or `confidence` or `samples` is out of range.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    return _interval({"values": values}, **resampling)


def difference_interval(
    first: ArrayLike, second: ArrayLike, *, paired: bool, **resampling: Unpack[Resampling]
) -> Interval:
    """Return the interval of mean(first) - mean(second).

    Paired values at the same position belong together, as episodes from one initial state do, so that variation which
    both share drops out. Otherwise each side is resampled separately.

    Raises:
        ValueError: as `mean_interval`; paired values differ in shape.

    Example:
        >>> difference_interval([1.0, 5.0], [0.0, 4.0], paired=True)
        (1.0, 1.0)
    """
    if paired:
        a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
        if a.shape != b.shape:
            raise ValueError(f"paired values must have one shape, got {list(a.shape)} and {list(b.shape)}")
        return mean_interval(a - b, **resampling)
    return _interval({"first": first, "second": second}, **resampling)


def stratified_bootstrap(
    statistic: Callable[[Array], Array],
    sizes: Sequence[int],
    *,
    confidence: float = CONFIDENCE,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Band:
    """Return statistics of values in groups of some sizes, such as the runs of tasks, and their intervals.

    Each group's values are resampled with replacement, as many as there are, so that no group is ever left out. The
    statistic takes how often each value was drawn, group after group, [B, values], and returns numbers [B, S].

    Raises:
        ValueError: `confidence` or `samples` is out of range.

    Source: stratified bootstrap of Agarwal et al. 2021 (arXiv 2108.13264), section 4.1.
    """
    generator, width = np.random.default_rng(seed), sum(sizes)
    replicates = []
    for rows in block_sizes(width, samples):
        counts = [generator.multinomial(size, np.full(size, 1 / size), rows) for size in sizes]
        replicates.append(statistic(np.concatenate(counts, axis=1).astype(np.float64)))
    low, high = _ends(np.concatenate(replicates), confidence)
    return Band(statistic(np.ones((1, width)))[0], low, high)


def ratio_interval(groups: Sequence[tuple[ArrayLike, ArrayLike]], *, samples: int = 2_000) -> Interval:
    """Return the interval of mean(numerators) / mean(denominators) over groups, such as training seeds.

    Groups are resampled, and within each group its pairs of a numerator and a denominator. A single group leaves only
    the randomness of its pairs.

    Raises:
        ValueError: as `mean_interval`; there is no group, or a group has unequal numbers of both, or none, or a
            denominator below 0, or only denominators of 0.

    Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
    """
    pairs = [_pairs(*group) for group in groups]
    if not pairs:
        raise ValueError("groups must be at least 1, got none")
    generator = np.random.default_rng(0)
    totals = np.zeros((samples, 2))
    for _ in pairs:
        drawn = generator.integers(len(pairs), size=samples)
        for number, values in enumerate(pairs):
            of_group = np.flatnonzero(drawn == number)
            places = generator.integers(len(values), size=(len(of_group), len(values)))
            totals[of_group] += values[places].mean(axis=1)
    above, below = totals[totals[:, 1] > 0].T
    low, high = _ends(above / below, CONFIDENCE).tolist()
    return low, high


def _pairs(numerators: ArrayLike, denominators: ArrayLike) -> Array:
    """Return both as columns."""
    first, second = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ValueError(f"a group must have equally many of both, got {list(first.shape)} and {list(second.shape)}")
    if second.min() < 0 or not second.any():
        raise ValueError(f"denominators must be at least 0, and some above, got {second.min():g} to {second.max():g}")
    return np.stack([first, second], axis=1)


def _interval(
    sides: Mapping[str, ArrayLike], *, confidence: float = CONFIDENCE, samples: int = SAMPLES, seed: int = 0
) -> Interval:
    """Return the interval of the mean of the first side, less that of the second if there is one."""
    generator = np.random.default_rng(seed)
    first, *second = (_means(name, values, samples, generator) for name, values in sides.items())
    low, high = _ends(first - second[0] if second else first, confidence).tolist()
    return low, high


def _means(name: str, values: ArrayLike, samples: int, generator: np.random.Generator) -> Array:
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


def _ends(replicates: Array, confidence: float) -> Array:
    """Return lower and upper ends, [2, ...], of replicates [samples, ...]."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    return np.quantile(replicates, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
