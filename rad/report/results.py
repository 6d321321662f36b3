"""What groups of runs scored at their end, how they stand to no augmentation, and what is lost from train to test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from rad.report.aggregates import aggregate
from rad.report.comparisons import Comparison, compare, generalization_gap, holm, improvement_p_value
from rad.report.comparisons import probability_of_improvement as improvement
from rad.report.endings import finals, finished, trained_and_tested
from rad.report.scores import normalize
from rad.report.sheets import alone
from rad.report.statistics import Estimate
from rad.report.sweeps import Group, flat

NONE = "none"
LEAST_RUNS = 2  # of both sides, for a comparison to say anything


@dataclass(frozen=True)
class Result:
    """What the finished runs of a group show.

    Attributes:
        group: of what.
        returns: mean return at the end of each finished run.
        iqm: their interquartile mean; None where no run is finished.
        mean: their mean.
        comparison: with the group without augmentation, where both have two runs.
        gaps: by split, mean return on `train` less that on it.
    """

    group: Group
    returns: list[float]
    iqm: Estimate | None
    mean: float | None
    comparison: Comparison | None
    gaps: dict[str, Estimate]


def results(groups: Sequence[Group]) -> list[Result]:
    """Return what the groups of one task show, in their order."""
    returns = {group.method: finals(group) for group in groups}
    beside = _comparisons(groups, returns)
    return [_result(group, returns[group.method], beside.get(group.method)) for group in groups]


def scores_of(groups: Sequence[Group]) -> dict[str, dict[str, list[float]]]:
    """Return normalised scores by method and task: of the methods that have a finished run on every task.

    Empty where the returns of a task have no published range.
    """
    tasks = list(dict.fromkeys(group.task for group in groups))
    found: dict[str, dict[str, list[float]]] = {}
    for group in groups:
        try:
            if returns := finals(group):
                found.setdefault(group.method, {})[group.task] = _scaled(group, returns)
        except ValueError:  # no such range
            return {}
    whole = {method: of_task for method, of_task in found.items() if len(of_task) == len(tasks)}
    return {method: {task: of_task[task] for task in tasks} for method, of_task in whole.items()}


def across_tasks(
    scores: Mapping[str, Mapping[str, list[float]]],
) -> dict[str, tuple[dict[str, Estimate], Comparison | None]]:
    """Return by method its aggregates over all tasks and, where there is `none`, how it stands to that."""
    beside = compare(scores, NONE) if NONE in scores and len(scores) > 1 else {}
    return {method: (aggregate(of_task), beside.get(method)) for method, of_task in scores.items()}


def _result(group: Group, returns: list[float], comparison: Comparison | None) -> Result:
    if not returns:
        return Result(group, [], None, None, None, {})
    return Result(group, returns, middle(returns), fmean(returns), comparison, _gaps(group))


def middle(returns: Sequence[float]) -> Estimate:
    """Return the interquartile mean with its interval; a single run has none."""
    return alone(returns[0]) if len(returns) == 1 else aggregate({"": returns})["iqm"]


def _comparisons(groups: Sequence[Group], returns: Mapping[str, list[float]]) -> dict[str, Comparison]:
    """Return by method how it stands to `none` of the same variant; p-values are adjusted for all of them."""
    bases = {group.variant: returns[group.method] for group in groups if group.augment == NONE}
    pairs = {
        group.method: ({"": returns[group.method]}, {"": bases[group.variant]})
        for group in groups
        if group.augment != NONE
        and group.variant in bases
        and min(len(returns[group.method]), len(bases[group.variant])) >= LEAST_RUNS
    }
    p_values = {method: improvement_p_value(*pair) for method, pair in pairs.items()}
    adjusted = holm(p_values)
    return {
        method: Comparison(improvement(*pair), p_values[method], adjusted[method]) for method, pair in pairs.items()
    }


def _gaps(group: Group) -> dict[str, Estimate]:
    """Return the gap to each split over the runs that have one."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for run in finished(group):
        for split, pair in trained_and_tested(run).items():
            pairs.setdefault(split, []).append(pair)
    return {split: _gap(*zip(*found)) for split, found in pairs.items()}


def _gap(train: Sequence[float], test: Sequence[float]) -> Estimate:
    if len(train) == 1:
        return alone(train[0] - test[0])
    return generalization_gap({"": list(train)}, {"": list(test)}).difference


def _scaled(group: Group, returns: list[float]) -> list[float]:
    config = flat(group.runs[0].config)
    mode, constants = config.get("distribution_mode", ""), config.get("score_constants", "paper")
    scaled: list[float] = normalize(returns, group.task, mode, constants=constants).tolist()
    return scaled
