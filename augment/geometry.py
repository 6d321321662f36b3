"""Ops that move pixels: crop, translate, shift, flip, rotate. They run on bytes or floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from augment.base import Augmentation, Params, coins, integers, memory_format_of, on_cpu, require
from augment.indexing import change_some, take_pixels, take_windows


@dataclass(frozen=True)
class _Square(Augmentation):
    """Base of the ops whose output is a square of `size` pixels and whose input has another size."""

    size: int
    ratio: float
    centered: bool = False

    def __post_init__(self) -> None:
        """Check the options."""
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

    Example:
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
        return positions(batch, height - self.size, width - self.size, generator, self.centered)

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        self.output_size(images.shape[2], images.shape[3])
        rows = params["top"][:, None] + torch.arange(self.size, device=images.device)
        return take_windows(images, rows, params["left"], self.size)


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

    Example:
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
        return positions(batch, self.size - height, self.size - width, generator, self.centered)

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        height, width = images.shape[2:]
        self.output_size(height, width)
        if on_cpu(images):
            return self._copy(images, params)
        margin_y, margin_x = self.size - height, self.size - width
        padded = torch.nn.functional.pad(images, (margin_x, margin_x, margin_y, margin_y))
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
class Shift(Augmentation):
    """Move the image by up to `pad` pixels each way; what comes into view repeats the border.

    Args:
        pad: largest move, pixels, the same each way.

    Raises:
        ValueError: `pad` is negative.

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
        return {name: integers(shape[0], -self.pad, self.pad, generator) for name in ("down", "right")}

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        height, width = images.shape[2:]
        down, right = params["down"][:, None], params["right"][:, None]
        rows = (torch.arange(height, device=images.device) - down).clamp(0, height - 1)
        columns = (torch.arange(width, device=images.device) - right).clamp(0, width - 1)
        inner = slice(self.pad, max(width - self.pad, self.pad))  # columns that no border can reach
        out = torch.empty_like(images)
        if inner.stop > inner.start:
            first = self.pad - params["right"]
            out[..., inner] = take_windows(images, rows, first, inner.stop - inner.start)
        for side in (slice(0, inner.start), slice(inner.stop, width)):
            out[..., side] = take_pixels(images, rows[:, :, None] * width + columns[:, None, side])
        return out


@dataclass(frozen=True)
class Flip(Augmentation):
    """Mirror left and right with probability `p`.

    Args:
        p: probability for each image.

    Raises:
        ValueError: `p` is outside [0, 1].

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
        return change_some(images, params["flip"], lambda some, _: some.flip(3), {})


@dataclass(frozen=True)
class Rotate(Augmentation):
    """Turn the image counter-clockwise by 90, 180 or 270 degrees, equally likely, with probability `p`.

    An image that is not square would change its shape, so there any turn is one by 180 degrees.

    Args:
        p: probability for each image.

    Raises:
        ValueError: `p` is outside [0, 1].

    Source:
        RAD (Laskin et al. 2020), section 3; p as in its code.

    Example:
        >>> image = torch.tensor([[0.0, 1.0], [2.0, 3.0]]).expand(1, 3, 2, 2)
        >>> Rotate().apply(image, {"quarters": torch.tensor([1])})[0, 0]
        tensor([[1., 3.],
                [0., 2.]])
    """

    p: float = 0.3

    def __post_init__(self) -> None:
        """Check the options."""
        require(0 <= self.p <= 1, "rotate", "p", "in [0, 1]", self.p)

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        turned = coins(shape[0], self.p, generator)
        return {"quarters": turned * integers(shape[0], 1, 3, generator)}

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        return change_some(images, params["quarters"] > 0, self._turn, params)

    def _turn(self, images: Tensor, params: Params) -> Tensor:
        height, width = images.shape[2:]
        pixels = torch.arange(height * width, device=images.device).view(height, width)
        quarters = (0, 1, 2, 3) if height == width else (0, 2, 2, 2)
        turned = torch.stack([torch.rot90(pixels, quarter) for quarter in quarters])
        return take_pixels(images, turned[params["quarters"]])


def positions(
    batch: int, room_down: int, room_right: int, generator: torch.Generator, centered: bool
) -> dict[str, Tensor]:
    """Draw a corner for each image, or take the middle of the room."""
    room = {"top": room_down, "left": room_right}
    if centered:
        return {name: torch.full((batch,), px // 2) for name, px in room.items()}
    return {name: integers(batch, 0, px, generator) for name, px in room.items()}
