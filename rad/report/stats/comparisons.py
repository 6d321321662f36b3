"""Comparisons of methods: how likely one improves on another, how certain that is, and the loss from train to test.

Scores and options are as in `rad.report.stats.aggregates`.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, Unpack

import numpy as np

from rad.report.stats.aggregates import Scores, run_weights, runs_of
from rad.report.stats.bootstrap import SAMPLES, Array, Estimate, Resampling, block_sizes, stratified_bootstrap

ROUNDING = 1e-9  # far below the smallest step of a probability of improvement


class Comparison(NamedTuple):
    """A method beside the one it is compared with."""

    probability: Estimate  # of improvement
    p_value: float  # of a probability as far from 1/2 if there were no difference
    adjusted_p_value: float  # with Holm's correction over all methods compared

    @property
    def shown(self) -> Estimate:
        """The probability as a report gives it: without its interval if it is 0 or 1.

        There every run of one side scores more, in each resample too: the interval would be a point, as if nothing
        were random.
        """
        return Estimate(self.probability.value) if self.probability.value in (0.0, 1.0) else self.probability


def compare(pairs: Mapping[str, tuple[Scores, Scores]]) -> dict[str, Comparison]:
    """Return how each method improves on another, from the scores of both; p-values are adjusted for their number.

    Raises:
        ValueError: as `probability_of_improvement`.
    """
    p_values = {name: improvement_p_value(*pair) for name, pair in pairs.items()}
    probabilities = [probability_of_improvement(*pair) for pair in pairs.values()]
    return dict(zip(pairs, map(Comparison, probabilities, p_values.values(), holm(p_values).values())))


def probability_of_improvement(first: Scores, second: Scores, **resampling: Unpack[Resampling]) -> Estimate:
    """Return how likely a run of `first` scores more than one of `second` on a task, averaged over tasks.

    It is the mean over tasks of U / (N K), Mann and Whitney's U of N and K runs, in which a tie counts half.

    Raises:
        ValueError: as `rad.report.stats.aggregates.aggregate`; the tasks differ.

    Source: Agarwal et al. 2021 (arXiv 2108.13264), section 4.3.
    """
    (xs, sizes_x), (ys, sizes_y) = runs_of(first), runs_of(_same_tasks(first, second))
    tasks = [
        (np.sign(x[:, None] - y) / 2 + 0.5) / (x.size * y.size * len(sizes_x))
        for x, y in zip(_split(xs, sizes_x), _split(ys, sizes_y))
    ]

    def statistic(counts: Array) -> Array:
        of_x, of_y = _split(counts[:, : xs.size], sizes_x), _split(counts[:, xs.size :], sizes_y)
        shares = [((x @ wins) * y).sum(axis=1) for x, wins, y in zip(of_x, tasks, of_y)]
        return np.sum(shares, axis=0)[:, None]

    return stratified_bootstrap(statistic, [*sizes_x, *sizes_y], **resampling).estimates()[0]


def improvement_p_value(first: Scores, second: Scores, *, samples: int = SAMPLES, seed: int = 0) -> float:
    """Return how often chance alone gives a probability of improvement as far from 1/2, to either side.

    If the methods do not differ, each task's runs could belong to either. If there are at most `samples` ways to assign
    them, all are counted and the p-value is exact; otherwise `samples` are drawn. With few runs it cannot be small: 3
    runs of each method on one task can be assigned in 20 ways, of which two are the farthest, hence 0.1.

    Raises:
        ValueError: as `probability_of_improvement`.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 15.2 (permutation test), with
        permutations within tasks; 1 is added to sampled permutations for the runs as they are.
    """
    (xs, sizes_x), (ys, sizes_y) = runs_of(first), runs_of(_same_tasks(first, second))
    margins = [_margins(x, y) for x, y in zip(_split(xs, sizes_x), _split(ys, sizes_y))]
    generator, width = np.random.default_rng(seed), xs.size + ys.size
    observed = _distance([task[None] for task in margins], sizes_x)
    if math.prod(math.comb(task.size, size) for task, size in zip(margins, sizes_x)) <= samples:
        return float(np.mean(_all_distances(margins, sizes_x) >= observed - ROUNDING))
    farther = 0
    for rows in block_sizes(width, samples):
        permuted = [generator.permuted(np.tile(task, (rows, 1)), axis=1) for task in margins]
        farther += np.count_nonzero(_distance(permuted, sizes_x) >= observed - ROUNDING)
    return (1 + farther) / (1 + samples)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p-values adjusted for their number: the family-wise error of those below 0.05 is at most 5 %.

    From the smallest, they are multiplied by m, m - 1, ..., 1; none falls below the one before or rises above 1.

    Raises:
        ValueError: a p-value is not from 0 to 1.

    Source: Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure.

    Example:
        >>> holm({"crop": 0.01, "flip": 0.5})
        {'crop': 0.02, 'flip': 0.5}
    """
    for name, p_value in p_values.items():
        if not 0 <= p_value <= 1:
            raise ValueError(f"p-value of {name} must be from 0 to 1, got {p_value}")
    values = np.array(list(p_values.values()), np.float64)
    order = values.argsort(kind="stable")
    values[order] = np.maximum.accumulate(values[order] * range(len(values), 0, -1)).clip(max=1)
    return dict(zip(p_values, values.tolist()))


