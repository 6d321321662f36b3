"""The base of all encoders: layers that turn images into a feature map, and the geometry of that map."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

ImageShape = tuple[int, int, int]
Window = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d


class ImageShapeError(ValueError):
    """An encoder cannot take images of a shape."""


@dataclass(frozen=True)
class ReceptiveField:
    """What the cells of a map see: cell i is centered on pixel `center + jump * i` along either axis."""

    jump: float
    """Pixels between the centers of neighboring cells."""
    center: float
    """Pixel coordinate of the first cell's center; 0 is the middle of the first pixel."""
    size: int
    """Width in pixels of the square that a cell sees."""


class Residual(nn.Sequential):
    """Compute y = x + f(x).

    Args:
        *layers: f. Its windows together have stride 1 and keep the size, so that f(x) lies on x. The first leaves x as
            it is; the last is a convolution, whose output the sum is written over.

    Raises:
        ValueError: f has another stride or size, begins in place or does not end with a convolution.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        if not layers or not isinstance(layers[-1], nn.Conv2d):
            raise ValueError(f"last layer of a residual block must be a Conv2d, got {layers[-1:]}")
        if getattr(layers[0], "inplace", False):
            raise ValueError(f"first layer of a residual block must not be in place, got {layers[0]}")
        field = walk(windows(self))
        if (field.jump, field.center) != (1, 0):
            got = f"{field.jump} and {field.center}"
            raise ValueError(f"layers of a residual block must have jump 1 and first center 0, got {got}")

    def forward(self, images: Tensor) -> Tensor:
        """Map float [B, C, H, W] to the same shape."""
        return super().forward(images).add_(images)  # a convolution's backward pass does not need its output


class Encoder(nn.Module):
    """Convolutional layers over an image, with a feature map and its flat form.

    Args:
        image_shape: (C, H, W) of the images that come in.
        layers: maps images [B, C, H, W] to a feature map [B, C', H', W']. Its windows (convolutions and poolings)
            are square and registered in the order in which they act, one after the other; what runs beside a
            shortcut is in a `Residual`. The first layer holds a window, and a layer that does begins a stage.

    Raises:
        ImageShapeError: an axis of `image_shape` is not positive, or the image is too small for a layer.
    """

    def __init__(self, image_shape: ImageShape, layers: nn.Sequential) -> None:
        super().__init__()
        self.image_shape = check_image_shape(image_shape)
        self.layers = layers
        self.map_shape = self._walk_shape()

    @property
    def feature_dim(self) -> int:
        """Number of features of one image: C' * H' * W'."""
        channels, height, width = self.map_shape
        return channels * height * width

    @property
    def num_stages(self) -> int:
        """Number of stages: a layer with windows, and the layers without any that follow it."""
        return len(self._stage_ends())

    def feature_map(self, images: Tensor, stage: int = -1) -> Tensor:
        """Encode images into the map [B, C', H', W'] that a stage puts out, in their memory format.

        Args:
            images: float [B, C, H, W] in [0, 1], of `image_shape`; any memory format.
            stage: 0 to `num_stages` - 1, or counted from the end by -1, -2, ...

        Raises:
            TypeError: `images` is not of a floating type.
            ValueError: `images` are not [B, *image_shape], or there is no such stage.
        """
        if not images.is_floating_point():
            raise TypeError(f"images must be of a floating type in [0, 1], got {images.dtype}")
        if tuple(images.shape[1:]) != self.image_shape:
            sides = ", ".join(map(str, self.image_shape))
            raise ValueError(f"images must have shape [B, {sides}], got {list(images.shape)}")
        end = self._end(stage)
        if end == len(self.layers):
            return self.layers(images)  # not a slice of it, so that its hooks are called
        return self.layers[:end](images)  # [B, C', H', W']

    def forward(self, images: Tensor) -> Tensor:
        """Encode images into flat features [B, feature_dim], cell by cell, the channels of a cell together.

        That is the order in which a channels-last map lies in memory, so that nothing is copied.
        """
        return _flat(self.feature_map(images))

    def forward_from(self, feature_map: Tensor, stage: int = -1) -> Tensor:
        """Go on from a stage's map to the flat features: `forward_from(feature_map(x, s), s)` is `forward(x)`."""
        return _flat(self.layers[self._end(stage) :](feature_map))

    def stage(self, stage: int) -> nn.Sequential:
        """Return the layers of one stage, the same modules: what is done to them is done to the encoder."""
        end = self._end(stage)
        start = max(other for other in [0, *self._stage_ends()] if other < end)
        return self.layers[start:end]

    def receptive_field(self, stage: int = -1) -> ReceptiveField:
        """Give step, first center and width, in input pixels, of what the cells of a stage's map see."""
        return walk(windows(self.layers[: self._end(stage)]))

    def _end(self, stage: int) -> int:
        """Return the number of layers up to the end of a stage."""
        ends = self._stage_ends()
        if not -len(ends) <= stage < len(ends):
            raise ValueError(f"stage must be 0 to {len(ends) - 1}, or -1 to {-len(ends)} from the end, got {stage}")
        return ends[stage]

    def _stage_ends(self) -> list[int]:
        starts = [number for number, layer in enumerate(self.layers) if windows(layer)]
        return [*starts[1:], len(self.layers)]

    def _walk_shape(self) -> ImageShape:
        channels, height, width = self.image_shape
        for number, window in enumerate(windows(self.layers), start=1):
            kernel, stride, padding = geometry(window)
            if min(height, width) + 2 * padding < kernel:
                raise ImageShapeError(
                    f"image_shape {self.image_shape} is too small: layer {number} gets {height} x {width} "
                    f"pixels and needs {kernel - 2 * padding}"
                )
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
            channels = window.out_channels if isinstance(window, nn.Conv2d) else channels
        return channels, height, width


def _flat(feature_map: Tensor) -> Tensor:
    return feature_map.permute(0, 2, 3, 1).flatten(1)  # [B, H' * W' * C']


def windows(layers: nn.Module) -> list[Window]:
    """List the convolutions and poolings of `layers` in the order in which they are registered."""
    return [layer for layer in layers.modules() if isinstance(layer, Window)]


def walk(windows: Iterable[Window]) -> ReceptiveField:
    """Give what a cell sees through windows that act one after the other.

    A window of k cells, stride s and padding p moves the first center by ((k - 1) / 2 - p) * jump, widens the
    field by (k - 1) * jump and multiplies the jump by s. A shortcut around windows that keep size and place
    changes nothing: its cell is the center of theirs.

    Source: Dumoulin and Visin 2016 (relation of sizes); Araujo, Norris and Sim 2019 (centers).
    """
    jump, center, size = 1, 0.0, 1
    for window in windows:
        kernel, stride, padding = geometry(window)
        center += ((kernel - 1) / 2 - padding) * jump
        size += (kernel - 1) * jump
        jump *= stride
    return ReceptiveField(jump, center, size)


def geometry(window: Window) -> tuple[int, int, int]:
    """Read (kernel, stride, padding) of a square convolution or pooling; dilation is in the kernel.

    Raises:
        ValueError: one of them differs between the two axes or is given by name, or sizes round up.
    """
    if getattr(window, "ceil_mode", False):
        raise ValueError("ceil_mode of a pooling layer must be False, as sizes of layers round down, got True")
    kernel, stride, padding = (
        _one_number(name, getattr(window, name)) for name in ("kernel_size", "stride", "padding")
    )
    dilation = _one_number("dilation", getattr(window, "dilation", 1))
    return dilation * (kernel - 1) + 1, stride, padding


def convolution(channels_in: int, channels_out: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """Make a convolution whose weights are to be set: those that torch gives it leave the global random state alone.

    Without memory (`device="meta"`) it would not need them, but torch would import sympy: 0.7 s in each process.
    """
    with torch.random.fork_rng(devices=[]):
        return nn.Conv2d(channels_in, channels_out, kernel, stride, padding)


def check_image_shape(image_shape: ImageShape) -> ImageShape:
    """Return `image_shape` as a tuple of ints.

    Raises:
        ImageShapeError: it is not three positive numbers.
    """
    shape = tuple(int(side) for side in image_shape)
    if len(shape) != 3 or min(shape) < 1:
        raise ImageShapeError(f"image_shape must be (C, H, W), each at least 1, got {tuple(image_shape)}")
    return shape[0], shape[1], shape[2]


def _one_number(name: str, value: int | str | tuple[int, ...]) -> int:
    numbers = {value} if isinstance(value, int | str) else set(value)
    number = numbers.pop()
    if numbers or not isinstance(number, int):
        raise ValueError(f"{name} of a layer must be one number for both axes, got {value!r}")
    return number
