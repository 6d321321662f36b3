"""Ops that change colors: grayscale, color jitter, random convolution. They need float images in [0, 1]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from augment.base import FloatAugmentation, Params, coins, memory_format_of, require, uniform
from augment.indexing import change_some

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in gray: ITU-R BT.601, as kornia has them."""

_TINY = 1e-30
"""Below any difference of two float32 colors that an 8-bit screen could tell apart, and its inverse is finite."""


@dataclass(frozen=True)
class Grayscale(FloatAugmentation):
    """Replace the colors of all frames by their luma with probability `p`.

    Args:
        p: probability for each image.

    Raises:
        ValueError: `p` is outside [0, 1].

    Source:
        RAD (Laskin et al. 2020), section 3; p as in its code. Deliberate difference: the gray is not rounded to 8 bits.

    Examples:
        >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
        >>> Grayscale(p=1)(red).flatten()
        tensor([0.2990, 0.2990, 0.2990])
    """

    p: float = 0.3

    def __post_init__(self) -> None:
        require(0 <= self.p <= 1, "grayscale", "p", "in [0, 1]", self.p)

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        return {"gray": coins(shape[0], self.p, generator)}

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        return change_some(images, params["gray"], self._to_gray, {})

    def _to_gray(self, images: Tensor, params: Params) -> Tensor:
        gray = luma(*frames_of(images).unbind(2))
        return join_planes((gray, gray, gray), images)


@dataclass(frozen=True)
class ColorJitter(FloatAugmentation):
    """Change brightness, contrast, saturation and hue, in this order, each by its own random amount.

    With f uniform in [1 - option, 1 + option] (never below 0), every step ends in [0, 1]: brightness is `f * x`;
    contrast `mean + f * (x - mean)` with the mean luma of the frame; saturation `gray + f * (x - gray)`. The hue turns
    by a part of the circle uniform in [-hue, hue].

    Args:
        brightness, contrast, saturation: largest relative change.
        hue: largest turn, in turns: 0.5 reaches every hue.
        p: probability for each image.

    Raises:
        ValueError: an option is out of range.

    Source:
        RAD (Laskin et al. 2020), section 3; the steps as torchvision defines them. Deliberate differences: the hue
        reaches its full range (the original's stays within 0.354), any batch size and number of frames, a draw for each
        image, and the input is left alone.

    Examples:
        >>> ColorJitter(0, 0, 0, 0)(torch.full((1, 3, 1, 1), 0.5)).flatten()
        tensor([0.5000, 0.5000, 0.5000])
    """

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.5
    p: float = 1.0

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            require(0 <= getattr(self, name) <= 10, "color_jitter", name, "in [0, 10]", getattr(self, name))
        require(0 <= self.hue <= 0.5, "color_jitter", "hue", "in [0, 0.5]", self.hue)
        require(0 <= self.p <= 1, "color_jitter", "p", "in [0, 1]", self.p)

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        batch = shape[0]
        reach = {"brightness": self.brightness, "contrast": self.contrast, "saturation": self.saturation}
        factors = {name: uniform(batch, max(0.0, 1 - most), 1 + most, generator) for name, most in reach.items()}
        turn = uniform(batch, -self.hue, self.hue, generator)
        return {"jitter": coins(batch, self.p, generator), **factors, "hue": turn}

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        return change_some(images, params["jitter"], self._jitter, params)

    def _jitter(self, images: Tensor, params: Params) -> Tensor:
        dtype = torch.promote_types(images.dtype, torch.float32)
        factors = {name: value[:, None, None, None].to(dtype) for name, value in params.items()}
        planes = frames_of(images).permute(2, 0, 1, 3, 4).to(dtype).contiguous()  # [3, B, K, H, W]
        return join_planes(self._jitter_planes(planes, factors), images)

    def _jitter_planes(self, planes: Tensor, params: Params) -> Tensor:
        if self.brightness:
            planes = (planes * params["brightness"]).clamp_(0, 1)
        if self.contrast:
            mean = luma(*planes).mean((2, 3), keepdim=True)
            planes = (planes * params["contrast"]).add_(mean * (1 - params["contrast"])).clamp_(0, 1)
        if self.saturation:
            planes = torch.lerp(luma(*planes)[None], planes, params["saturation"]).clamp_(0, 1)
        return turn_hue(planes, params["hue"]) if self.hue else planes


