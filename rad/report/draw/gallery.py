"""A gallery: the same episodes of a task in each of its splits, side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rad.report.draw.style import blank, save_png

COLUMNS = 2  # of splits
PANEL_IN = 0.9


def gallery_figure(frames: Mapping[str, Sequence[NDArray[np.uint8]]], path: Path, *, title: str) -> None:
    """Draw a strip of frames for each split, equally many uint8 [H, W, 3] each, under its name, and write a PNG.

    The same input gives the same bytes.

    Raises:
        ValueError: there is no split.
    """
    if not frames:
        raise ValueError("frames must be of at least 1 split, got none")
    episodes, rows = len(next(iter(frames.values()))), -(-len(frames) // COLUMNS)
    figure = blank(PANEL_IN * episodes * COLUMNS + 0.6, (PANEL_IN + 0.24) * rows + 0.4)
    figure.suptitle(title)
    # Splits that follow each other in the list stand below each other.
    axes = figure.subplots(rows, COLUMNS, squeeze=False).T.flatten()
    for ax in axes:
        ax.set_axis_off()
    for ax, (name, strip) in zip(axes, frames.items()):
        gap = np.full((strip[0].shape[0], 2, 3), 255, np.uint8)
        parts = [part for frame in strip for part in (frame, gap)][:-1]
        ax.imshow(np.concatenate(parts, axis=1), interpolation="nearest")
        ax.set_title(name, fontsize=8, loc="left", pad=2)
    save_png(figure, path)
