"""Maps laid over the frame where their cells look, which a plain resize does not do: it ignores valid padding."""

import numpy as np
from numpy.typing import NDArray

from encoders import ReceptiveField


def to_pixels(maps: NDArray[np.floating], field: ReceptiveField, height: int, width: int) -> NDArray[np.float64]:
    """Spread every cell over the pixels around its center.

    Cell i is centered on pixel c = center + jump * i and gives its value to pixel y in proportion to
    max(0, 1 - |y - c| / jump), along both axes: bilinear interpolation between centers. Every cell gives all of
    its value, so the sum of a map is kept, and so is its centroid while no cell is cut by the frame.

    At the edges: pixels further than `jump` outside the outermost centers get 0, since no cell is centered
    there; a cell that the frame cuts is scaled to keep its sum; a center outside the frame counts as on its edge.

    Returns:
        float64 [B, height, width], in units of `maps` per pixel.

    Raises:
        ValueError: `maps` is not [B, h, w].
    """
    if maps.ndim != 3:
        raise ValueError(f"maps have shape {list(maps.shape)}; expected [B, h, w]")
    rows = _spread(maps.shape[1], field, height)
    columns = _spread(maps.shape[2], field, width)
    return np.einsum("yi,bij,xj->byx", rows, maps.astype(np.float64), columns, optimize=True)


def _spread(cells: int, field: ReceptiveField, pixels: int) -> NDArray[np.float64]:
    """Return the share of each cell that each pixel gets, [pixels, cells]; columns have sum 1."""
    centers = np.clip(field.center + field.jump * np.arange(cells), 0, pixels - 1)
    distance = np.abs(np.arange(pixels)[:, None] - centers)
    share = np.maximum(0.0, 1.0 - distance / field.jump)
    return share / share.sum(0)
