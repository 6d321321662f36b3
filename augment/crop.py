"""Ops that cut a window out of a larger image, or place an image in a larger square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from augment.base import Augmentation, FloatAugmentation, Params, Stacks, integers, memory_format_of, on_cpu, require
from augment.indexing import take_stacked_windows, take_windows


@dataclass(frozen=True)
class _Square(Augmentation):
    """Base of the ops whose output is a square of `size` pixels and whose input has another size."""

    size: int
    ratio: float
    centered: bool = False

    def __post_init__(self) -> None:
        require(self.size >= 1, self._name, "size", "at least 1", self.size)
        require(1 <= self.ratio <= 10, self._name, "ratio", "in [1, 10]", self.ratio)

    @property
    def _name(self) -> str:
        return type(self).__name__.lower()

    def evaluation(self) -> Augmentation:
        """Return the op with the image in the center."""
        return replace(self, centered=True)


@dataclass(frozen=True)
class Crop(_Square):
    """Cut a square window out of a larger image, at a uniformly random position.

    Args:
        size: side of the window, pixels.
        ratio: side to render at over `size`; the paper renders at 100 for a window of 84.
        centered: always cut out the center, as `evaluation` does.

    Raises:
        ValueError: an option is out of range, or an image is smaller than the window.

    Source:
        RAD (Laskin et al. 2020), section 3.

    Examples:
        >>> Crop(84)(torch.zeros(1, 9, 100, 100)).shape
        torch.Size([1, 9, 84, 84])
        >>> Crop(84).input_size(84, 84)
        (100, 100)
    """

    size: int = 84
    ratio: float = 100 / 84

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the side of the window twice."""
        if min(height, width) < self.size:
            raise ValueError(f"crop: images must be at least {self.size} x {self.size}, got {height} x {width}")
        return self.size, self.size

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size to render at: `ratio` times the output."""
        return round(height * self.ratio), round(width * self.ratio)

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        batch, _, height, width = shape
        return _positions(batch, height - self.size, width - self.size, generator, self.centered)

    def apply_to_stacks(self, stacks: Stacks, params: Params) -> Tensor:
        """Cut the windows out of the frames: pixels that are cut off are never stacked."""
        return take_stacked_windows(stacks, self._rows(stacks.frames, params), params["left"], self.size)

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        return take_windows(images, self._rows(images, params), params["left"], self.size)

    def _rows(self, images: Tensor, params: Params) -> Tensor:
        self.output_size(images.shape[2], images.shape[3])
        return params["top"][:, None] + torch.arange(self.size, device=images.device)


@dataclass(frozen=True)
class Translate(_Square):
    """Place the image at a random position inside a larger black square.

    Args:
        size: side of the square, pixels.
        ratio: `size` over the side to render at; the paper places 100 in 108.
        centered: always place it in the center, as `evaluation` does.

    Raises:
        ValueError: an option is out of range, or an image is larger than the square.

    Source:
        RAD (Laskin et al. 2020), section 3. Deliberate differences: the whole view is rendered at 100 and padded, for
        acting, training and evaluation alike, where the original renders at 108, trains on the padded center of 100
        and acts on images that fill the square; and obs and next_obs have independent draws, where the original shares
        one (SAC's option `share_draw`).

    Examples:
        >>> Translate(108)(torch.ones(1, 9, 100, 100)).shape
        torch.Size([1, 9, 108, 108])
    """

    size: int = 108
    ratio: float = 108 / 100

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the side of the square twice."""
        if max(height, width) > self.size:
            raise ValueError(f"translate: images must be at most {self.size} x {self.size}, got {height} x {width}")
        return self.size, self.size

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size to render at: the output over `ratio`."""
        return round(height / self.ratio), round(width / self.ratio)

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        batch, _, height, width = shape
        return _positions(batch, self.size - height, self.size - width, generator, self.centered)

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        height, width = images.shape[2:]
        self.output_size(height, width)
        if on_cpu(images):
            return self._copy(images, params)
        margin_y, margin_x = self.size - height, self.size - width
        padded = pad(images, (margin_x, margin_x, margin_y, margin_y))
        padded = padded.contiguous(memory_format=memory_format_of(images))
        rows = (margin_y - params["top"])[:, None] + torch.arange(self.size, device=images.device)
        return take_windows(padded, rows, margin_x - params["left"], self.size)

    def _copy(self, images: Tensor, params: Params) -> Tensor:
        """Copy image by image: faster than windows on a CPU, and a launch per image on an accelerator."""
        batch, channels, height, width = images.shape
        shape, layout = (batch, channels, self.size, self.size), memory_format_of(images)
        out = torch.empty(shape, dtype=images.dtype, memory_format=layout).zero_()
        for square, image, y, x in zip(out, images, params["top"].tolist(), params["left"].tolist()):
            square[:, y : y + height, x : x + width] = image
        return out


@dataclass(frozen=True)
class ResizeCrop(FloatAugmentation):
    """Enlarge the image and cut a window of its old size out of it, at a uniformly random position.

    The image is resized bilinearly about its center. It takes floats only, since bytes would have to be rounded once
    more. Unlike torchvision's RandomResizedCrop, the scale is fixed and the window is cut last.

    Args:
        ratio: side after resizing over side before; Procgen's 64 becomes 75.
        centered: always cut out the center, as `evaluation` does.

    Raises:
        ValueError: `ratio` is out of range.

    Source:
        RAD (Laskin et al. 2020), Procgen experiments: a window of 64 out of 75. Deliberate differences: RAD rebuilt the
        simulator to render at 75, which shows more detail than a resized 64; its last offset is never drawn.

    Examples:
        >>> ResizeCrop()(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 3, 64, 64])
        >>> ResizeCrop().resized(64, 64)
        (75, 75)
    """

    ratio: float = 75 / 64
    centered: bool = False

    def __post_init__(self) -> None:
        require(1 <= self.ratio <= 10, "resize_crop", "ratio", "in [1, 10]", self.ratio)

    def evaluation(self) -> Augmentation:
        """Return the crop of the center, out of the same enlarged image."""
        return replace(self, centered=True)

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) in pixels of the enlarged image."""
        return round(height * self.ratio), round(width * self.ratio)

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        batch, _, height, width = shape
        tall, wide = self.resized(height, width)
        return _positions(batch, tall - height, wide - width, generator, self.centered)

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        height, width = images.shape[2:]
        dense = images.contiguous(memory_format=memory_format_of(images))
        large = interpolate(dense, self.resized(height, width), mode="bilinear", align_corners=False)
        rows = params["top"][:, None] + torch.arange(height, device=images.device)
        return take_windows(large, rows, params["left"], width)


def _positions(
    batch: int, room_down: int, room_right: int, generator: torch.Generator, centered: bool
) -> dict[str, Tensor]:
    """Draw a corner for each image, or take the middle of the room."""
    room = {"top": room_down, "left": room_right}
    if centered:
        return {name: torch.full((batch,), px // 2) for name, px in room.items()}
    return {name: integers(batch, 0, px, generator) for name, px in room.items()}
