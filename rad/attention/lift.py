"""How much of a map lies on the robot, and how much more than on as large a part of the frame."""

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.bool_]
MARGIN_PX = 2


def mass_on(pixel_maps: NDArray[np.floating], masks: Masks) -> NDArray[np.float64]:
    """Return the share of each map's mass that lies on a mask bool [B, H, W], float [B] in [0, 1].

    Maps are float [B, H, W], at least 0, the sum of each above 0.

    Raises:
        ValueError: the shapes differ.
    """
    if pixel_maps.shape != masks.shape:
        raise ValueError(f"maps have shape {list(pixel_maps.shape)} and masks {list(masks.shape)}; expected the same")
    values = pixel_maps.astype(np.float64)
    return np.where(masks, values, 0.0).sum((1, 2)) / values.sum((1, 2))


def relevance_rank_accuracy(pixel_maps: NDArray[np.floating], masks: Masks) -> NDArray[np.float64]:
    """Return the share of each map's K highest pixels that lie on its mask of K pixels, float [B] in [0, 1].

    Maps are float [B, H, W], masks bool of the same shape with at least one pixel each. Where pixels share the K-th
    value, each counts with the probability that it is drawn among them; so a uniform map has the mask's area.

    Source: Arras et al. 2022 (CLEVR-XAI, arXiv 2003.07258), relevance rank accuracy; ties are our addition.
    """
    shares = []
    for values, mask in zip(pixel_maps, masks, strict=True):
        count = int(mask.sum())
        least = np.partition(values, -count, axis=None)[-count]
        above, tied = values > least, values == least
        drawn = (count - above.sum()) / tied.sum()  # the share of the tied pixels that are among the highest
        shares.append(((above & mask).sum() + drawn * (tied & mask).sum()) / count)
    return np.array(shares, np.float64)


def area_of(masks: Masks) -> NDArray[np.float64]:
    """Return the share of the frame that each mask covers, float [B] in [0, 1]: what a uniform map has on it."""
    return masks.mean((1, 2))


def where_seen(masks: Masks) -> NDArray[np.intp]:
    """Return the numbers of the masks bool [B, H, W], B at least 1, that cover at least half of what is usual."""
    area = area_of(masks)
    return np.flatnonzero(area >= np.median(area) / 2)


def dilate(masks: Masks, margin_px: int = MARGIN_PX) -> Masks:
    """Widen masks bool [B, H, W] by a margin, up to the frame's edge: a map is not finer than its cells."""
    padded = np.pad(masks, ((0, 0), (margin_px, margin_px), (margin_px, margin_px)))
    height, width = masks.shape[1:]
    shifts = range(2 * margin_px + 1)
    return np.any([padded[:, y : y + height, x : x + width] for y in shifts for x in shifts], axis=0)
