"""Images in, features out: convolutional encoders for pixels, made by name.

Example:
    >>> import torch, encoders
    >>> encoder = encoders.make("pixel", (9, 84, 84), generator=torch.Generator().manual_seed(1))
    >>> encoder.feature_dim, encoder(torch.zeros(2, 9, 84, 84)).shape
    (39200, torch.Size([2, 39200]))
    >>> encoder.receptive_field()
    ReceptiveField(jump=2, center=7.0, size=15)
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

from encoders.base import Encoder, ImageShape, ReceptiveField
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

__all__ = [
    "Encoder",
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
    "options",
    "orthogonal_",
]

_REGISTRY: dict[str, Callable[..., Encoder]] = {"pixel": PixelEncoder, "impala": ImpalaEncoder, "nature": NatureEncoder}


def names() -> tuple[str, ...]:
    """Return the names that `make` knows, in the order of registration."""
    return tuple(_REGISTRY)


def options(name: str) -> frozenset[str]:
    """Return the names of an encoder's own options.

    Raises:
        ValueError: if the name is unknown.
    """
    _check_known(name)
    return frozenset(signature(_REGISTRY[name]).parameters) - {"image_shape", "generator"}


def make(name: str, image_shape: ImageShape, **options: Any) -> Encoder:
    """Make an encoder by name.

    Args:
        name: one of `names()`.
        image_shape: (C, H, W) of the images, C = 3 * frames in a stack.
        **options: arguments of the encoder's class. `generator`, from which the weights are drawn, is
            required: nothing comes from the global random state.

    Returns:
        The encoder, in training mode, on the CPU.

    Raises:
        ValueError: if the name is unknown, an option is out of range or the image is too small.
        TypeError: if an option is unknown or `generator` is missing.
    """
    _check_known(name)
    return _REGISTRY[name](image_shape, **options)


def _check_known(name: str) -> None:
    if name not in _REGISTRY:
        raise ValueError(f"unknown encoder '{name}'; known: {', '.join(_REGISTRY)}")
