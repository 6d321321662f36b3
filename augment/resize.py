"""Crop for frames whose size cannot be chosen: enlarge the image, then cut a window of its old size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from augment.base import Augmentation, FloatAugmentation, Params, memory_format_of, require
from augment.geometry import positions
from augment.indexing import take_windows


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

    Example:
        >>> ResizeCrop()(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 3, 64, 64])
        >>> ResizeCrop().resized(64, 64)
        (75, 75)
    """

    ratio: float = 75 / 64
    centered: bool = False

    def __post_init__(self) -> None:
        """Check the options."""
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
        return positions(batch, tall - height, wide - width, generator, self.centered)

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        height, width = images.shape[2:]
        dense = images.contiguous(memory_format=memory_format_of(images))
        large = interpolate(dense, self.resized(height, width), mode="bilinear", align_corners=False)
        rows = params["top"][:, None] + torch.arange(height, device=images.device)
        return take_windows(large, rows, params["left"], width)
