"""How well maps agree with the ground truth, object by object, and maps that know nothing of the agent."""

import numpy as np
from numpy.typing import NDArray

from rad.attention.ground_truth.effects import Truth, truth_maps
from rad.report.stats.correlation import spearman

Scores = dict[str, NDArray[np.float64]]


def agreement(pixel_maps: NDArray[np.floating], truth: Truth) -> Scores:
    """Compare maps float [B, H, W] with the effects of the objects that are seen.

    Returns:
        By name a number for each state in which at least two objects are seen that have different effects:
        - `rank_accuracy`: Spearman's rank correlation of the map's mass on each object with the object's effect. A
          uniform map has the objects' areas as masses.
        - `rank_accuracy_per_pixel`: that of the mean of the map over each object with the effect per pixel. A uniform
          map has 0.
        - `top_mass`, `top_area`: the share of the map, and of the frame, on the object that has the largest effect.
    """
    masses = np.einsum("byx,boyx->bo", _shares(pixel_maps.astype(np.float64), (1, 2)), truth.masks)
    rows = []
    for seen, area, mass, effect in zip(truth.visible, truth.areas, masses, _shares(truth.effects, 1)):
        area, mass, effect = area[seen], mass[seen], effect[seen]
        if len(effect) > 1 and np.ptp(effect) > 0:
            top = effect.argmax()
            rows.append([_alike(mass, effect), _alike(mass / area, effect / area), mass[top], area[top]])
    names = ("rank_accuracy", "rank_accuracy_per_pixel", "top_mass", "top_area")
    return dict(zip(names, np.array(rows).reshape(-1, len(names)).T))


def _alike(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the rank correlation of numbers about 1, those that rounding made different counted as equal."""
    return spearman(first.round(6), second.round(6))


def _shares(values: NDArray[np.float64], axes: int | tuple[int, ...]) -> NDArray[np.float64]:
    total = values.sum(axes, keepdims=True)
    return values / np.where(total > 0, total, 1.0)


def area_controls(truth: Truth) -> dict[str, NDArray[np.floating]]:
    """Return maps [B, H, W] with sum 1 that know the objects' areas alone.

    `uniform` is the same for every pixel, so its mass on an object is the object's area; `each object alike` gives each
    object that is seen the same mass, so its mean over an object is the smaller, the larger the object.
    """
    count, _, height, width = truth.masks.shape
    alike = truth_maps(truth._replace(effects=np.ones_like(truth.effects)))
    return {"uniform": np.full((count, height, width), 1.0 / (height * width)), "each object alike": alike}
