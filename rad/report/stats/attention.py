"""The numbers beside attention figures, per augmentation: lift on the robot, agreement with the ground truth, trust."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from rad.report.stats.bootstrap import Estimate, ratio_interval

Row = Mapping[str, Any]
RATIOS = {
    "lift": ("mass", "area"),
    "wide_lift": ("wide_mass", "wide_area"),
    "over_untrained": ("mass", "untrained_mass"),
}
MEANS = (
    *("relevance_rank_accuracy", "rank_accuracy", "untrained_rank_accuracy", "rank_accuracy_per_pixel"),
    *("top_mass", "top_area"),
)
LEVELS = ("rank_correlation", "smooth_rank_correlation")  # numbers by what was randomized last
UNTRAINED = "stage 0"  # replaced last: nothing that was learned is left


class Lift(NamedTuple):
    """The lift of a map on the robot, of agents that augment alike."""

    mean: Estimate
    agents: int  # which need not be the runs that stand beside it


def attention_rows(numbers: Iterable[Row]) -> list[dict[str, Any]]:
    """Summarize the numbers of runs per augmentation and method.

    Args:
        numbers: a row for each run and method: `augmentation`, `method`, `episode_return`, `insertion`, `deletion`;
            where the robot is known, `mass`, `area`, `wide_mass` and `wide_area`, a number for each state; for a
            method, those of `LEVELS` by what was replaced, `complexity_rise` and, where the robot is known,
            `untrained_mass`. Those of `MEANS` are a number for each state. All but the first five may be missing.

    Returns:
        A row for each augmentation and method, in their order: `seeds` and means over the runs. `lift` is the mean mass
        on the robot over the mean area of the robot, `wide_lift` the same with a margin, `over_untrained` the mean mass
        over that of an untrained encoder; each has an interval over states and, from two seeds on, over seeds, unless
        some run has only zeros to divide by. So have those of `MEANS`.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in numbers:
        groups.setdefault((row["augmentation"], row["method"]), []).append(row)
    return [_summary(*names, rows) for names, rows in groups.items()]


def _summary(augmentation: str, method: str, rows: Sequence[Row]) -> dict[str, Any]:
    row: dict[str, Any] = {"augmentation": augmentation, "method": method, "seeds": len(rows)}
    returns = [of_run["episode_return"] for of_run in rows if of_run["episode_return"] is not None]
    row |= {"episode_return": fmean(returns)} if returns else {}
    for name, (top, bottom) in RATIOS.items():
        if all(of_run.get(top) and bottom in of_run for of_run in rows):
            groups = [(of_run[top], of_run[bottom]) for of_run in rows]
            mass, over = (fmean(fmean(group[part]) for group in groups) for part in (0, 1))
            row |= {name: mass / over} if over else {}
            has_interval = over and all(any(denominators) for _, denominators in groups)
            row |= {f"{name}_interval": list(ratio_interval(groups))} if has_interval else {}
    for name in MEANS:
        if all(of_run.get(name) for of_run in rows):
            row |= _mean(name, [of_run[name] for of_run in rows])
    row |= {name: fmean(of_run[name] for of_run in rows) for name in ("insertion", "deletion")}
    for name in LEVELS:
        if all(name in of_run for of_run in rows):
            alike = [of_run[name] for of_run in rows]
            row[name] = {level: fmean(values[level] for values in alike) for level in alike[0]}
    if all("complexity_rise" in of_run for of_run in rows):
        row["complexity_rise"] = fmean(of_run["complexity_rise"] for of_run in rows)
    return row


def _mean(name: str, groups: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Return the mean over runs of the means over states, with its interval."""
    interval = ratio_interval([(values, [1.0] * len(values)) for values in groups])
    return {name: fmean(map(fmean, groups)), f"{name}_interval": list(interval)}


def object_rows(effects: Iterable[Row]) -> list[dict[str, Any]]:
    """Summarize what objects do to the agents' output, per augmentation, those that matter most first.

    Args:
        effects: a row for each run and object: `augmentation`, `object`, and for each state in which it is seen its
            `effect` and its `area`, a share of the frame.

    Returns:
        A row for each augmentation and object: `seeds`, `states`, and means over the runs of effect and area, the
        effect with an interval over states and seeds.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in effects:
        groups.setdefault((row["augmentation"], row["object"]), []).append(row)
    rows = [
        {"augmentation": augmentation, "object": name, "seeds": len(of_object)}
        | {"states": sum(len(row["effect"]) for row in of_object), "area": fmean(fmean(r["area"]) for r in of_object)}
        | _mean("effect", [row["effect"] for row in of_object])
        for (augmentation, name), of_object in groups.items()
    ]
    order = list(dict.fromkeys(row["augmentation"] for row in rows))
    return sorted(rows, key=lambda row: (order.index(row["augmentation"]), -row["effect"]))


def estimate(row: Row, name: str) -> Estimate:
    """Return a number of a summary with its interval, where it has one."""
    return Estimate(row[name], *row.get(f"{name}_interval", ()))
