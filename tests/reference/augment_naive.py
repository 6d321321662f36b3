"""Plain NumPy augmentations, image by image in a loop, as much code of the field has them; for comparison only.

All take images `[B, 3 * K, H, W]`, uint8 in 0..255 or float in [0, 1], and a generator, and return new images.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[Any]
LUMA = (0.299, 0.587, 0.114)


def crop(images: Images, rng: np.random.Generator, size: int = 84) -> Images:
    """Cut out a window of `size` px."""
    out = np.empty((*images.shape[:2], size, size), images.dtype)
    for target, image in zip(out, images):
        y, x = rng.integers(0, np.subtract(image.shape[1:], size) + 1)
        target[:] = image[:, y : y + size, x : x + size]
    return out


def translate(images: Images, rng: np.random.Generator, size: int = 108) -> Images:
    """Place the image in a black square of `size` px."""
    out = np.zeros((*images.shape[:2], size, size), images.dtype)
    for target, image in zip(out, images):
        y, x = rng.integers(0, np.subtract(size, image.shape[1:]) + 1)
        target[:, y : y + image.shape[1], x : x + image.shape[2]] = image
    return out


def shift(images: Images, rng: np.random.Generator, pad: int = 4) -> Images:
    """Pad by the border and crop."""
    padded = np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge")
    return crop(padded, rng, images.shape[2])


def resize_crop(images: Images, rng: np.random.Generator, ratio: float = 75 / 64) -> Images:
    """Enlarge bilinearly and crop the old size."""
    side = images.shape[2]
    large = round(side * ratio)
    places = np.clip((np.arange(large) + 0.5) * side / large - 0.5, 0, side - 1)
    low = np.floor(places).astype(int)
    high, weight = np.minimum(low + 1, side - 1), (places - low).astype(images.dtype)

    def enlarge(image: Images) -> Images:
        tall = image[:, low] * (1 - weight)[:, None] + image[:, high] * weight[:, None]
        return tall[:, :, low] * (1 - weight) + tall[:, :, high] * weight

    return crop(np.stack([enlarge(image) for image in images]), rng, side)


def flip(images: Images, rng: np.random.Generator) -> Images:
    """Mirror a fifth of the images."""
    return _each(images, lambda image: image[:, :, ::-1] if rng.random() < 0.2 else image)


def rotate(images: Images, rng: np.random.Generator) -> Images:
    """Turn three tenths of the images by quarters."""
    return _each(images, lambda image: np.rot90(image, rng.integers(1, 4), (1, 2)) if rng.random() < 0.3 else image)


def grayscale(images: Images, rng: np.random.Generator) -> Images:
    """Take the colors out of three tenths of the images."""
    return _each(images, lambda image: _gray(image) if rng.random() < 0.3 else image)


def color_jitter(images: Images, rng: np.random.Generator) -> Images:
    """Change brightness, contrast, saturation and hue."""

    def change(image: Images) -> Images:
        brightness, contrast, saturation = rng.uniform(0.6, 1.4, 3).astype(image.dtype)
        image = np.clip(image * brightness, 0, 1)
        gray = _gray(image)
        mean = gray.reshape(len(gray) // 3, -1).mean(1).repeat(3)[:, None, None]
        image = np.clip(mean + contrast * (image - mean), 0, 1)
        gray = _gray(image)
        image = np.clip(gray + saturation * (image - gray), 0, 1)
        return _turn_hue(image, rng.uniform(-0.5, 0.5))

    return _each(images, change)


def random_conv(images: Images, rng: np.random.Generator) -> Images:
    """Convolve each image's frames with a kernel of its own, then squash."""

    def change(image: Images) -> Images:
        weight = rng.standard_normal((3, 3, 3, 3)).astype(image.dtype)
        height, width = image.shape[1:]
        padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode="edge").reshape(-1, 3, height + 2, width + 2)
        total = sum(
            np.einsum("oi,kihw->kohw", weight[:, :, y, x], padded[:, :, y : y + height, x : x + width])
            for y in range(3)
            for x in range(3)
        )
        return (1 / (1 + np.exp(-total))).reshape(image.shape)

    return _each(images, change)


def cutout(images: Images, rng: np.random.Generator) -> Images:
    """Paint a black box."""
    return _paint(images, rng, lambda: np.zeros(3))


def cutout_color(images: Images, rng: np.random.Generator) -> Images:
    """Paint a box in one color."""
    scale = 255 if images.dtype == np.uint8 else 1
    return _paint(images, rng, lambda: rng.random(3) * scale)


def overlay(images: Images, rng: np.random.Generator) -> Images:
    """Blend half and half with one of 128 other images."""
    others = _others(*images.shape[2:])

    def change(image: Images) -> Images:
        other = others[rng.integers(len(others))]
        other = other[:, :, ::-1] if rng.random() < 0.5 else other
        return 0.5 * image + np.tile(other, (len(image) // 3, 1, 1)) * np.float32(0.5 / 255)

    return _each(images, change)


@cache
def _others(height: int, width: int) -> Images:
    return np.random.default_rng(0).integers(0, 256, (128, 3, height, width), np.uint8)


def _each(images: Images, change: Callable[[Images], Images]) -> Images:
    return np.stack([change(image) for image in images])


def _gray(image: Images) -> Images:
    frames = image.reshape(-1, 3, *image.shape[1:])
    gray = sum(frames[:, channel] * weight for channel, weight in enumerate(LUMA))
    return np.repeat(gray, 3, 0).astype(image.dtype, copy=False)


def _paint(images: Images, rng: np.random.Generator, color: Callable[[], Images]) -> Images:
    out = images.copy()
    for image in out:
        height, width = rng.integers(10, 31, 2)
        y, x = rng.integers(0, np.subtract(image.shape[1:], (height, width)) + 1)
        image[:, y : y + height, x : x + width] = np.tile(color(), len(image) // 3)[:, None, None]
    return out


def _turn_hue(image: Images, turn: float) -> Images:
    red, green, blue = image.reshape(-1, 3, *image.shape[1:]).swapaxes(0, 1)
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    chroma = high - low
    divisor = np.where(chroma > 0, chroma, 1)
    hue = np.where(
        high == red,
        (green - blue) / divisor,
        np.where(high == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    turned = [low + chroma * np.clip(np.abs((hue + 6 * turn - center) % 6 - 3) - 1, 0, 1) for center in (0, 2, 4)]
    return np.stack(turned, 1).reshape(image.shape).astype(image.dtype, copy=False)
