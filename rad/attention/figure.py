"""The attention figure: frames, and maps of encoders laid over them."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from encoders import ReceptiveField
from rad.attention.registration import place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Maps = Mapping[str, NDArray[np.floating]]
COLORS = "inferno"  # perceptually uniform, safe for the colour-blind and in grey print
PANEL_INCHES = 1.9
LETTERS_PER_INCH = 17  # of the caption


def attention_figure(frames: NDArray[np.uint8], maps: Maps, receptive_field: ReceptiveField, path: Path) -> None:
    """Draw frames beside their maps, one row per frame, and write a PNG.

    All maps share one colour scale, in multiples of the frame's mean, so that columns can be compared. Maps
    after the first tell in their title how alike they are to it: the mean over frames of Spearman's rank
    correlation. An untrained encoder often scores high, which is why it belongs beside a trained one.

    Args:
        frames: uint8 [B, H, W, 3] in 0..255, what the encoder was given (newest frame, after the crop).
        maps: by title, float [B, h, w], at least 0, the sum of each above 0; the first is what the others are
            compared with.
        receptive_field: where the maps' cells look; one for all maps.
        path: PNG to write; its folder exists. The same input gives the same bytes.

    Raises:
        ValueError: `frames` or one of `maps` has another shape or type, or a map has no mass.
    """
    _check(frames, maps)
    height, width = frames.shape[1:3]
    placed = {title: _relative(place(values, receptive_field, height, width)) for title, values in maps.items()}
    figure, axes = _panels(len(frames), 1 + len(maps), width / height)
    top = max(float(np.quantile(values, 0.995)) for values in placed.values())
    for row, frame in enumerate(frames):
        axes[row, 0].imshow(frame)
        for axis, values in zip(axes[row, 1:], placed.values()):
            image = _overlay(axis, frame, values[row], top)
    for axis, title in zip(axes[0], ["observation", *_titles(maps)]):
        axis.set_title(title, fontsize=9)
    bar = figure.colorbar(image, ax=axes[:, 1:], shrink=min(1.0, 2.0 / len(frames) + 0.2), aspect=25, pad=0.02)
    bar.set_label("activation / frame's mean", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    caption = _caption(receptive_field, max(height, width))
    figure.supxlabel(fill(caption, int(LETTERS_PER_INCH * figure.get_figwidth())), fontsize=7.5)
    figure.savefig(path, format="png", dpi=150, bbox_inches="tight", metadata={"Software": None})


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Return Spearman's rank correlation of two maps [B, h, w], the mean over B; in -1..1.

    A map that is equal everywhere has no ranks and counts as 0. Ties share the mean of their ranks.
    """
    pairs = zip(first.reshape(len(first), -1), second.reshape(len(second), -1), strict=True)
    return float(np.mean([_correlation(_ranks(a), _ranks(b)) for a, b in pairs]))


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale else 0.0


def _ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    _, place_of, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[place_of]


def _check(frames: NDArray[np.uint8], maps: Maps) -> None:
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not len(frames):
        raise ValueError(f"frames are {frames.dtype} {list(frames.shape)}; expected uint8 [B, H, W, 3]")
    if not maps:
        raise ValueError("maps are empty; expected at least one")
    for title, values in maps.items():
        if values.ndim != 3 or len(values) != len(frames):
            raise ValueError(f"map '{title}' has shape {list(values.shape)}; expected [{len(frames)}, h, w]")
        if not (values.min() >= 0 and (values.sum((1, 2)) > 0).all()):
            raise ValueError(f"map '{title}' has negative values or no mass; expected a sum above 0 for each frame")


def _relative(placed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide each map by its mean: 1 is what a uniform map has everywhere."""
    return placed / placed.mean((1, 2), keepdims=True)


def _panels(rows: int, columns: int, aspect: float) -> tuple["Figure", NDArray[np.object_]]:
    from matplotlib.figure import Figure

    size = (PANEL_INCHES * aspect * columns + 0.8, PANEL_INCHES * rows + 0.75)
    figure = Figure(figsize=size, layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, axes


def _overlay(axis: "Axes", frame: NDArray[np.uint8], values: NDArray[np.float64], top: float) -> "AxesImage":
    """Lay the map over the grey frame, the more opaque the higher it is."""
    axis.imshow(frame.mean(2), cmap="gray", vmin=0, vmax=255)
    strength = np.clip(values / top, 0.0, 1.0)
    axis.imshow(values, cmap=COLORS, vmin=0, vmax=top, alpha=0.35 + 0.6 * np.sqrt(strength), interpolation="nearest")
    # Never drawn on its own: an opaque twin, for a colour bar without transparency.
    hidden = axis.imshow(values, cmap=COLORS, vmin=0, vmax=top)
    hidden.set_visible(False)
    return hidden


def _titles(maps: Maps) -> list[str]:
    (first, reference), *others = maps.items()
    return [first, *(f"{title}\nrank corr. {rank_correlation(reference, m):.2f} with {first}" for title, m in others)]


def _caption(field: ReceptiveField, side: int) -> str:
    sees = "the whole frame" if field.size > side else f"{field.size} x {field.size} px"
    return (
        "mean |activation| of the last convolution, each cell placed on the centre of what it sees "
        f"({sees}); it shows what the encoder answers to, not why the policy acts"
    )
