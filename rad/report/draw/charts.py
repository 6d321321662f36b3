"""Figures of final returns: ordered pairs of augmentations, gaps from train to test, performance profiles."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rad.report.draw.style import (
    COLORS,
    DASHES,
    Figure,
    blank,
    despine,
    file_name,
    legend_below,
    line_styles,
    save,
    style,
)
from rad.report.draw.tables import decimals_for, has_interval
from rad.report.stats.aggregates import performance_profile
from rad.report.stats.pairs import pair_matrix
from rad.report.stats.results import LEAST_RUNS, Result, least_runs, on_train

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PROFILE_RUNS = 10  # of a method on a single task; fewer are a staircase
THRESHOLDS = 101
LIGHT = 0.6  # of the range of viridis; dark letters from there on


def pairs_figure(task: str, results: Sequence[Result]) -> list[Figure]:
    """Draw the returns of ordered pairs of augmentations as a matrix; no figure where `pair_matrix` gives none."""
    if not (pairs := pair_matrix(results)):
        return []
    with style():
        side = 1.6 + 0.62 * len(pairs.names)
        figure = blank(side + 1.2, side)
        _matrix(figure.subplots(), pairs.iqms, pairs.names)
        alone = "" if pairs.none is None else f"; none alone: {pairs.none:.{decimals_for([pairs.none])}f}"
        figure.suptitle(f"{task}, return{on_train(result.group for result in results)}{alone}", fontsize=10)
        caption = "The augmentation of the row is applied first, that of the column second; on the diagonal, one alone."
        ends = "Returns at the end, a single seed each, which says nothing about other seeds."
        if pairs.runs[-1] > 1:
            ends = f"Interquartile means at the end, of {' or '.join(map(str, pairs.runs))} runs."
        return [save(figure, file_name("pairs", task), f"Pairs of augmentations: {task}", f"{caption} {ends}")]


def gaps_figure(task: str, results: Sequence[Result]) -> list[Figure]:
    """Draw what is lost from train to each other split, with intervals; none where runs have no such split."""
    splits = list(dict.fromkeys(split for result in results for split in result.gaps))
    if not splits:
        return []
    rows = [(split, number, r) for split in splits for number, r in enumerate(results) if split in r.gaps]
    with style():
        figure = blank(5.4, 1.1 + 0.22 * (len(rows) + len(splits)))
        _gaps(figure.subplots(), splits, rows, line_styles([result.group.method for result in results]))
        figure.suptitle(f"{task}, return on train less return on another split", fontsize=10)
        caption = (
            "The same agents on both sides, so that what they share drops out. Bars are 95 % bootstrap intervals over "
            "seeds; a dot without a bar is a single seed."
        )
        return [save(figure, file_name("gaps", task), f"Gap from train to test: {task}", caption)]


def profile_figure(scores: Mapping[str, Mapping[str, list[float]]], where: str = "") -> list[Figure]:
    """Draw the share of runs above each normalized score, which are given by method and task.

    No figure for one task with few runs, or for more lines than are distinguishable. `where` is " on train" or "".
    """
    tasks = {task for of_task in scores.values() for task in of_task}
    least = min((len(runs) for of_task in scores.values() for runs in of_task.values()), default=0)
    if not tasks or (len(tasks) == 1 and least < PROFILE_RUNS) or len(scores) > len(COLORS) * len(DASHES):
        return []
    top = max(1.0, *(max(runs) for of_task in scores.values() for runs in of_task.values()))
    thresholds = np.linspace(0, top, THRESHOLDS)
    with style():
        figure = blank(5.4, 4.0)
        axes = figure.subplots()
        for (method, of_task), line in zip(scores.items(), line_styles([*scores])):
            band = performance_profile(of_task, thresholds)
            axes.plot(thresholds, band.value, label=method, **line | {"marker": ""})
            if least_runs(of_task) >= LEAST_RUNS:
                axes.fill_between(thresholds, band.low, band.high, color=line["color"], alpha=0.12, linewidth=0)
        axes.set(xlabel=f"normalized score{where}", ylabel="share of runs above it", xlim=(0, top), ylim=(0, 1.02))
        despine(axes)
        legend_below(figure, axes, most=3)
        caption = "Share of runs that score more, where tasks weigh the same; bands are 95 % bootstrap intervals."
        return [save(figure, "profile", "Performance profile", caption)]


def _matrix(axes: "Axes", matrix: np.ndarray, names: Sequence[str]) -> None:
    image = axes.imshow(matrix, cmap="viridis")
    largest = float(np.nanmax(np.abs(matrix)))
    decimals = 0 if largest >= 100 else decimals_for([largest]) - 1
    for (row, column), value in np.ndenumerate(matrix):
        if math.isnan(value):
            axes.text(column, row, "–", ha="center", va="center", color="#888888")
            continue
        color = "black" if image.norm(value) > LIGHT else "white"
        axes.text(column, row, f"{value:.{decimals}f}", ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="second", ylabel="first")
    axes.figure.colorbar(image, ax=axes, shrink=0.85)


def _gaps(
    axes: "Axes", splits: Sequence[str], rows: Sequence[tuple[str, int, Result]], styles: Sequence[dict[str, Any]]
) -> None:
    """Draw a dot and a bar for each row, in the style of its method, with some space before each split."""
    heights = [number + splits.index(split) for number, (split, _, _) in enumerate(rows)]
    for y, (split, method, result) in zip(heights, rows):
        gap = result.gaps[split]
        line = styles[method] | {"linestyle": "-"}
        axes.plot([gap.value], [y], markersize=5, **line)
        if has_interval(gap):
            axes.plot([gap.low, gap.high], [y, y], color=line["color"], linewidth=1.6)
    axes.axvline(0, color="black", linewidth=0.8)
    several = len(splits) > 1
    labels = [f"{split}: {result.group.method}" if several else result.group.method for split, _, result in rows]
    axes.set_yticks(heights, labels)
    axes.set_ylim(len(rows) + len(splits) - 1.2, -0.8)
    axes.set_xlabel("lost return" if several else f"lost return, train less {splits[0]}")
    despine(axes)
