"""The numbers beside attention figures, per augmentation: lift on the robot, faithfulness, dependence on learning."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from rad.report.stats.bootstrap import Estimate, ratio_interval

Row = Mapping[str, Any]
RATIOS = {
    "lift": ("mass", "area"),
    "wide_lift": ("wide_mass", "wide_area"),
    "over_untrained": ("mass", "untrained_mass"),
}
UNTRAINED = "stage 0"  # replaced last: nothing that was learned is left


def attention_rows(numbers: Iterable[Row]) -> list[dict[str, Any]]:
    """Summarize the numbers of runs per augmentation and method.

    Args:
        numbers: a row for each run and method: `augmentation`, `method`, `episode_return`, `insertion`, `deletion`;
            where the robot is known, `mass`, `area`, `wide_mass` and `wide_area`, a number for each state; for a
            method, `rank_correlation` by what was replaced and, where the robot is known, `untrained_mass`.

    Returns:
        A row for each augmentation and method, in their order: `seeds` and means over the runs. `lift` is the mean mass
        on the robot over the mean area of the robot, `wide_lift` the same with a margin, `over_untrained` the mean mass
        over that of an untrained encoder; each has an interval over states and, from two seeds on, over seeds, unless
        some run has only zeros to divide by.
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
        if all(top in of_run and bottom in of_run for of_run in rows):
            groups = [(of_run[top], of_run[bottom]) for of_run in rows]
            mass, over = (fmean(fmean(group[part]) for group in groups) for part in (0, 1))
            row |= {name: mass / over} if over else {}
            has_interval = over and all(any(denominators) for _, denominators in groups)
            row |= {f"{name}_interval": list(ratio_interval(groups))} if has_interval else {}
    row |= {name: fmean(of_run[name] for of_run in rows) for name in ("insertion", "deletion")}
    if all("rank_correlation" in of_run for of_run in rows):
        alike = [of_run["rank_correlation"] for of_run in rows]
        row["rank_correlation"] = {level: fmean(values[level] for values in alike) for level in alike[0]}
    return row


def estimate(row: Row, name: str) -> Estimate:
    """Return a number of a summary with its interval, where it has one."""
    return Estimate(row[name], *row.get(f"{name}_interval", ()))
