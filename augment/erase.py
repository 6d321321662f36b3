"""Ops that paint a box over every frame, in black or a random color. They run on bytes or floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from augment.base import Augmentation, Params, on_cpu, require


@dataclass(frozen=True)
class Cutout(Augmentation):
    """Paint a black box of random height, width and position.

    Height and width are uniform in min_px..max_px, and the position is uniform over all inside the image.

    Args:
        min_px, max_px: smallest and largest side of the box, pixels.

    Raises:
        ValueError: the sides are out of order or below 1, or the largest box does not fit the image.

    Source:
        RAD (Laskin et al. 2020), section 3. Deliberate difference: size and position are separate draws; in the
        original one draw makes both, so its boxes never touch the border.

    Examples:
        >>> white = torch.full((1, 3, 40, 40), 255, dtype=torch.uint8)
        >>> int((Cutout(10, 10)(white) == 0).sum())
        300
    """

    min_px: int = 10
    max_px: int = 30
    _name: ClassVar[str] = "cutout"

    def __post_init__(self) -> None:
        require(self.min_px >= 1, self._name, "min_px", "at least 1", self.min_px)
        require(self.max_px >= self.min_px, self._name, "max_px", f"at least min_px = {self.min_px}", self.max_px)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the same size; the largest box must fit into it."""
        if min(height, width) < self.max_px:
            raise ValueError(f"{self._name}: max_px must fit the image, got {self.max_px} for {height} x {width}")
        return height, width

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        batch, _, image_height, image_width = shape
        sides = torch.randint(self.min_px, self.max_px + 1, (2, batch), generator=generator)
        room = torch.tensor([[image_height], [image_width]]) - sides + 1
        # In double precision u * room < room always holds, so the last place is reached and never passed.
        start = (torch.rand(2, batch, generator=generator, dtype=torch.float64) * room).long()
        return {"top": start[0], "left": start[1], "height": sides[0], "width": sides[1]}

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        return paint_boxes(images, params, torch.zeros((), dtype=images.dtype, device=images.device))


@dataclass(frozen=True)
class CutoutColor(Cutout):
    """Paint a box of random height, width, position and color; arguments and errors are those of `Cutout`.

    Red, green and blue are uniform in [0, 1], one draw for each image; on uint8 images they are scaled to 0..255 and
    rounded.

    Source:
        RAD (Laskin et al. 2020), section 3. Deliberate differences: the original writes colors in [0, 1] into bytes,
        which is black, and draws new ones for every frame; size and position are separate draws.

    Examples:
        >>> op = CutoutColor(10, 10)
        >>> params = dict(op.draw((1, 3, 40, 40)), color=torch.tensor([[1.0, 0.5, 0.0]]))
        >>> op.apply(torch.ones(1, 3, 40, 40), params).amin((0, 2, 3))
        tensor([1.0000, 0.5000, 0.0000])
    """

    _name: ClassVar[str] = "cutout_color"

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        return {**super()._draw(shape, generator), "color": torch.rand(shape[0], 3, generator=generator)}

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        color = params["color"]
        if images.dtype == torch.uint8:
            color = (color * 255).round()
        frames = images.shape[1] // 3
        return paint_boxes(images, params, color.to(images.dtype).repeat(1, frames)[:, :, None, None])


def paint_boxes(images: Tensor, params: Params, color: Tensor) -> Tensor:
    """Paint one box per image of `[B, C, H, W]`, on a copy.

    `params` are top, left, height and width, int64 `[B]`, pixels; `color`, in the type and range of the images, can be
    broadcast to `[B, C, 1, 1]`.
    """
    if not on_cpu(images):
        return torch.where(_inside(images, params), color, images)
    out = images.clone()
    colors = color.expand(len(images), images.shape[1], 1, 1)
    boxes = zip(*(params[name].tolist() for name in ("top", "left", "height", "width")))
    for image, paint, (top, left, height, width) in zip(out, colors, boxes):
        image[:, top : top + height, left : left + width] = paint
    return out


def _inside(images: Tensor, params: Params) -> Tensor:
    """Mask the pixels in the boxes without a host sync, bool `[B, 1, H, W]`."""
    row = torch.arange(images.shape[2], device=images.device)[:, None] - params["top"][:, None, None, None]
    column = torch.arange(images.shape[3], device=images.device) - params["left"][:, None, None, None]
    in_rows = (row >= 0) & (row < params["height"][:, None, None, None])
    return in_rows & (column >= 0) & (column < params["width"][:, None, None, None])
