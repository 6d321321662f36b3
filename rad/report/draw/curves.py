"""Learning curves drawn: of groups of runs with intervals over seeds, of single runs with the spread of episodes."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from operator import mul
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rad.report.draw.style import (
    GRAY,
    Figure,
    blank,
    despine,
    file_name,
    legend_below,
    line_styles,
    save,
    save_png,
    style,
)
from rad.report.read.final_returns import random_policy, splits
from rad.report.read.groups import Group, runs_in
from rad.report.read.run import Run, read_run
from rad.report.stats.curves import Curve, Over, group_curve, run_curves, training_episodes
from rad.report.stats.published import Published, references

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

MOST_LINES = 7  # in one panel; more get a panel each, with the others in gray
COLUMNS = 3
AXES = {"frames": "environment frames", "hours": "hours of training, evaluations included"}
LABEL_GAP = 0.045  # fraction of the height, between two labels beside the axes


def learning_curve(run_dir: Path, path: Path) -> None:
    """Draw the evaluation returns of one run over environment frames, as `learning_curves`.

    Dots are its training episodes, whose actions were sampled; of more than 200, means of neighbors are shown.
    """
    run = read_run(run_dir)
    words = [str(run.config[name]) for name in ("algo", "augment") if name in run.config]
    words += [f"seed {run.config['seed']}"] if "seed" in run.config else []
    _draw_runs([run], [", ".join(words) or run.name], path, with_episodes=True)


def learning_curves(run_dirs: Sequence[Path], labels: Sequence[str], path: Path) -> None:
    """Draw the evaluation returns of several runs of one task in one figure, and write a PNG.

    Each line is the mean over a run's evaluation episodes, its band one standard deviation to both sides. A run
    that is evaluated on splits has a line for each. Dashed lines are a uniform random policy, the mean over the
    runs that measured it on the same split. The lower axis counts environment frames, the upper one agent steps
    where all runs have the same action repeat.

    Labels name the runs in the legend. The same input gives the same bytes.

    Raises:
        ValueError: there is no folder, or not a label for each; a folder is not a run or has no evaluation; the runs
            differ in task or render quality, so that their returns are not comparable.
    """
    if not run_dirs or len(labels) != len(run_dirs):
        raise ValueError(f"labels are {len(labels)} for {len(run_dirs)} run folders; expected one for each of them")
    runs = [read_run(run_dir) for run_dir in run_dirs]
    for field in ("task", "render_quality"):
        if len(values := {str(run.config.get(field)) for run in runs}) > 1:
            raise ValueError(f"runs differ in {field}: {', '.join(sorted(values))}; expected one in a figure")
    _draw_runs(runs, labels, path)


def _draw_runs(runs: Sequence[Run], labels: Sequence[str], path: Path, *, with_episodes: bool = False) -> None:
    on = _on(runs)
    names = [{split: f"{label}{words}" for split, words in on.items()} for label in labels]
    curves = [curve for run, of_run in zip(runs, names) for curve in run_curves(run, of_run)]
    with style():
        figure = blank(6.4, 4.4)
        axes = figure.subplots()
        _draw_lines(axes, curves)
        if with_episodes and (dots := training_episodes(runs[0]))[0]:
            axes.plot(*dots, color=GRAY, marker=".", markersize=4, alpha=0.5, linewidth=0, label="training episodes")
        spread = ", mean ± std" if any(map(_has_band, curves)) else ""
        _complete(axes, runs, on, f"episode return{spread}")
        legend_below(figure, axes, most=2)
        axes.set_title(str(runs[0].config.get("task", runs[0].name)))
        save_png(figure, path)


def curve_figures(groups: Sequence[Group], over: Over = "frames") -> list[Figure]:
    """Draw the groups of one task, a figure for each split; none where nothing was evaluated yet."""
    return [figure for split, words in _on(runs_in(groups)).items() for figure in _figure(groups, split, words, over)]


def curve_references(groups: Sequence[Group], split: str) -> list[Published]:
    """Return the published scores that a figure has lines for: none where each group has a panel."""
    return references(runs_in(groups), split) if len(groups) <= MOST_LINES else []


def _figure(groups: Sequence[Group], split: str, words: str, over: Over) -> list[Figure]:
    curves = [curve for group in groups if (curve := group_curve(group, split, over))]
    if not curves:
        return []
    title, runs = f"{groups[0].task}, return{words.removeprefix(',')}", runs_in(groups)
    lines, random = curve_references(groups, split), random_policy(runs, split)
    with style():
        if len(curves) <= MOST_LINES:
            figure = blank(5.4, 4.2)
            axes = figure.subplots()
            _draw_lines(axes, curves)
            _complete(axes, runs, {split: ""}, "episode return", lines, over)
            legend_below(figure, axes, most=2)
        else:
            figure = _apart(curves, random, over)
        figure.suptitle(title, fontsize=10)
        caption = _caption(curves, lines, random is not None)
        return [save(figure, file_name("curves", groups[0].task, split), f"Learning curves: {title}", caption)]


def _on(runs: Sequence[Run]) -> dict[str, str]:
    """Return words for each split of the runs; none if there is only one."""
    names = splits(*runs)
    return {split: f", on {split}" if len(names) > 1 else "" for split in names}


def _caption(curves: Sequence[Curve], lines: Sequence[Published], has_random: bool) -> str:
    band = "; bands are its 95 % stratified bootstrap intervals" if any(curve.seeds > 1 for curve in curves) else ""
    single = "; a single seed has no band" if any(curve.seeds == 1 for curve in curves) else ""
    middle = "Interquartile mean over seeds of the mean evaluation return"
    if all(curve.seeds == 1 for curve in curves):
        middle, single = "Mean evaluation return of a single seed each", ", which says nothing about other seeds"
    others = " Thin gray lines are the other methods." if len(curves) > MOST_LINES else ""
    dashed = " The dashed gray line is a uniform random policy." if has_random else ""
    dotted = " Dotted lines are published scores, see below." if lines else ""
    return f"{middle}{band}{single}.{others}{dashed}{dotted}"


def _complete(
    axes: "Axes",
    runs: Sequence[Run],
    on: Mapping[str, str],
    ylabel: str,
    lines: Sequence[Published] = (),
    over: Over = "frames",
) -> None:
    """Add to curves the random policy on each split, published scores, and the axes."""
    for number, (split, words) in enumerate(on.items()):
        _draw_random(axes, random_policy(runs, split), words, ("--", ":", "-.")[number % 3])
    for row in lines:
        axes.axhline(row.mean, color=GRAY, linestyle=":", linewidth=0.9)
    axes.set(xlabel=AXES[over], ylabel=ylabel, xlim=(0, None), ylim=(min(0.0, axes.get_ylim()[0]), None))
    axes.xaxis.set_major_formatter(_short)
    despine(axes)
    repeats = {row["frames"] / row["agent_steps"] for run in runs for row in run.rows[-1:] if row["agent_steps"]}
    if len(repeats) == 1 and over == "frames":
        upper = axes.secondary_xaxis("top", functions=(partial(mul, 1 / min(repeats)), partial(mul, min(repeats))))
        upper.set_xlabel("agent steps")
        upper.xaxis.set_major_formatter(_short)
    _name_published(axes, lines)


def _apart(curves: Sequence[Curve], random: float | None, over: Over) -> "MplFigure":
    rows = -(-len(curves) // COLUMNS)
    figure = blank(6.4, 1.7 * rows + 0.6)
    grid = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[len(curves) :]:
        axes.set_axis_off()
    styles = line_styles([curve.method or curve.label for curve in curves])
    for number, (axes, curve, line) in enumerate(zip(grid, curves, styles)):
        for other in curves:
            axes.plot(other.over, other.band.value, color="#bbbbbb", linewidth=0.6)
        _draw_line(axes, curve, line)
        _draw_random(axes, random)
        axes.set_title(curve.label, fontsize=7.5)
        axes.xaxis.set_major_formatter(_short)
        axes.tick_params(labelbottom=number + COLUMNS >= len(curves))
        despine(axes)
    grid[0].set(xlim=(0, None), ylim=(min(0.0, grid[0].get_ylim()[0]), None))  # shared, hence after all are drawn
    figure.supxlabel(AXES[over], fontsize=9)
    figure.supylabel("episode return", fontsize=9)
    return figure


def _draw_lines(axes: "Axes", curves: Sequence[Curve]) -> None:
    for curve, line in zip(curves, line_styles([curve.method or curve.label for curve in curves])):
        _draw_line(axes, curve, line)


def _draw_line(axes: "Axes", curve: Curve, line: Mapping[str, Any]) -> None:
    axes.plot(curve.over, curve.band.value, markersize=3.5, linewidth=1.6, label=curve.label, **line)
    if _has_band(curve):
        # An area over a single point would have no width.
        draw, width = (axes.fill_between, 0) if len(curve.over) > 1 else (axes.vlines, 4)
        draw(curve.over, curve.band.low, curve.band.high, color=line["color"], alpha=0.18, linewidth=width)


def _has_band(curve: Curve) -> bool:
    return not np.array_equal(curve.band.low, curve.band.high)


def _draw_random(axes: "Axes", value: float | None, words: str = "", dashes: str = "--") -> None:
    if value is not None:
        axes.axhline(value, color=GRAY, linestyle=dashes, linewidth=1.1, label=f"random policy{words} ({value:.3g})")


def _name_published(axes: "Axes", lines: Sequence[Published]) -> None:
    """Name published scores beside the axes, without overlap of the names."""
    low, high = axes.get_ylim()
    y = -math.inf
    for row in sorted(lines, key=lambda row: row.mean):
        y = max(row.mean, y + LABEL_GAP * (high - low))
        where, name = ("axes fraction", "data"), f"{row.method} {row.mean:g}"
        axes.annotate(name, (1.01, y), xycoords=where, fontsize=7, color=GRAY, va="center")


def _short(count: float, position: Any) -> str:
    """Write 25000 as 25k."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:g}{letter}"
    return f"{count:g}"
