"""The base of all augmentations: a draw of parameters, and a pure function of images and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

Params = Mapping[str, Tensor]


class Stacks(Protocol):
    """Stacked images that need not be built: image i has the frames `frames[index[i]]` along its channels."""

    @property
    def frames(self) -> Tensor:
        """Single frames `[S, 3, H, W]`, uint8 or float, contiguous."""

    @property
    def index(self) -> Tensor:
        """Numbers of frames, int64 `[B, K]` on the device of the frames."""

    @property
    def images(self) -> Tensor:
        """The stacks `[B, 3 * K, H, W]`, built once."""


class Augmentation:
    """Change a batch of stacked images: one draw per image, the same for all frames of its stack.

    Images are `[B, 3 * K, H, W]` with K frames along the channels: uint8 in 0..255, or float in [0, 1]. The memory
    format of the input (channels-first or channels-last) is kept. An op holds options only; all randomness comes from
    the generator given to `draw`. A new op overrides `_draw` and `_apply`.
    """

    takes_bytes: ClassVar[bool] = True

    def draw(
        self, shape: Sequence[int], generator: torch.Generator | None = None, device: torch.device | str = "cpu"
    ) -> Params:
        """Draw one tensor per parameter, first axis B, for images of `shape` `[B, 3 * K, H, W]`.

        Args:
            shape: of the images.
            generator: a CPU generator, so that draws are the same for every device. Without one, fresh entropy of the
                operating system is used. The global generator is never touched.
            device: of the parameters returned.

        Raises:
            ValueError: the shape or the generator is of another kind, or the op cannot take the size.
            TypeError: the op's `_draw` does not return a mapping.
        """
        _check_shape(shape)
        self.output_size(shape[2], shape[3])
        drawn = self._draw(shape, _cpu_generator(generator))
        if not isinstance(drawn, Mapping):
            raise TypeError(f"{type(self).__name__}._draw must return tensors by name, got {type(drawn).__name__}")
        return {name: value.to(device, non_blocking=True) for name, value in drawn.items()}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        """Apply what `draw` returned for this shape; deterministic, and never in place.

        Images `[B, 3 * K, H, W]`, uint8 in 0..255 (if `takes_bytes`) or float in [0, 1], become
        `[B, 3 * K, *output_size(H, W)]` of the same type and memory format.

        Raises:
            TypeError: the images are neither float nor, where the op takes them, uint8.
            ValueError: the shape is not `[B, 3 * K, H, W]`.
        """
        _check_shape(images.shape)
        if not (images.is_floating_point() or (self.takes_bytes and images.dtype == torch.uint8)):
            allowed = "uint8 or float images" if self.takes_bytes else "float images in [0, 1]"
            raise TypeError(f"{type(self).__name__} takes {allowed}, got {images.dtype}")
        return self._apply(images, params)

    def apply_to_stacks(self, stacks: Stacks, params: Params) -> Tensor:
        """Return what `apply` makes of `stacks.images`; an op that copies pixels can copy them from the frames."""
        return self.apply(stacks.images, params)

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw and apply in one step."""
        return self.apply(images, self.draw(images.shape, generator, images.device))

    def evaluation(self) -> Augmentation:
        """Return the op to use at test time: deterministic, and of the same output size."""
        return Identity()

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) in pixels that images of this size come out with."""
        return height, width

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) in pixels to render at for the output to have this size."""
        return height, width

    def _draw(self, shape: Sequence[int], generator: torch.Generator) -> dict[str, Tensor]:
        return {}

    def _apply(self, images: Tensor, params: Params) -> Tensor:
        return images


@dataclass(frozen=True)
class Identity(Augmentation):
    """Leave the images as they are; the same tensor is returned."""


@dataclass(frozen=True)
class FloatAugmentation(Augmentation):
    """Base of the ops whose arithmetic needs float images in [0, 1]."""

    takes_bytes: ClassVar[bool] = False


def integers(count: int, low: int, high: int, generator: torch.Generator) -> Tensor:
    """Draw `count` integers, uniform over low..high with both ends included; int64 [count]."""
    return torch.randint(low, high + 1, (count,), generator=generator)


def uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Draw `count` numbers, uniform over [low, high); float32 [count]."""
    return torch.rand(count, generator=generator) * (high - low) + low


def coins(count: int, p: float, generator: torch.Generator) -> Tensor:
    """Draw `count` booleans that are true with probability `p`; bool [count]."""
    return torch.rand(count, generator=generator) < p


def is_channels_last(images: Tensor) -> bool:
    """Tell whether the channels of a pixel lie beside each other in memory."""
    return images.shape[1] > 1 and images.stride(1) == 1


def on_cpu(images: Tensor) -> bool:
    """Tell whether the host can read values, and loop over images, without waiting for a device."""
    return images.device.type == "cpu"


def memory_format_of(images: Tensor) -> torch.memory_format:
    """Return the memory format of `images`, which every op keeps."""
    return torch.channels_last if is_channels_last(images) else torch.contiguous_format


def require(condition: bool, op: str, name: str, allowed: str, value: object) -> None:
    """Raise `ValueError: OP: NAME must be ALLOWED, got VALUE` unless `condition` holds."""
    if not condition:
        raise ValueError(f"{op}: {name} must be {allowed}, got {value!r}")


def _check_shape(shape: Sequence[int]) -> None:
    if len(shape) != 4 or shape[1] % 3 or min(shape) < 1:
        raise ValueError(f"images must have the shape [B, 3 * frames, H, W], got {list(shape)}")


def _cpu_generator(generator: torch.Generator | None) -> torch.Generator:
    if generator is None:
        generator = torch.Generator()
        generator.seed()
    if generator.device.type != "cpu":
        raise ValueError(f"generator must be on the cpu, got one on {generator.device}")
    return generator
