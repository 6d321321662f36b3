"""What groups of runs scored at their end, how that compares with no augmentation, and the loss from train to test."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

from rad.report.read.final_returns import TRAIN, final_result, final_returns, finished, trained_and_tested
from rad.report.read.groups import Group, flat, runs_in
from rad.report.stats.aggregates import aggregate
from rad.report.stats.bootstrap import Estimate
from rad.report.stats.comparisons import Comparison, compare, generalization_gap
from rad.report.stats.scores import normalize

NONE = "none"
LEAST_RUNS = 2  # of both sides of a comparison


class Result(NamedTuple):
    """The results of the finished runs of a group."""

    group: Group
    returns: list[float]  # mean return at the end of each finished run
    iqm: Estimate | None  # interquartile mean of these; None where no run is finished
    comparison: Comparison | None  # with the group without augmentation, where both have two runs
    tests: dict[str, Estimate]  # by split other than `train`, the interquartile mean of the returns there
    gaps: dict[str, Estimate]  # by split, mean return on `train` less that on the split
    metrics: dict[str, float]  # means over the finished runs that have them, on `train`, by field


def results(groups: Sequence[Group]) -> list[Result]:
    """Return the results of the groups of one task, in their order; p-values are adjusted for all of them."""
    returns = {group.method: final_returns(group) for group in groups}
    pairs = {
        group.method: ({"": returns[group.method]}, {"": returns[base.method]})
        for group, base in beside_none(groups)
        if min(len(returns[group.method]), len(returns[base.method])) >= LEAST_RUNS and is_like(group, base)
    }
    comparisons = compare(pairs)
    return [_result(group, returns[group.method], comparisons.get(group.method)) for group in groups]


def scores_of(groups: Sequence[Group]) -> dict[str, dict[str, list[float]]]:
    """Return normalized scores by method and task, for the methods that have a finished run on every task.

    Empty where the returns of a task have no published range.
    """
    num_tasks = len({group.task for group in groups})
    scores: dict[str, dict[str, list[float]]] = {}
    for group in groups:
        try:
            if returns := final_returns(group):
                normalized = normalize(returns, group.task, flat(group.runs[0].config))
                scores.setdefault(group.method, {})[group.task] = normalized.tolist()
        except ValueError:  # no such range
            return {}
    return {method: of_task for method, of_task in scores.items() if len(of_task) == num_tasks}


def across_tasks(
    scores: Mapping[str, Mapping[str, list[float]]], groups: Sequence[Group] = ()
) -> dict[str, tuple[dict[str, Estimate], Comparison | None]]:
    """Return by method its aggregates over all tasks and its comparison with `none`, if its groups are like `none`."""
    unlike = {group.method for group, base in beside_none(groups) if not is_like(group, base)}
    several = {method: of_task for method, of_task in scores.items() if least_runs(of_task) >= LEAST_RUNS}
    base = several.pop(NONE, None)
    pairs = {method: (of_task, base) for method, of_task in several.items() if base and method not in unlike}
    comparisons = compare(pairs)
    return {method: (_summed(of_task), comparisons.get(method)) for method, of_task in scores.items()}


def beside_none(groups: Sequence[Group]) -> list[tuple[Group, Group]]:
    """Return each augmented group with the one without augmentation of its task and variant, where there is one."""
    bases = {(group.task, group.variant): group for group in groups if group.augment == NONE}
    augmented = [(group, bases.get((group.task, group.variant))) for group in groups if group.augment != NONE]
    return [(group, base) for group, base in augmented if base]


def least_runs(of_task: Mapping[str, Sequence[float]]) -> int:
    """Return the runs of the task that has the fewest."""
    return min(len(runs) for runs in of_task.values())


def _summed(of_task: Mapping[str, Sequence[float]]) -> dict[str, Estimate]:
    """Return the aggregates; without intervals where a task has a single run, which resampling cannot vary."""
    single = least_runs(of_task) < LEAST_RUNS
    return {name: Estimate(number.value) if single else number for name, number in aggregate(of_task).items()}


def _result(group: Group, returns: list[float], comparison: Comparison | None) -> Result:
    pairs: dict[str, list[tuple[float, float]]] = {}  # returns on `train` and on the split, of the runs that have both
    metrics: dict[str, list[float]] = {}
    for run in finished(group):
        for split, pair in trained_and_tested(run).items():
            pairs.setdefault(split, []).append(pair)
        for name, value in final_result(run).metrics.get(TRAIN, {}).items():
            metrics.setdefault(name, []).append(value)
    columns = {split: [list(side) for side in zip(*of_split)] for split, of_split in pairs.items()}
    return Result(
        group,
        returns,
        iqm=_middle(returns) if returns else None,
        comparison=comparison,
        tests={split: _middle(test) for split, (_, test) in columns.items()},
        gaps={split: _gap(*of_split) for split, of_split in columns.items()},
        metrics={name: fmean(values) for name, values in metrics.items()},
    )


def on_train(groups: Iterable[Group]) -> str:
    """Return " on train" where there are other splits."""
    return f" on {TRAIN}" if any(map(trained_and_tested, runs_in(groups))) else ""


def _middle(returns: Sequence[float]) -> Estimate:
    """Return the interquartile mean with its interval, which a single run does not have."""
    return Estimate(returns[0]) if len(returns) == 1 else aggregate({"": returns})["iqm"]


def is_like(first: Group, second: Group) -> bool:
    """Tell whether returns of two groups are comparable: trained equally long, on frames of the same render quality."""
    configs = [flat(group.runs[0].config) for group in (first, second)]
    return all(configs[0].get(name) == configs[1].get(name) for name in ("frames", "render_quality"))


def _gap(train: Sequence[float], test: Sequence[float]) -> Estimate:
    return Estimate(train[0] - test[0]) if len(train) == 1 else generalization_gap({"": train}, {"": test})
