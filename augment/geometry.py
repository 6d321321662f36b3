"""Ops that move pixels and leave their values: crop, translate, shift, flip, rotate. They run on bytes or floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from augment.base import (
    Augmentation,
    Identity,
    Params,
    coins,
    integers,
    is_channels_last,
    memory_format_of,
    require,
)


@dataclass(frozen=True)
class Crop(Augmentation):
    """Cut a square window out of a larger image, anywhere inside it with equal chance.

    Args:
        size: side of the window, pixels.
        ratio: side to render at over ``size``; the paper renders at 100 for a window of 84.

    Raises:
        ValueError: if an option is out of range, or an image is smaller than the window.

    Source:
        RAD (Laskin et al. 2020), section 3. Deliberate difference: the last offset can be drawn too.

    Example:
        >>> Crop(84)(torch.zeros(1, 9, 100, 100)).shape
        torch.Size([1, 9, 84, 84])
        >>> Crop(84).input_size(84, 84)
        (100, 100)
    """

    size: int = 84
    ratio: float = 100 / 84

    def __post_init__(self) -> None:
        """Check the options."""
        require(self.size >= 1, "crop", "size", "at least 1", self.size)
        require(1 <= self.ratio <= 10, "crop", "ratio", "in [1, 10]", self.ratio)

    def evaluation(self) -> Augmentation:
        """Return the crop of the centre."""
        return CenterCrop(self.size, self.ratio)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the side of the window twice."""
        if min(height, width) < self.size:
            raise ValueError(f"crop: images must be at least {self.size} x {self.size}, got {height} x {width}")
        return self.size, self.size

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size to render at: ``ratio`` times the output."""
        return round(height * self.ratio), round(width * self.ratio)

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        batch, _, height, width = shape
        return {
            "top": integers(batch, 0, height - self.size, generator),
            "left": integers(batch, 0, width - self.size, generator),
        }

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        self.output_size(images.shape[2], images.shape[3])
        return windows(images, params["top"], params["left"], self.size)


@dataclass(frozen=True)
class CenterCrop(Crop):
    """Cut the window out of the centre: ``Crop`` at test time."""

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        batch, _, height, width = shape
        return {
            "top": torch.full((batch,), (height - self.size) // 2),
            "left": torch.full((batch,), (width - self.size) // 2),
        }


@dataclass(frozen=True)
class Translate(Augmentation):
    """Place the image anywhere inside a larger black square.

    Args:
        size: side of the square, pixels.
        ratio: ``size`` over the side to render at; the paper places 100 in 108.

    Raises:
        ValueError: if an option is out of range, or an image is larger than the square.

    Source:
        RAD (Laskin et al. 2020), section 3. Deliberate difference: acting, training and evaluation all see
        the padded square; the original acts on images that fill it.

    Example:
        >>> Translate(108)(torch.ones(1, 9, 100, 100)).shape
        torch.Size([1, 9, 108, 108])
    """

    size: int = 108
    ratio: float = 108 / 100

    def __post_init__(self) -> None:
        """Check the options."""
        require(self.size >= 1, "translate", "size", "at least 1", self.size)
        require(1 <= self.ratio <= 10, "translate", "ratio", "in [1, 10]", self.ratio)

    def evaluation(self) -> Augmentation:
        """Return the translation to the centre."""
        return CenterTranslate(self.size, self.ratio)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the side of the square twice."""
        if max(height, width) > self.size:
            raise ValueError(f"translate: images must be at most {self.size} x {self.size}, got {height} x {width}")
        return self.size, self.size

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size to render at: the output over ``ratio``."""
        return round(height / self.ratio), round(width / self.ratio)

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        batch, _, height, width = shape
        return {
            "top": integers(batch, 0, self.size - height, generator),
            "left": integers(batch, 0, self.size - width, generator),
        }

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        height, width = images.shape[2:]
        self.output_size(height, width)
        margin_y, margin_x = self.size - height, self.size - width
        padded = torch.nn.functional.pad(images, (margin_x, margin_x, margin_y, margin_y))
        padded = padded.contiguous(memory_format=memory_format_of(images))
        return windows(padded, margin_y - params["top"], margin_x - params["left"], self.size)


@dataclass(frozen=True)
class CenterTranslate(Translate):
    """Place the image in the centre of the square: ``Translate`` at test time."""

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        batch, _, height, width = shape
        return {
            "top": torch.full((batch,), (self.size - height) // 2),
            "left": torch.full((batch,), (self.size - width) // 2),
        }


@dataclass(frozen=True)
class Shift(Augmentation):
    """Move the image by up to ``pad`` pixels each way; what comes into view repeats the border.

    Args:
        pad: largest move, pixels, the same each way.

    Raises:
        ValueError: if ``pad`` is negative.

    Source:
        DrQ (Kostrikov et al. 2020), section 3.1: replicate padding by 4, then a crop of the original size.

    Example:
        >>> Shift(4)(torch.zeros(1, 9, 84, 84)).shape
        torch.Size([1, 9, 84, 84])
    """

    pad: int = 4

    def __post_init__(self) -> None:
        """Check the options."""
        require(self.pad >= 0, "shift", "pad", "at least 0", self.pad)

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        return {
            "down": integers(shape[0], -self.pad, self.pad, generator),
            "right": integers(shape[0], -self.pad, self.pad, generator),
        }

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        height, width = images.shape[2:]
        rows = torch.arange(height, device=images.device) - params["down"][:, None]
        columns = torch.arange(width, device=images.device) - params["right"][:, None]
        return gather_pixels(images, rows.clamp(0, height - 1), columns.clamp(0, width - 1))


@dataclass(frozen=True)
class Flip(Augmentation):
    """Mirror left and right with probability ``p``.

    Args:
        p: probability for each image.

    Raises:
        ValueError: if ``p`` is outside [0, 1].

    Source:
        RAD (Laskin et al. 2020), section 3; p as in its code.

    Example:
        >>> Flip(p=1)(torch.tensor([0.0, 1.0]).expand(1, 3, 1, 2))[0, 0]
        tensor([[1., 0.]])
    """

    p: float = 0.2

    def __post_init__(self) -> None:
        """Check the options."""
        require(0 <= self.p <= 1, "flip", "p", "in [0, 1]", self.p)

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        return {"flip": coins(shape[0], self.p, generator)}

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        return torch.where(params["flip"][:, None, None, None], images.flip(3), images)


def windows(images: Tensor, top: Tensor, left: Tensor, size: int) -> Tensor:
    """Cut one square window out of each image.

    Args:
        images: ``[B, C, H, W]``, any type.
        top: first row of each window, int64 [B], pixels.
        left: first column of each window, int64 [B], pixels.
        size: side of the windows, pixels.

    Returns:
        ``[B, C, size, size]`` in the memory format of the images.
    """
    if images.device.type != "cpu":
        steps = torch.arange(size, device=images.device)
        return gather_pixels(images, top[:, None] + steps, left[:, None] + steps)
    channels = images.shape[1]
    out = torch.empty(
        len(images), channels, size, size, dtype=images.dtype, memory_format=memory_format_of(images)
    )
    for target, source, y, x in zip(out, images, top.tolist(), left.tolist()):
        target.copy_(source[:, y : y + size, x : x + size])
    return out


def gather_pixels(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pick rows and columns of each image, without a host sync.

    Args:
        images: ``[B, C, H, W]``, any type.
        rows: int64 ``[B, h]`` in 0..H-1.
        columns: int64 ``[B, w]`` in 0..W-1.

    Returns:
        ``[B, C, h, w]`` in the memory format of the images.
    """
    index = torch.arange(len(images), device=images.device)[:, None, None]
    if is_channels_last(images):
        pixels = images.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]]
        return pixels.permute(0, 3, 1, 2)
    channels = torch.arange(images.shape[1], device=images.device)[None, :, None, None]
    return images[index[..., None], channels, rows[:, None, :, None], columns[:, None, None, :]]


__all__ = ["CenterCrop", "CenterTranslate", "Crop", "Flip", "Identity", "Shift", "Translate"]
