"""The attention figure: frames, and maps laid over them, in rows and columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Frame = NDArray[np.uint8]
Map = NDArray[np.floating]
COLORS = "inferno"  # perceptually uniform, safe for the color-blind and in gray print
PANEL_INCHES = 1.7
LABEL_INCHES = 0.5
LETTERS_PER_INCH = 17  # of the caption
LETTERS_PER_ROW = 24  # of what stands beside it
QUANTILE = 0.995  # of a column's pixels, above which colors are the same
ABOUT_COLORS = f"Colors end where {QUANTILE:.1%} of a column's pixels are below."
BORDER = {"visible": True, "color": "#bbbbbb", "linewidth": 0.5}  # a white object before a white page would have none
ROWS_PER_PAGE = 10


@dataclass(frozen=True)
class Row:
    """A frame, and what stands to the left of it."""

    label: str  # of the row; may have lines
    frame: Frame  # uint8 [H, W, 3] in 0..255, what the encoder was given (newest frame, after the crop)


@dataclass(frozen=True)
class Column:
    """A map for each row."""

    title: str  # above the column
    maps: Sequence[Map]  # float [H, W] each, laid over the row's frame, at least 0, the sum of each above 0
    notes: Sequence[str] = ()  # below each panel; empty for none
    scale: str = ""  # columns with the same word share their color scale; "" for a separate one


def attention_figure(rows: Sequence[Row], columns: Sequence[Column], caption: str, path: Path) -> list[Path]:
    """Draw a row for each frame, the frame and then its map in each column, and write a PNG into a folder that exists.

    Maps are drawn in multiples of their mean over the frame: 1 is what a uniform map has everywhere. The value of the
    brightest color may differ between columns and stands in their titles.

    The caption is broken into lines. The same input gives the same bytes.

    Returns:
        What was written: `path` or, of more than ten rows, `path` and pages `NAME_2.png` and so on beside it, of about
        as many rows each and all with the same colors.

    Raises:
        ValueError: there is no row or column, a frame or a map has a wrong shape or type, or a map has no mass.
    """
    _check(rows, columns)
    relative = [[values / values.mean() for values in column.maps] for column in columns]
    tops = _tops(columns, relative)
    written = []
    for number, page in enumerate(np.array_split(np.arange(len(rows)), ceil(len(rows) / ROWS_PER_PAGE)), start=1):
        figure, axes = _panels(len(page), 1 + len(columns), rows[0].frame.shape[1] / rows[0].frame.shape[0])
        for axis, row in zip(axes[:, 0], page):
            axis.imshow(rows[row].frame)
            axis.set_ylabel(fill(rows[row].label, LETTERS_PER_ROW), fontsize=8)
        axes[0, 0].set_title("observation", fontsize=9)
        for column, maps, top, panels in zip(columns, relative, tops, axes[:, 1:].T):
            for axis, row in zip(panels, page):
                axis.imshow(overlay(rows[row].frame, maps[row], top))
                axis.set_xlabel(column.notes[row] if row < len(column.notes) else "", fontsize=7, labelpad=2)
            panels[0].set_title(f"{column.title}\ncolors 0 to {top:.3g}", fontsize=9)
        _color_bar(figure, axes)
        figure.supxlabel(fill(f"{caption} {ABOUT_COLORS}", int(LETTERS_PER_INCH * figure.get_figwidth())), fontsize=7.5)
        written.append(path if number == 1 else path.with_stem(f"{path.stem}_{number}"))
        figure.savefig(written[-1], format="png", dpi=150, bbox_inches="tight", metadata={"Software": None})
    return written


def overlay(frame: Frame, relative: Map, top: float) -> Frame:
    """Lay a map, float [H, W], at least 0, over the frame in gray, uint8 [H, W, 3]: the higher, the more opaque.

    From `top`, which is above 0, colors no longer change.
    """
    from matplotlib import colormaps

    strength = np.clip(relative / top, 0.0, 1.0)
    opacity = (0.35 + 0.6 * np.sqrt(strength))[..., None]
    color = 255.0 * np.asarray(colormaps[COLORS](strength))[..., :3]
    gray = frame.mean(2, keepdims=True)
    return np.round(opacity * color + (1.0 - opacity) * gray).astype(np.uint8)


def _tops(columns: Sequence[Column], relative: Sequence[Sequence[Map]]) -> list[float]:
    """Return for each column the value that the brightest color begins at."""
    groups = [column.scale or str(number) for number, column in enumerate(columns)]
    pixels = [np.concatenate([values.ravel() for values in maps]) for maps in relative]
    # A map of a few pixels may have nothing at the quantile.
    tops = [float(np.quantile(values, QUANTILE)) or float(values.max()) for values in pixels]
    return [max(top for top, other in zip(tops, groups) if other == group) for group in groups]


def _check(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    if not rows or not columns:
        raise ValueError(f"there are {len(rows)} rows and {len(columns)} columns; expected at least one of each")
    for row in rows:
        if row.frame.dtype != np.uint8 or row.frame.ndim != 3 or row.frame.shape[2] != 3:
            raise ValueError(f"frame is {row.frame.dtype} {list(row.frame.shape)}; expected uint8 [H, W, 3]")
    for column in columns:
        if len(column.maps) != len(rows):
            raise ValueError(f"column '{column.title}' has {len(column.maps)} maps; expected {len(rows)}")
        for row, values in zip(rows, column.maps):
            if values.shape != row.frame.shape[:2]:
                came, allowed = list(values.shape), list(row.frame.shape[:2])
                raise ValueError(f"a map of '{column.title}' has shape {came}; expected the frame's, {allowed}")
            if not (values.min() >= 0 and values.sum() > 0):
                raise ValueError(f"a map of '{column.title}' has negative values or no mass; expected a sum above 0")


def _panels(rows: int, columns: int, aspect: float) -> tuple["Figure", NDArray[np.object_]]:
    from matplotlib.figure import Figure

    size = (PANEL_INCHES * aspect * columns + LABEL_INCHES + 0.7, (PANEL_INCHES + 0.2) * rows + 1.0)
    figure = Figure(figsize=size, layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(**BORDER)
    return figure, axes


def _color_bar(figure: "Figure", axes: NDArray[np.object_]) -> None:
    from matplotlib.cm import ScalarMappable

    bar = figure.colorbar(
        ScalarMappable(cmap=COLORS), ax=axes, shrink=min(1.0, 1.5 / len(axes) + 0.2), aspect=25, pad=0.01
    )
    bar.set_ticks([0, 1], labels=["0", "the end of\nits colors"], fontsize=7)
    bar.set_label("map / its mean over the frame", fontsize=8, labelpad=-18)
