"""Augmentations of stacked images: images in, images out; knows nothing of reinforcement learning.

A chain is written ``crop+color_jitter``, an option ``cutout:min_px=5``, a choice per image ``flip/rotate``.
"""

from __future__ import annotations

from augment.base import Augmentation, Identity, Params
from augment.color import ColorJitter, Grayscale, RandomConv
from augment.compose import Factory, OneOf, Sequential, build, parse, split_at_float
from augment.erase import Cutout, CutoutColor
from augment.geometry import Crop, Flip, Rotate, Shift, Translate
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
}


def make(spec: str, size: int = 84) -> Augmentation:
    """Build the augmentation that a text describes.

    ``spec`` joins links by ``+`` in the order they are applied. A link is ``name:key=value:key=value``, or
    several of them joined by ``/``, of which each image gets one. Quotes protect a value that holds one of
    the signs. ``size`` is the side of the images that come out, in pixels; the size that has to go in is
    ``make(...).input_size(size, size)``.

    Raises:
        ValueError: if a name or option is unknown or out of range; the text says what is allowed.

    Example:
        >>> make("crop+flip:p=0.5", 84).input_size(84, 84)
        (100, 100)
        >>> make("crop:ratio=0.5")
        Traceback (most recent call last):
        ...
        ValueError: crop: ratio must be in [1, 10], got 0.5
    """
    return build(spec, size, _REGISTRY)


def default_size(spec: str) -> int:
    """Return the side, in pixels, of the paper's network input: 108 with translate in the chain, else 84.

    Example:
        >>> default_size("crop"), default_size("translate+flip")
        (84, 108)
    """
    found = {name for branches in parse(spec, _REGISTRY) for name, _ in branches}
    return 108 if "translate" in found else 84


def names() -> tuple[str, ...]:
    """Return the known names."""
    return tuple(_REGISTRY)


def register(name: str, factory: Factory) -> None:
    """Make an augmentation known under a name.

    Args:
        name: the word to use in a chain.
        factory: a class or function; its annotated parameters (int, float, bool, str) become options, and
            one called ``size`` gets the side of the output in pixels.

    Raises:
        ValueError: if the name is taken, empty, or holds a sign that separates links or options.
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
