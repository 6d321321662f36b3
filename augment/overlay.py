"""Blend images with pictures unrelated to the task: given, from a folder, or generated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from augment.base import FloatAugmentation, Params, coins, integers, memory_format_of, require
from augment.indexing import change_some, take_images

_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")


@dataclass(frozen=True)
class Overlay(FloatAugmentation):
    """Blend all frames of an image with one distractor: `(1 - alpha) * x + alpha * distractor`.

    The distractors are resized to the images, and half of them are mirrored.

    Args:
        alpha: weight of the distractor.
        folder: a folder of pictures, searched with its subfolders; empty for generated ones. In a spec a path needs
            quotes, in a shell within others: `"overlay:folder='/data/places365'"`.
        count: how many distractors are generated, or taken at most from the folder.
        seed: of their choice.
        images: distractors, uint8 `[M, 3, h, w]`, instead of folder, count and seed.

    Raises:
        ValueError: an option is out of range, the folder holds no picture, or a picture cannot be read.

    Source:
        SODA (Hansen and Wang 2021), section 4.3, and SVEA (Hansen et al. 2021): alpha 0.5. Deliberate difference:
        theirs are photographs of Places365, which the user has to bring; without a folder they are generated.

    Examples:
        >>> gray = torch.full((1, 3, 2, 2), 128, dtype=torch.uint8)
        >>> Overlay(images=gray)(torch.zeros(1, 3, 8, 8))[0, 0, 0, 0]
        tensor(0.2510)
    """

    alpha: float = 0.5
    folder: str = ""
    count: int = 128
    seed: int = 0
    images: Tensor | None = field(default=None, repr=False, compare=False)
    _laid_out: dict[tuple[object, ...], Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require(0 <= self.alpha <= 1, "overlay", "alpha", "in [0, 1]", self.alpha)
        require(self.count >= 1, "overlay", "count", "at least 1", self.count)
        if self.images is not None:
            shape, dtype = list(self.images.shape), self.images.dtype
            fits = len(shape) == 4 and shape[1] == 3 and min(shape) > 0 and dtype == torch.uint8
            require(fits, "overlay", "images", "uint8 [M, 3, h, w]", f"{dtype} {shape}")
        elif self.folder:
            require(bool(self._files), "overlay", "folder", f"one with {', '.join(_SUFFIXES)} files", self.folder)

    @cached_property
    def distractors(self) -> Tensor:
        """The distractors at their own size, uint8 `[M, 3, h, w]`."""
        if self.images is not None:
            return self.images
        if self.folder:
            return torch.stack([read_picture(path) for path in self._files])
        return generate_pictures(self.count, self.seed)

    @cached_property
    def _files(self) -> list[Path]:
        paths = sorted(path for path in Path(self.folder).rglob("*") if path.suffix.lower() in _SUFFIXES)
        order = torch.randperm(len(paths), generator=torch.Generator().manual_seed(self.seed))
        return [paths[index] for index in order[: self.count].tolist()]

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        last = len(self.distractors) - 1
        return {"index": integers(shape[0], 0, last, generator), "flip": coins(shape[0], 0.5, generator)}

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        return change_some(images, torch.ones_like(params["flip"]), self._blend, params)

    def _blend(self, images: Tensor, params: Params) -> Tensor:
        index = params["index"] + params["flip"] * len(self.distractors)
        others = take_images(self._like(images), index)
        return images.lerp(others.to(images.dtype).mul_(1 / 255), self.alpha)

    def _like(self, images: Tensor) -> Tensor:
        """Return the distractors, then their mirror images, laid out like the images; kept for the next call."""
        layout = memory_format_of(images)
        key = (*images.shape[1:], layout, images.device)
        if key not in self._laid_out:
            resized = resize(self.distractors, images.shape[2], images.shape[3])
            both = torch.cat([resized, resized.flip(3)]).repeat(1, images.shape[1] // 3, 1, 1)
            self._laid_out[key] = both.contiguous(memory_format=layout).to(images.device)
        return self._laid_out[key]


def read_picture(path: Path, side: int = 128) -> Tensor:
    """Read the central square of a picture file, uint8 `[3, side, side]` in RGB.

    Raises:
        ValueError: the file is no picture.
    """
    import cv2

    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f"overlay: folder must hold pictures only, got {path}, which cannot be read")
    height, width = pixels.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = cv2.resize(pixels[top : top + edge, left : left + edge], (side, side), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(square[:, :, ::-1].copy()).permute(2, 0, 1)


@cache
def generate_pictures(count: int, seed: int, side: int = 128) -> Tensor:
    """Generate cloudy color pictures, uint8 `[count, 3, side, side]`, each channel from 0 to 255.

    Each is noise whose amplitude falls with frequency f as 1 / f^s, s uniform in [1, 2]; the color channels are random
    mixtures of three such fields. Every second one is cut into flat areas with sharp edges.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, 3, side, side, generator=generator)
    steepness = 1 + torch.rand(count, 1, 1, 1, generator=generator)
    frequency = torch.hypot(torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1 / side
    fields = torch.fft.irfft2(torch.fft.rfft2(noise) * frequency.pow(-steepness), s=(side, side))
    mixed = torch.einsum("nij,njhw->nihw", torch.randn(count, 3, 3, generator=generator), fields)
    low, high = mixed.amin((2, 3), keepdim=True), mixed.amax((2, 3), keepdim=True)
    pictures = (mixed - low) / (high - low)
    levels = torch.randint(2, 6, (count, 1, 1, 1), generator=generator)[1::2]
    pictures[1::2] = (pictures[1::2] * levels).floor().minimum(levels - 1) / (levels - 1)
    return (pictures * 255).round().to(torch.uint8)


def resize(pictures: Tensor, height: int, width: int) -> Tensor:
    """Resize uint8 `[M, 3, h, w]` to `[M, 3, height, width]`, averaging where it shrinks."""
    if pictures.shape[2:] == (height, width):
        return pictures
    resized = F.interpolate(pictures.float(), (height, width), mode="bilinear", antialias=True)
    return resized.round_().clamp_(0, 255).to(torch.uint8)
