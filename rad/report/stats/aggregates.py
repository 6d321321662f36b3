"""Scores of several runs on several tasks, summarized: aggregates, performance profiles, curves over training.

Scores are normalized (`rad.report.stats.scores`), [runs] for each task; tasks may have different numbers of runs.
Intervals cover the randomness of training, by resampling runs within each task, and not the choice of tasks. Options
are those of `Resampling`.
"""

from collections.abc import Mapping
from typing import Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike

from rad.report.stats.bootstrap import Array, Band, Estimate, Resampling, stratified_bootstrap

Scores = Mapping[str, ArrayLike]
"""Normalized scores by task, [runs] each."""

AGGREGATES = ("iqm", "mean", "median", "optimality_gap")
ENOUGH_SEEDS = 5
# Percentage of cases in which 95 % intervals contain the true value, by the number of seeds.
HELD = {"iqm": {2: 50, 3: 75, 4: 88, 5: 89}, "difference": {2: 68, 3: 80, 4: 85, 5: 88}}


def aggregate(scores: Scores, **resampling: Unpack[Resampling]) -> dict[str, Estimate]:
    """Return the four numbers that summarize runs on tasks, by name, in the order of `AGGREGATES`.

    `iqm` is the mean of the middle half of all runs: a quarter of them, rounded down, is dropped at each end. A task
    with more runs has more weight in it; in the other three, tasks weigh the same. `mean` and `median` are those of
    the tasks' means. `optimality_gap` is the mean of max(1 - score, 0), the distance from 1: less is better.

    Raises:
        ValueError: a task has no run, there is no task, a score is not finite, or an option is out of range.

    Source: Agarwal et al. 2021 (arXiv 2108.13264), section 4.3, and their library rliable 1.2.0.
    """
    runs, sizes = runs_of(scores)
    task = np.repeat(np.arange(len(sizes)), sizes)  # of each run
    of_tasks = np.equal.outer(task, np.arange(len(sizes))) * (runs / np.asarray(sizes)[task])[:, None]

    def statistic(counts: Array) -> Array:
        means = counts @ of_tasks
        gap = counts @ (run_weights(sizes) * np.maximum(1 - runs, 0))
        return np.stack([_iqm(counts, runs), means.mean(axis=1), np.median(means, axis=1), gap], axis=1)

    return dict(zip(AGGREGATES, stratified_bootstrap(statistic, sizes, **resampling).estimates()))


def performance_profile(scores: Scores, thresholds: ArrayLike, **resampling: Unpack[Resampling]) -> Band:
    """Return the share of runs that score more than each of [thresholds], where tasks weigh the same.

    Raises:
        ValueError: as `aggregate`; there is no threshold.

    Source: Agarwal et al. 2021 (arXiv 2108.13264), section 4.2 (score distributions).

    Example:
        >>> performance_profile({"dmc/walker-walk": [0.3, 0.3]}, [0.1, 0.5]).value
        array([1., 0.])
    """
    runs, sizes = runs_of(scores)
    levels = np.asarray(thresholds, np.float64)
    if levels.ndim != 1 or not levels.size:
        raise ValueError(f"thresholds are of shape {list(levels.shape)}; expected [thresholds], at least 1")
    above = (runs[:, None] > levels) * run_weights(sizes)[:, None]  # [runs, thresholds]
    return stratified_bootstrap(lambda counts: counts @ above, sizes, **resampling)


def sample_efficiency(curves: Scores, **resampling: Unpack[Resampling]) -> Band:
    """Return the interquartile mean of all runs at each point of training, from [runs, points] for each task.

    Runs are resampled with their whole curves. Each interval holds for its point alone.

    Raises:
        ValueError: as `aggregate`; the numbers of points differ.

    Source: the sample-efficiency curves of rliable 1.2.0 (Agarwal et al. 2021, arXiv 2108.13264).
    """
    points, sizes = runs_of(curves, axes=("runs", "points"))

    def statistic(counts: Array) -> Array:
        return np.stack([_iqm(counts, runs) for runs in points.T], axis=1)

    return stratified_bootstrap(statistic, sizes, **resampling)


def few_seeds_warning(num_seeds: int, of: Literal["iqm", "difference"] = "iqm") -> str:
    """Return how far to trust intervals from few training runs of a task; empty for 5 runs and more.

    They are intervals of the IQM of a method on a task, or of the difference of two means; of its two sides, the one
    with fewer runs counts.

    Raises:
        ValueError: there is no run.

    Source: our simulations, 1,500 cases each of normal and of skewed returns on one task. Intervals of the IQM over
        six tasks hold somewhat more often: in 83 to 87 % of cases with 3 seeds.
    """
    if num_seeds < 1:
        raise ValueError(f"num_seeds must be at least 1, got {num_seeds}")
    if num_seeds >= ENOUGH_SEEDS:
        return ""
    if num_seeds == 1:
        return f"1 seed: no interval, as nothing is known of the spread of training; use {ENOUGH_SEEDS} or more"
    return (
        f"{num_seeds} seeds: nominal 95 % intervals contain the true value in about {HELD[of][num_seeds]} % of cases, "
        f"with {ENOUGH_SEEDS} seeds in {HELD[of][ENOUGH_SEEDS]} %; use {ENOUGH_SEEDS} or more"
    )


def runs_of(scores: Scores, axes: tuple[str, ...] = ("runs",)) -> tuple[Array, list[int]]:
    """Return the runs of all tasks one after the other, [runs, ...], and how many each task has.

    Raises:
        ValueError: there is no task, or the scores of a task are not finite numbers along `axes`.
    """
    if not scores:
        raise ValueError("scores must be of at least 1 task, got none")
    arrays = {task: np.asarray(values, np.float64) for task, values in scores.items()}
    for task, values in arrays.items():
        if values.ndim != len(axes) or not values.size:
            shape = f"[{', '.join(axes)}], at least 1"
            raise ValueError(f"scores of {task} are of shape {list(values.shape)}; expected {shape}")
        if not np.isfinite(values).all():
            raise ValueError(f"scores of {task} hold a number that is not finite")
    if len(tails := {values.shape[1:] for values in arrays.values()}) > 1:
        lengths = ", ".join(str(length) for (length,) in sorted(tails))
        raise ValueError(f"scores have {lengths} {axes[-1]}; expected one number for all tasks")
    return np.concatenate(list(arrays.values())), [len(values) for values in arrays.values()]


def run_weights(sizes: list[int]) -> Array:
    """Return the weight of each run in a mean over tasks of means over runs; together 1."""
    return np.repeat([1 / (size * len(sizes)) for size in sizes], sizes)


def _iqm(counts: Array, runs: Array) -> Array:
    """Return the mean of the runs, each as often as it counts, after a quarter is cut at each end."""
    order, total = np.argsort(runs), int(counts[0].sum())
    cut = total // 4  # rounded down, as scipy.stats.trim_mean and so rliable
    ranks = counts[:, order].cumsum(axis=1).clip(cut, total - cut)
    return np.diff(ranks, axis=1, prepend=cut) @ runs[order] / (total - 2 * cut)
