"""Augmentations of stacked images: images in, images out; knows nothing of reinforcement learning.

A chain is written `crop+color_jitter`, an option `cutout:min_px=5`, a choice per image `flip/rotate`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from augment.base import Augmentation, Identity, Params, require
from augment.color import ColorJitter, Grayscale, RandomConv
from augment.compose import Factory, OneOf, Sequential, build, parse, split_at_float
from augment.crop import Crop, ResizeCrop, Translate
from augment.erase import Cutout, CutoutColor
from augment.geometry import Flip, Rotate, Shift
from augment.overlay import Overlay

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
        """Make an Overlay of `count` of the distractors, or of pictures of the folder."""
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

    Examples:
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


def default_size(spec: str) -> int:
    """Return the side, in pixels, of the paper's network input: 108 with translate in the chain, else 84.

    Examples:
        >>> default_size("crop"), default_size("translate+flip")
        (84, 108)
    """
    return 108 if any(name == "translate" for link in parse(spec, _REGISTRY) for name, _ in link) else 84


def names() -> tuple[str, ...]:
    """Return the known names."""
    return tuple(_REGISTRY)


def register(name: str, factory: Factory) -> None:
    """Make an augmentation known under the name to use in a chain.

    The parameters of `factory`, a class or function, that are annotated int, float, bool or str become options; one
    called `size` gets the side of the output in pixels.

    Raises:
        ValueError: the name is taken, empty, or holds a sign that separates links or options.
    """
    if not name.isidentifier():
        raise ValueError(f"name must be a word of letters, digits and underscores, got {name!r}")
    if name in _REGISTRY:
        raise ValueError(f"augmentation {name!r} is already registered")
    _REGISTRY[name] = factory


__all__ = [
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
    "names",
    "register",
    "split_at_float",
]