def generalization_gap(train: Scores, test: Scores, **resampling: Unpack[Resampling]) -> Estimate:
    """Return the mean over tasks of train less test score of the same agents, in the same order.

    Agents are resampled with both of their scores, so that variation which both share drops out of the interval.

    Raises:
        ValueError: as `rad.report.stats.aggregates.aggregate`; tasks or numbers of runs differ.
    """
    (on_train, sizes), (on_test, sizes_test) = runs_of(train), runs_of(_same_tasks(train, test))
    for task, size, other in zip(train, sizes, sizes_test):
        if size != other:
            counts = f"{size} on train and {other} on test"
            raise ValueError(f"runs of {task} are {counts}; expected the same agents on both")
    lost = (run_weights(sizes) * (on_train - on_test))[:, None]
    return stratified_bootstrap(lambda counts: counts @ lost, sizes, **resampling).estimates()[0]


def _same_tasks(first: Scores, second: Scores) -> Scores:
    """Return the second with its tasks in the order of the first."""
    if extra := first.keys() ^ second.keys():
        raise ValueError(f"tasks differ: only one side has {', '.join(sorted(extra))}; expected the same on both")
    return {task: second[task] for task in first}


def _split(runs: Array, sizes: Sequence[int]) -> list[Array]:
    """Return the runs of each task, along the last axis."""
    return np.split(runs, np.cumsum(sizes)[:-1], axis=-1)


def _margins(first: Array, second: Array) -> Array:
    """Return numbers whose sum over `first` is U / (N K) - 1/2: half of the wins less losses of a run against all.

    Those against runs of the same side cancel out in the sum, so that it can be taken for any permutation of the runs.
    """
    runs = np.concatenate([first, second])
    return np.sign(runs[:, None] - runs).sum(axis=1) / (2 * first.size * second.size)


def _all_distances(margins: Sequence[Array], sizes: Sequence[int]) -> Array:
    """Return what `_distance` gives for each way to assign the runs of each task."""
    totals = np.zeros(1)
    for task, size in zip(margins, sizes):
        sums = [task[list(places)].sum() for places in combinations(range(task.size), size)]
        totals = np.add.outer(totals, sums).ravel()
    return np.abs(totals)


def _distance(margins: Sequence[Array], sizes: Sequence[int]) -> Array:
    """Return how far from 1/2 the first `sizes` runs of each task improve on the rest, summed over tasks, [B]."""
    return np.abs(np.sum([task[:, :size].sum(axis=1) for task, size in zip(margins, sizes)], axis=0))
