"""Images in, features out: convolutional encoders for pixels, made by name.

Options follow the name after colons: `pixel:strides=2-2-2-1`, `impala:width=2`.

Examples:
    >>> import torch, encoders
    >>> encoder = encoders.make("pixel", (9, 84, 84), generator=torch.Generator().manual_seed(1))
    >>> encoder.feature_dim, encoder(torch.zeros(2, 9, 84, 84)).shape
    (39200, torch.Size([2, 39200]))
    >>> encoder.receptive_field()
    ReceptiveField(jump=2, center=7.0, size=15)
"""

from typing import Any

import torch

from encoders.base import Encoder, ImageShape, ImageShapeError, ReceptiveField
from encoders.impala import ImpalaEncoder
from encoders.initialize import (
    delta_orthogonal_,
    flat_orthogonal_,
    glorot_uniform_,
    initialize_,
    initialize_with_,
    orthogonal_,
)
from encoders.nature import NatureEncoder
from encoders.pixel import PixelEncoder
from encoders.registry import Registry

__all__ = [
    "Encoder",
    "ImageShapeError",
    "ImpalaEncoder",
    "NatureEncoder",
    "PixelEncoder",
    "ReceptiveField",
    "delta_orthogonal_",
    "flat_orthogonal_",
    "glorot_uniform_",
    "initialize_",
    "initialize_with_",
    "make",
    "names",
    "orthogonal_",
    "register",
]

_REGISTRY: Registry[Encoder] = Registry(
    "encoder", {"pixel": PixelEncoder, "impala": ImpalaEncoder, "nature": NatureEncoder}
)
names = _REGISTRY.names
"""Return the known names, in the order of registration."""
register = _REGISTRY.register
"""Make a factory known under a name; its parameters annotated int, float or str become options. A name that is taken
or no word is a ValueError."""


def make(spec: str, image_shape: ImageShape, *, generator: torch.Generator, **options: Any) -> Encoder:
    """Make the encoder that a text describes, in training mode, on the CPU.

    Args:
        spec: one of `names()`, and options of its own: `name:key=value:key=value`. A comma separates as well.
        image_shape: (C, H, W) of the images, C = 3 * frames in a stack.
        generator: CPU generator from which the weights are drawn: nothing comes from the global random state.
        **options: further options, as values.

    Raises:
        ValueError: the name or an option in the text is unknown or out of range, or the image is too small.
        TypeError: one of `options` is unknown or in the text too.

    Examples:
        >>> make("pixel:strides=2-2-2-1", (9, 84, 84), generator=torch.Generator()).map_shape
        (32, 7, 7)
    """
    return _REGISTRY.make(spec, image_shape, generator=generator, **options)
