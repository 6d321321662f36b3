"""Images in, features out: convolutional encoders for pixels, made by name.

Options follow the name after colons: ``pixel:strides=2-2-2-1``, ``impala:width=2``.

Example:
    >>> import torch, encoders
    >>> encoder = encoders.make("pixel", (9, 84, 84), generator=torch.Generator().manual_seed(1))
    >>> encoder.feature_dim, encoder(torch.zeros(2, 9, 84, 84)).shape
    (39200, torch.Size([2, 39200]))
    >>> encoder.receptive_field()
    ReceptiveField(jump=2, center=7.0, size=15)
"""

import re
from collections.abc import Callable
from inspect import signature
from typing import Any

import torch

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
    "orthogonal_",
    "register",
]

_REGISTRY: dict[str, Callable[..., Encoder]] = {"pixel": PixelEncoder, "impala": ImpalaEncoder, "nature": NatureEncoder}


def names() -> tuple[str, ...]:
    """Return the names that `make` knows, in the order of registration."""
    return tuple(_REGISTRY)


def register(name: str, factory: Callable[..., Encoder]) -> None:
    """Make an encoder known under a name.

    Args:
        name: the word to use in a text for `make`.
        factory: called with the image shape and with `generator`; its other parameters, annotated int, float or
            str, become options.

    Raises:
        ValueError: if the name is taken or is no word of letters, digits and underscores.
    """
    if not name.isidentifier():
        raise ValueError(f"name must be a word of letters, digits and underscores, got {name!r}")
    if name in _REGISTRY:
        raise ValueError(f"encoder {name!r} is already registered")
    _REGISTRY[name] = factory


def make(spec: str, image_shape: ImageShape, *, generator: torch.Generator, **options: Any) -> Encoder:
    """Make the encoder that a text describes.

    Args:
        spec: one of `names()`, and options of its own: `name:key=value:key=value`. A comma separates as well.
        image_shape: (C, H, W) of the images, C = 3 * frames in a stack.
        generator: CPU generator from which the weights are drawn: nothing comes from the global random state.
        **options: further options, as values.

    Returns:
        The encoder, in training mode, on the CPU.

    Raises:
        ValueError: if the name or an option in the text is unknown or out of range, or the image is too small.
        TypeError: if one of `options` is unknown or stands in the text too.

    Example:
        >>> make("pixel:strides=2-2-2-1", (9, 84, 84), generator=torch.Generator()).map_shape
        (32, 7, 7)
    """
    name, *pairs = re.split("[:,]", spec)
    if name not in _REGISTRY:
        raise ValueError(f"unknown encoder '{name}'; known: {', '.join(_REGISTRY)}")
    read = _read_options(name, pairs)
    return _REGISTRY[name](image_shape, generator=generator, **read, **options)


def _read_options(name: str, pairs: list[str]) -> dict[str, Any]:
    """Read the options of one encoder from texts `key=value`."""
    parameters = signature(_REGISTRY[name], eval_str=True).parameters
    kinds = {key: p.annotation for key, p in parameters.items() if p.annotation in (int, float, str)}
    options: dict[str, Any] = {}
    for key, equals, value in (pair.partition("=") for pair in pairs):
        if key not in kinds or key in options or not equals:
            known = ", ".join(f"{known}=..." for known in kinds) or "none"
            raise ValueError(f"encoder {name} takes each of the options {known} once, got '{key}{equals}{value}'")
        try:
            options[key] = kinds[key](value)
        except ValueError:
            raise ValueError(
                f"encoder {name}: option {key} must be of type {kinds[key].__name__}, got {value!r}"
            ) from None
    return options
