"""Ops that move pixels: shift, flip, rotate. They run on bytes or floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from augment.base import Augmentation, Params, coins, integers, require
from augment.indexing import change_some, take_pixels, take_windows


@dataclass(frozen=True)
class Shift(Augmentation):
    """Move the image by up to `pad` pixels each way; what comes into view repeats the border.

    Args:
        pad: largest move, pixels, the same each way.

    Raises:
        ValueError: `pad` is negative.

    Source:
        DrQ (Kostrikov et al. 2020), section 3.1: replicate padding by 4, then a crop of the original size.

    Examples:
        >>> Shift(4)(torch.zeros(1, 9, 84, 84)).shape
        torch.Size([1, 9, 84, 84])
    """

    pad: int = 4

    def __post_init__(self) -> None:
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

    Examples:
        >>> Flip(p=1)(torch.tensor([0.0, 1.0]).expand(1, 3, 1, 2))[0, 0]
        tensor([[1., 0.]])
    """

    p: float = 0.2

    def __post_init__(self) -> None:
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

    Examples:
        >>> image = torch.tensor([[0.0, 1.0], [2.0, 3.0]]).expand(1, 3, 2, 2)
        >>> Rotate().apply(image, {"quarters": torch.tensor([1])})[0, 0]
        tensor([[1., 3.],
                [0., 2.]])
    """

    p: float = 0.3

    def __post_init__(self) -> None:
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
