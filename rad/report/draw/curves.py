"""Learning curves of groups of runs, with intervals over seeds."""

import math
from collections.abc import Sequence
from functools import partial
from operator import mul
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rad.report.draw.style import GREY, Figure, blank, file_name, finish, looks, plain, style
from rad.report.read.final_returns import evaluations, finished, random_policy, splits
from rad.report.read.groups import Group
from rad.report.stats.aggregates import sample_efficiency
from rad.report.stats.bootstrap import Band
from rad.report.stats.published import Published
from rad.report.stats.references import references

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MOST_LINES = 7  # in one picture; more get a picture each, before the others in grey
COLUMNS = 3
LABEL_GAP = 0.045  # of the height, between two labels beside the axes


class Curve(NamedTuple):
    """A group on a split.

    Attributes:
        label: name of the method, seeds and whether they are finished.
        frames: of the evaluations that all its runs have.
        band: interquartile mean over seeds; its ends are the value where there is one seed.
        seeds: number of runs.
    """

    label: str
    frames: list[int]
    band: Band
    seeds: int


def curve_figures(groups: Sequence[Group]) -> list[Figure]:
    """Draw a figure for each split of a task; none where nothing was evaluated yet.

    Args:
        groups: of one task.
    """
    found = dict.fromkeys(split for group in groups for run in group.runs for split in splits(run))
    return [figure for split in found for figure in _figure(groups, split)]


def curve_references(groups: Sequence[Group], split: str) -> list[Published]:
    """Return the published scores that a figure has lines for: none where each group has its own picture."""
    if len(groups) > MOST_LINES:
        return []
    return references([run for group in groups for run in group.runs], split)


def curve(group: Group, split: str) -> Curve | None:
    """Return the curve of a group on a split: of its finished runs, or of all if none is finished.

    A point counts where every run has one that is finite.
    """
    runs = finished(group) or list(group.runs)
    points = [dict(evaluations(run, split)) for run in runs]
    points = [found for found in points if found]
    if not points:
        return None
    frames = sorted(frame for frame in points[0] if all(math.isfinite(of.get(frame, math.nan)) for of in points))
    if not frames:
        return None
    values = np.array([[found[frame] for frame in frames] for found in points])
    alone = len(points) == 1
    band = Band(values[0], values[0], values[0]) if alone else sample_efficiency({group.task: values})
    state = "" if finished(group) else ", unfinished"
    return Curve(f"{group.method} ({len(points)} seed{'s' * (not alone)}{state})", frames, band, len(points))


def _figure(groups: Sequence[Group], split: str) -> list[Figure]:
    curves = [found for group in groups if (found := curve(group, split))]
    if not curves:
        return []
    task, several = groups[0].task, any(len(splits(run)) > 1 for group in groups for run in group.runs)
    title = f"{task}, return on {split}" if several else f"{task}, return"
    lines = curve_references(groups, split)
    with style():
        if len(curves) <= MOST_LINES:
            canvas = _together(curves, random_policy(groups, split), _repeat(groups), lines)
        else:
            canvas = _apart(curves, random_policy(groups, split))
        canvas.suptitle(title, fontsize=10)
        caption = _caption(curves, lines, random_policy(groups, split) is not None)
        return [finish(canvas, file_name("curves", task, split), f"Learning curves: {title}", caption)]


def _caption(curves: Sequence[Curve], lines: Sequence[Published], has_random: bool) -> str:
    band = "; bands are its 95 % stratified bootstrap intervals" if any(one.seeds > 1 for one in curves) else ""
    alone = "; a single seed has no band" if any(one.seeds == 1 for one in curves) else ""
    middle = "Interquartile mean over seeds of the mean evaluation return"
    if all(one.seeds == 1 for one in curves):
        middle, alone = "Mean evaluation return of a single seed each", ", which says nothing of other seeds"
    others = " Thin grey lines are the other methods." if len(curves) > MOST_LINES else ""
    dashed = " The dashed grey line is a uniform random policy." if has_random else ""
    dotted = " Dotted lines are published scores, see below." if lines else ""
    return f"{middle}{band}{alone}.{others}{dashed}{dotted}"


def _together(
    curves: Sequence[Curve], random: float | None, repeat: float | None, lines: Sequence[Published]
) -> "Canvas":
    canvas = blank(5.4, 4.2)
    axes = canvas.subplots()
    for number, one in enumerate(curves):
        _line(axes, number, one)
    _level(axes, random)
    for row in lines:
        axes.axhline(row.mean, color=GREY, linestyle=":", linewidth=0.9)
    _label(axes, repeat)
    _name_published(axes, lines)
    canvas.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return canvas


def _apart(curves: Sequence[Curve], random: float | None) -> "Canvas":
    rows = -(-len(curves) // COLUMNS)
    canvas = blank(6.4, 1.7 * rows + 0.6)
    grid = canvas.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[len(curves) :]:
        axes.set_axis_off()
    for number, (axes, one) in enumerate(zip(grid, curves)):
        for other in curves:
            axes.plot(other.frames, other.band.value, color="#bbbbbb", linewidth=0.6)
        _line(axes, number % MOST_LINES, one)
        _level(axes, random)
        axes.set_title(one.label, fontsize=7.5)
        axes.xaxis.set_major_formatter(_short)
        axes.tick_params(labelbottom=number + COLUMNS >= len(curves))
        plain(axes)
    grid[0].set(xlim=(0, None), ylim=(min(0.0, grid[0].get_ylim()[0]), None))  # shared, hence after all are drawn
    canvas.supxlabel("environment frames", fontsize=9)
    canvas.supylabel("episode return", fontsize=9)
    return canvas


def _line(axes: "Axes", number: int, one: Curve) -> None:
    look = looks(number)
    axes.plot(one.frames, one.band.value, markersize=3.5, linewidth=1.6, label=one.label, **look)
    if one.seeds > 1:
        axes.fill_between(one.frames, one.band.low, one.band.high, color=look["color"], alpha=0.18, linewidth=0)


def _level(axes: "Axes", random: float | None) -> None:
    if random is not None:
        axes.axhline(random, color=GREY, linestyle="--", linewidth=1.1, label=f"random policy ({random:.3g})")


def _name_published(axes: "Axes", lines: Sequence[Published]) -> None:
    """Name published scores beside the axes, the names apart from each other."""
    low, high = axes.get_ylim()
    place = -math.inf
    for row in sorted(lines, key=lambda row: row.mean):
        place = max(row.mean, place + LABEL_GAP * (high - low))
        axes.annotate(
            f"{row.method} {row.mean:g}",
            (1.01, place),
            xycoords=("axes fraction", "data"),
            fontsize=7,
            color=GREY,
            va="center",
        )


def _label(axes: "Axes", repeat: float | None) -> None:
    axes.set(xlabel="environment frames", ylabel="episode return", xlim=(0, None))
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.xaxis.set_major_formatter(_short)
    plain(axes)
    if repeat:
        upper = axes.secondary_xaxis("top", functions=(partial(mul, 1 / repeat), partial(mul, repeat)))
        upper.set_xlabel("agent steps")
        upper.xaxis.set_major_formatter(_short)


def _short(count: float, position: Any) -> str:
    """Write 25000 as 25k."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:g}{letter}"
    return f"{count:g}"


def _repeat(groups: Sequence[Group]) -> float | None:
    """Return the action repeat, if all runs have one."""
    rows = [row for group in groups for run in group.runs for row in run.rows[-1:] if row["agent_steps"]]
    found = {row["frames"] / row["agent_steps"] for row in rows}
    return found.pop() if len(found) == 1 else None
