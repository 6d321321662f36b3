"""Augmentations of stacked images: images in, images out; knows nothing of reinforcement learning.

A chain is written `crop+color_jitter`, an option `cutout:min_px=5`, a choice per image `flip/rotate`, and a choice
over time, learned from returns, `ucb:crop,color_jitter`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from augment.bandit import UCB, split_arms
from augment.base import Augmentation, Identity, Params, require
from augment.color import ColorJitter, Grayscale, RandomConv
from augment.compose import Factory, OneOf, Sequential, build, parse, split_at_float
from augment.erase import Cutout, CutoutColor
from augment.geometry import Crop, Flip, Rotate, Shift, Translate
from augment.overlay import Overlay
from augment.resize import ResizeCrop

_REGISTRY: dict[str, Factory] = {
    "none": Identity,
    "crop": Crop,
    "translate": Translate,
    "shift": Shift,
    "flip": Flip,
    "rotate": Rotate,
    "grayscale": Grayscale,
    "color_jitter": ColorJitter,
    "random_conv": RandomConv,
    "cutout": Cutout,
    "cutout_color": CutoutColor,
    "overlay": Overlay,
    "resize_crop": ResizeCrop,
}


def _pad_crop(pad: int = 12) -> Augmentation:
    return Shift(pad)  # padding by repetition and a crop of the old size: a shift


_CROPS: dict[str, Factory] = {"render": Crop, "pad": _pad_crop, "resize": ResizeCrop}


def _overlay_of(distractors: Tensor) -> Factory:
    """Return a factory of Overlays of given distractors, used unless a folder is named."""

    def overlay(alpha: float = 0.5, folder: str = "", count: int = 128, seed: int = 0) -> Augmentation:
        if folder:
            return Overlay(alpha, folder, count, seed)
        require(count <= len(distractors), "overlay", "count", f"at most {len(distractors)}", count)
        order = torch.randperm(len(distractors), generator=torch.Generator().manual_seed(seed))
        return Overlay(alpha, "", count, seed, distractors[order[:count]])

    return overlay


def make(spec: str, size: int = 84, crop: str = "render", *, distractors: Tensor | None = None) -> Augmentation:
    """Build the augmentation that a text describes.

    `spec` joins links by `+` in the order they are applied. A link is `name:key=value:key=value`, or several of them
    joined by `/`, of which each image gets one. Quotes protect a value that holds one of the signs. `size` is the side
    of the images that come out, in pixels; the size that has to go in is `make(...).input_size(size, size)`.

    `crop` says what the word crop means. `render`: a window of a larger rendering (RAD on DeepMind Control). For frames
    of fixed size, as Procgen's 64: `pad`, which is `shift:pad=12` (auto-drac), or `resize`, which enlarges 64 to 75
    before it cuts, `resize_crop` (in place of RAD's rebuilt simulator).

    `distractors`, uint8 `[M, 3, h, w]`, are what `overlay` blends with where no folder is given; it generates pictures
    by default.

    Raises:
        ValueError: a name or option is unknown or out of range; the text says what is allowed.

    Example:
        >>> make("crop+flip:p=0.5", 84).input_size(84, 84)
        (100, 100)
        >>> make("crop:ratio=0.5")
        Traceback (most recent call last):
        ...
        ValueError: crop: ratio must be in [1, 10], got 0.5
    """
    if crop not in _CROPS:
        raise ValueError(f"unknown crop {crop!r}; known: {', '.join(_CROPS)}")
    given = {} if distractors is None else {"overlay": _overlay_of(distractors)}
    return build(spec, size, _REGISTRY | {"crop": _CROPS[crop]} | given)


def make_arms(
    spec: str, size: int = 84, crop: str = "render", *, distractors: Tensor | None = None
) -> dict[str, Augmentation]:
    """Build the augmentations that `ucb:a,b` chooses among, by their texts; another text has one arm.

    Raises:
        ValueError: as `make` and `split_arms`, or if the arms need images of different sizes.

    Example:
        >>> list(make_arms("ucb:crop,flip:p=0.5", 64, crop="pad").values())
        [Shift(pad=12), Flip(p=0.5)]
    """
    arms = {arm: make(arm, size, crop, distractors=distractors) for arm in split_arms(spec)}
    sizes = {arm: op.input_size(size, size) for arm, op in arms.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"arms of ucb must have one input size, got {sizes}")
    return arms


def default_size(spec: str) -> int:
    """Return the side, in pixels, of the paper's network input: 108 with translate in the chain, else 84.

    Example:
        >>> default_size("crop"), default_size("translate+flip")
        (84, 108)
    """
    links = [link for arm in split_arms(spec) for link in parse(arm, _REGISTRY)]
    return 108 if any(name == "translate" for branches in links for name, _ in branches) else 84


def names() -> tuple[str, ...]:
    """Return the known names."""
    return tuple(_REGISTRY)


def register(name: str, factory: Factory) -> None:
    """Make an augmentation known under a name.

    Args:
        name: the word to use in a chain.
        factory: a class or function; its annotated parameters (int, float, bool, str) become options, and one called
            `size` gets the side of the output in pixels.

    Raises:
        ValueError: the name is taken, empty, or holds a sign that separates links or options.
    """
    if not name.isidentifier():
        raise ValueError(f"name must be a word of letters, digits and underscores, got {name!r}")
    if name in _REGISTRY:
        raise ValueError(f"augmentation {name!r} is already registered")
    _REGISTRY[name] = factory


__all__ = [
    "UCB",
    "Augmentation",
    "ColorJitter",
    "Crop",
    "Cutout",
    "CutoutColor",
    "Flip",
    "Grayscale",
    "Identity",
    "OneOf",
    "Overlay",
    "Params",
    "RandomConv",
    "ResizeCrop",
    "Rotate",
    "Sequential",
    "Shift",
    "Translate",
    "default_size",
    "make",
    "make_arms",
    "names",
    "register",
    "split_arms",
    "split_at_float",
]
