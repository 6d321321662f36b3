"""Agents as points: a measure of their maps, and how much of their return they retain on a split."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rad.attention.methods import METHODS
from rad.report.draw.style import blank, despine, line_styles, save_png, style
from rad.report.draw.tables import text
from rad.report.stats.bootstrap import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL_INCHES = 1.9


class Panel(NamedTuple):
    """The agents of a measure and a method."""

    method: str
    measure: str  # in words
    points: Sequence[tuple[float, float, str]]  # measure, retention and augmentation of each agent
    correlation: Estimate | None  # over the agents; None where they are too few
    within: Estimate | None  # within augmentations


def scatter_figure(panels: Sequence[Panel], retention: str, path: Path) -> None:
    """Draw a row for each measure and a column for each method, as a PNG; the same input gives the same bytes."""
    measures = list(dict.fromkeys(panel.measure for panel in panels))
    methods = list(dict.fromkeys(panel.method for panel in panels))
    augmentations = list(dict.fromkeys(point[2] for panel in panels for point in panel.points))
    with style():
        figure = blank(PANEL_INCHES * len(methods) + 0.6, (PANEL_INCHES + 0.5) * len(measures) + 0.6)
        axes = figure.subplots(len(measures), len(methods), squeeze=False, sharey=True)
        for panel in panels:
            _draw(axes[measures.index(panel.measure), methods.index(panel.method)], panel, augmentations)
        for row in axes:
            row[0].set_ylabel(retention, fontsize=8)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        save_png(figure, path)


def _draw(axes: "Axes", panel: Panel, augmentations: Sequence[str]) -> None:
    for augmentation, looks in zip(augmentations, line_styles(augmentations)):
        points = [(x, y) for x, y, name in panel.points if name == augmentation]
        x, y = zip(*points) if points else ((), ())
        axes.plot(x, y, label=augmentation, markersize=5, **looks | {"linestyle": ""})
    count = f"{len(panel.points)} agents"
    known = f"rank corr. {text(panel.correlation, 2)}" if panel.correlation else "too few for a correlation"
    within = f"\nwithin augm. {text(panel.within, 2)}" if panel.within else ""
    axes.set_title(f"{METHODS[panel.method].title}\n{count}\n{known}{within}", fontsize=7)
    axes.set_xlabel(panel.measure, fontsize=7)
    axes.tick_params(labelsize=7)
    despine(axes)