@dataclass(frozen=True)
class RandomConv(FloatAugmentation):
    """Pass every frame through one random 3x3 convolution from three to three channels, then a sigmoid.

    The kernel is drawn from N(0, 1) for each image, and used on all frames of its stack; the border is repeated
    outwards. The sigmoid keeps the result in [0, 1].

    Source:
        SVEA (Hansen et al. 2021), appendix; Lee et al. 2020 for the idea. Deliberate difference: RAD's convolution
        leaves [0, 1].

    Examples:
        >>> out = RandomConv()(torch.rand(2, 9, 8, 8))
        >>> bool(out.min() >= 0), bool(out.max() <= 1)
        (True, True)
    """

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        return {"weight": torch.randn(shape[0], 3, 3, 3, 3, generator=generator)}

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        batch, channels, height, width = images.shape
        stacks = batch * channels // 3
        kernels = params["weight"].to(images.dtype).repeat_interleave(channels // 3, 0)
        padded = F.pad(images.reshape(1, -1, height, width), (1, 1, 1, 1), mode="replicate")
        mixed = F.conv2d(padded, kernels.view(-1, 3, 3, 3), groups=stacks)
        return mixed.sigmoid_().view(images.shape).contiguous(memory_format=memory_format_of(images))


def frames_of(images: Tensor) -> Tensor:
    """View `[B, 3 * K, H, W]` as `[B, K, 3, H, W]`."""
    return images.unflatten(1, (-1, 3))


def join_planes(planes: Iterable[Tensor], like: Tensor) -> Tensor:
    """Join red, green and blue, each `[B, K, H, W]`, to images of the type and memory format of `like`."""
    out = torch.empty_like(like)
    for target, plane in zip(frames_of(out).unbind(2), planes):
        target.copy_(plane)
    return out


def luma(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    """Return the gray of colors, three tensors of one shape with values in [0, 1]."""
    return (red * LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])


def turn_hue(planes: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue at constant value and chroma.

    A channel of a color with hue h is `low + chroma * clamp(2 - 6 * d, 0, 1)`, where d is the distance on the circle
    of hues, in turns, from h to that of the channel: 0 for red, 1/3 for green, 2/3 for blue. `planes` are red, green
    and blue, float `[3, ...]` in [0, 1]; `turn`, 1 for a full turn, can be broadcast to one plane.
    """
    high, low = planes.amax(0), planes.amin(0)
    chroma = high - low
    hue = _hue(planes, high, chroma).add_(turn)
    out = torch.empty_like(planes)
    for channel in range(3):
        distance = hue - channel / 3
        distance.sub_(distance.round()).abs_()
        share = torch.rsub(distance, 2, alpha=6).clamp_(0, 1)
        torch.addcmul(low, chroma, share, out=out[channel])
    return out.clamp_(0, 1)


def _hue(planes: Tensor, high: Tensor, chroma: Tensor) -> Tensor:
    """Return the hue in turns, up to whole turns; 0 for gray."""
    red, green, blue = planes
    scale = (1 / 6) / chroma.clamp(min=_TINY)
    near_red = (green - blue).mul_(scale)
    near_green = (blue - red).mul_(scale).add_(1 / 3)
    near_blue = (red - green).mul_(scale).add_(2 / 3)
    others = torch.lerp(near_green, near_blue, _is_above(high, green))
    return torch.lerp(near_red, others, _is_above(high, red))


def _is_above(high: Tensor, low: Tensor) -> Tensor:
    """Return 1 where `high > low` and 0 where they are equal; many times faster than `torch.where`."""
    return (high - low).mul_(1 / _TINY).clamp_(max=1)
