"""The numbers beside attention figures, per augmentation: lift on the robot, faithfulness, dependence on learning."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from rad.report.stats.bootstrap import ratio_interval

Row = Mapping[str, Any]
UNTRAINED = "stage 0"  # replaced last: nothing learned is left


def attention_rows(numbers: Iterable[Row]) -> list[dict[str, Any]]:
    """Summarise the numbers of runs per augmentation and method.

    Args:
        numbers: a row for each run and method: `augmentation`, `method`, `episode_return`, `insertion`, `deletion`;
            where the robot is known, `mass`, `area`, `wide_mass` and `wide_area`, a number for each state; for a
            method, `rank_correlation` by what was replaced and, where the robot is known, `untrained_mass`.

    Returns:
        A row for each augmentation and method, in their order: `seeds` and means over the runs. `lift` is the mean mass
        on the robot over the mean area of the robot, `wide_lift` the same with a margin, `over_untrained` the mean mass
        over that of an untrained encoder; each has an interval over states and, from two
        seeds on, over seeds, unless some run has nothing to divide by.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in numbers:
        groups.setdefault((row["augmentation"], row["method"]), []).append(row)
    return [_summary(*names, rows) for names, rows in groups.items()]


def _summary(augmentation: str, method: str, rows: Sequence[Row]) -> dict[str, Any]:
    row: dict[str, Any] = {"augmentation": augmentation, "method": method, "seeds": len(rows)}
    returns = [found["episode_return"] for found in rows if found["episode_return"] is not None]
    row |= {"episode_return": fmean(returns)} if returns else {}
    for name, parts in {
        "lift": ("mass", "area"),
        "wide_lift": ("wide_mass", "wide_area"),
        "over_untrained": ("mass", "untrained_mass"),
    }.items():
        if all(part in found for found in rows for part in parts):
            row |= _ratio(name, [(found[parts[0]], found[parts[1]]) for found in rows])
    for name in ("insertion", "deletion"):
        row[name] = fmean(found[name] for found in rows)
    if all("rank_correlation" in found for found in rows):
        levels = rows[0]["rank_correlation"]
        row["rank_correlation"] = {level: fmean(found["rank_correlation"][level] for found in rows) for level in levels}
    return row


def _ratio(name: str, groups: Sequence[tuple[Sequence[float], Sequence[float]]]) -> dict[str, Any]:
    top, bottom = (fmean(fmean(group[part]) for group in groups) for part in (0, 1))
    if not bottom:
        return {}
    sure = all(any(denominators) for _, denominators in groups)
    return {name: top / bottom} | ({f"{name}_interval": list(ratio_interval(groups))} if sure else {})


def attention_table(rows: Sequence[Row]) -> str:
    """Write what `attention_rows` returns as a Markdown table that is also readable as text."""
    cells = [_cells(row) for row in rows]
    titles = [title for title in cells[0] if any(row[title] for row in cells)]
    lines = [titles, *([row[title] for title in titles] for row in cells)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    rule = ["-" * widths[0], "-" * widths[1], *(f"{'-' * (width - 1)}:" for width in widths[2:])]
    return "\n".join(f"| {' | '.join(map(_pad, line, widths))} |" for line in [lines[0], rule, *lines[1:]])


def _pad(text: str, width: int) -> str:
    return text.ljust(width)


def _cells(row: Row) -> dict[str, str]:
    alike = row.get("rank_correlation", {})
    return {
        "augmentation": row["augmentation"],
        "method": row["method"],
        "seeds": str(row["seeds"]),
        "return": _number(row, "episode_return", 0),
        "lift [95 %]": _with_interval(row, "lift"),
        "lift, 2 px wider": _with_interval(row, "wide_lift"),
        "x untrained [95 %]": _with_interval(row, "over_untrained"),
        "insertion (low)": _number(row, "insertion", 2),
        "deletion (high)": _number(row, "deletion", 2),
        "rank corr., heads random": f"{alike['heads']:.2f}" if alike else "",
        "all random": f"{alike[UNTRAINED]:.2f}" if alike else "",
    }


def _number(row: Row, name: str, decimals: int) -> str:
    return f"{row[name]:.{decimals}f}" if name in row else ""


def _with_interval(row: Row, name: str) -> str:
    if name not in row:
        return ""
    interval = row.get(f"{name}_interval")
    return f"{row[name]:.2f}" + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "")
