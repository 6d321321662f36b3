"""Figures as bytes, as SVG and PNG: the same input gives the same bytes."""

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MplFigure

# Okabe and Ito's colors, which the color-blind can distinguish too; the markers and dashes differ as well.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX"
DASHES = ("-", "--", ":")
ALWAYS = ("crop", "shift", "translate", "color_jitter", "random_conv", "crop+color_jitter", "none")
"""Augmentations that look the same in every figure, in the order of `COLORS`."""
GRAY = "#666666"
DPI = 150
LEGEND_LETTERS = 75  # a longer name takes two lines
LEGEND_HANDLE_EMS = 4.8  # a line before a name, the gap between them and that between columns
POINTS_PER_INCH = 72
STYLE: dict[str, Any] = {"svg.hashsalt": "rad", "font.size": 9, "axes.titlesize": 10, "legend.fontsize": 8}


class Figure(NamedTuple):
    """A figure of a report."""

    name: str  # of its files, without ending
    title: str  # what it shows; also the text in its place
    caption: str  # how to read it
    svg: bytes
    png: bytes

    def files(self) -> dict[str, bytes]:
        """Return both files by name."""
        return {f"{self.name}.png": self.png, f"{self.name}.svg": self.svg}


def style() -> AbstractContextManager[None]:
    """Draw as all figures of a report are drawn; ids in an SVG are then the same each time too."""
    import matplotlib as mpl

    return mpl.rc_context(STYLE)


def blank(width: float, height: float) -> "MplFigure":
    """Return an empty figure, in inches."""
    from matplotlib.figure import Figure as New

    return New(figsize=(width, height), layout="constrained", facecolor="white")


def save(figure: "MplFigure", name: str, title: str, caption: str) -> Figure:
    """Return a figure as both files, without dates and versions."""
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    save_png(figure, png)
    return Figure(name, title, caption, svg.getvalue(), png.getvalue())


def save_png(figure: "MplFigure", file: Path | io.BytesIO) -> None:
    """Write a PNG without date and version."""
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})


def legend_below(figure: "MplFigure", axes: "Axes", most: int) -> None:
    """Name the lines of the axes below the figure, in as many columns as their names leave room for, `most` at most."""
    from matplotlib.textpath import TextPath

    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return
    names = [fill(label, LEGEND_LETTERS, break_on_hyphens=False) for label in labels]
    size = float(STYLE["legend.fontsize"])
    widest = max(TextPath((0, 0), line, size=size).get_extents().width for name in names for line in name.split("\n"))
    fitting = int(figure.get_figwidth() * POINTS_PER_INCH / (widest + LEGEND_HANDLE_EMS * size))
    columns = min(most, max(1, fitting))
    figure.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False)


def despine(axes: "Axes") -> None:
    """Add a faint grid, and remove the top and right spines."""
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _line_style(number: int) -> dict[str, Any]:
    """Return color, marker and dashes of a line; there are 21 different ones."""
    return {
        "color": COLORS[number % len(COLORS)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": DASHES[number // len(COLORS) % len(DASHES)],
    }


def line_styles(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the style of each line of a figure: an augmentation's own, and for other names the next that is left."""
    left = (number for number in count() if not any(name in ALWAYS and ALWAYS.index(name) == number for name in names))
    return [_line_style(ALWAYS.index(name) if name in ALWAYS else next(left)) for name in names]


def file_name(*words: str) -> str:
    """Return words as a file name of letters, digits and hyphens."""
    return "-".join("".join(c if c.isalnum() else " " for c in " ".join(words)).split()).lower()
