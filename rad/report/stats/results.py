"""What groups of runs scored at their end, how that compares with no augmentation, and the loss from train to test."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from rad.report.read.evaluation_files import METRICS
from rad.report.read.final_returns import TRAIN, final_result, final_returns, finished, trained_and_tested
from rad.report.read.groups import Group, flat
from rad.report.stats.aggregates import aggregate
from rad.report.stats.bootstrap import Estimate
from rad.report.stats.comparisons import Comparison, compare, generalization_gap
from rad.report.stats.scores import normalize

NONE = "none"
LEAST_RUNS = 2  # of both sides of a comparison


@dataclass(frozen=True)
class Result:
    """The results of the finished runs of a group."""

    group: Group
    returns: list[float]  # mean return at the end of each finished run
    iqm: Estimate | None  # interquartile mean of these; None where no run is finished
    mean: float | None
    comparison: Comparison | None  # with the group without augmentation, where both have two runs
    tests: dict[str, Estimate]  # by split other than `train`, the interquartile mean of the returns there
    gaps: dict[str, Estimate]  # by split, mean return on `train` less that on the split
    metrics: dict[str, float]  # means over the finished runs that have them, on `train`, by field


def results(groups: Sequence[Group]) -> list[Result]:
    """Return the results of the groups of one task, in their order."""
    returns = {group.method: final_returns(group) for group in groups}
    beside = _comparisons(groups, returns)
    return [_result(group, returns[group.method], beside.get(group.method)) for group in groups]


def scores_of(groups: Sequence[Group]) -> dict[str, dict[str, list[float]]]:
    """Return normalized scores by method and task, for the methods that have a finished run on every task.

    Empty where the returns of a task have no published range.
    """
    tasks = list(dict.fromkeys(group.task for group in groups))
    scores: dict[str, dict[str, list[float]]] = {}
    for group in groups:
        try:
            if returns := final_returns(group):
                normalized = normalize(returns, group.task, flat(group.runs[0].config))
                scores.setdefault(group.method, {})[group.task] = normalized.tolist()
        except ValueError:  # no such range
            return {}
    whole = {method: of_task for method, of_task in scores.items() if len(of_task) == len(tasks)}
    return {method: {task: of_task[task] for task in tasks} for method, of_task in whole.items()}


def across_tasks(
    scores: Mapping[str, Mapping[str, list[float]]], unlike: Collection[str] = ()
) -> dict[str, tuple[dict[str, Estimate], Comparison | None]]:
    """Return by method its aggregates over all tasks and its comparison with `none`; not for methods in `unlike`."""
    several = {
        method: of_task
        for method, of_task in scores.items()
        if least_runs(of_task) >= LEAST_RUNS and method not in unlike
    }
    base = several.pop(NONE, None)
    beside = compare({method: (of_task, base) for method, of_task in several.items()}) if base else {}
    return {method: (_summed(of_task), beside.get(method)) for method, of_task in scores.items()}


def unlike(groups: Sequence[Group]) -> set[str]:
    """Return the methods that on some task are not comparable with `none`, see `is_like`."""
    return {group.method for group, base in beside_none(groups) if not is_like(group, base)}


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
    numbers = aggregate(of_task)
    if least_runs(of_task) >= LEAST_RUNS:
        return numbers
    return {name: Estimate(number.value) for name, number in numbers.items()}


def _result(group: Group, returns: list[float], comparison: Comparison | None) -> Result:
    if not returns:
        return Result(group, [], None, None, None, {}, {}, {})
    pairs = _pairs(group)
    tests = {split: middle([test for _, test in of_split]) for split, of_split in pairs.items()}
    gaps = {split: _gap(*zip(*of_split)) for split, of_split in pairs.items()}
    return Result(group, returns, middle(returns), fmean(returns), comparison, tests, gaps, _metrics(group))


def _metrics(group: Group) -> dict[str, float]:
    rows = [final_result(run).metrics.get(TRAIN, {}) for run in finished(group)]
    values = {metric.field: [row[metric.field] for row in rows if metric.field in row] for metric in METRICS}
    return {name: fmean(numbers) for name, numbers in values.items() if numbers}


def on_train(results: Sequence[Result]) -> str:
    """Return " on train" where there are other splits."""
    return f" on {TRAIN}" if any(result.gaps for result in results) else ""


def middle(returns: Sequence[float]) -> Estimate:
    """Return the interquartile mean with its interval, which a single run does not have."""
    return Estimate(returns[0]) if len(returns) == 1 else aggregate({"": returns})["iqm"]


def _comparisons(groups: Sequence[Group], returns: Mapping[str, list[float]]) -> dict[str, Comparison]:
    """Compare each method with `none` of the same variant; p-values are adjusted for all of them."""
    return compare(
        {
            group.method: ({"": returns[group.method]}, {"": returns[base.method]})
            for group, base in beside_none(groups)
            if min(len(returns[group.method]), len(returns[base.method])) >= LEAST_RUNS and is_like(group, base)
        }
    )


def is_like(first: Group, second: Group) -> bool:
    """Tell whether returns of two groups are comparable: trained equally long, on frames of the same render quality."""
    configs = [flat(group.runs[0].config) for group in (first, second)]
    return all(configs[0].get(name) == configs[1].get(name) for name in ("frames", "render_quality"))


def _pairs(group: Group) -> dict[str, list[tuple[float, float]]]:
    """Return by split the returns on `train` and on the split, of the runs that have both."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for run in finished(group):
        for split, pair in trained_and_tested(run).items():
            pairs.setdefault(split, []).append(pair)
    return pairs


def _gap(train: Sequence[float], test: Sequence[float]) -> Estimate:
    if len(train) == 1:
        return Estimate(train[0] - test[0])
    return generalization_gap({"": list(train)}, {"": list(test)})
