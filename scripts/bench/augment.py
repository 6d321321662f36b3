"""Stacks augmented per second, against kornia, torchvision and plain NumPy doing the same job.

The job: every image has a draw of its own, equal on all its frames. kornia draws for each image itself, and
needs floats; torchvision's kernels are called image by image with our draws; the NumPy version goes image by
image as well. Bytes go in where a side takes bytes, floats in [0, 1] elsewhere: no conversion is timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

import augment
from rad.runtime import device
from scripts.bench import Row, wall_s
from tests.reference import augment_naive as naive

Work = Callable[[], object]
SIDES = ("ours", "kornia", "torchvision", "numpy")


def run(batch: int = 128, frames: int = 3, seconds: float = 1.0) -> list[Row]:
    """Time each op of each side in turns, in this process with its threads, with the allocator tuned for all.

    Each call takes `batch` stacks of `frames` frames. An op is timed for `seconds`, or up to one turn longer.

    Returns:
        A row per op: `op`, stacks per second of each side from the median time (None: that side has no such
        op), and `ratio`, ours over the fastest of the others.
    """
    device.tune_allocator()
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        return [_row(name, batch, frames, seconds) for name in augment.names() if name != "none"]


def _row(name: str, batch: int, frames: int, seconds: float) -> Row:
    speeds = {side: batch / t for side, t in _times(sides(name, batch, frames), seconds).items()}
    others = [speed for side, speed in speeds.items() if side != "ours"]
    return {
        "op": name,
        **{f"{side}_per_s": speeds.get(side) for side in SIDES},
        "ratio": speeds["ours"] / max(others) if others else None,
    }


def _times(works: dict[str, Work], seconds: float) -> dict[str, float]:
    """Run all sides turn by turn, so that a busy machine hurts them alike; return median seconds per call."""
    for work in works.values():
        work()
    times: dict[str, list[float]] = {side: [] for side in works}
    end = time.perf_counter() + seconds
    while not times["ours"] or time.perf_counter() < end:
        for side, work in works.items():
            times[side].append(wall_s(work))
    return {side: median(values) for side, values in times.items()}


def sides(name: str, batch: int, frames: int) -> dict[str, Work]:
    """Return what each side has to call for one op; a call returns the images that come out."""
    op = augment.make(name, augment.default_size(name))
    side_px = op.input_size(*2 * (augment.default_size(name),))[0]
    stored = torch.randint(0, 256, (batch, 3 * frames, side_px, side_px), dtype=torch.uint8)
    floats = stored / 255
    ours = (stored if op.takes_bytes else floats).contiguous(memory_format=torch.channels_last)
    works: dict[str, Work] = {"ours": partial(op, ours, torch.Generator().manual_seed(0))}
    if name in KORNIA:
        works["kornia"] = partial(_kornia(*KORNIA[name]), floats.unflatten(1, (frames, 3)))
    if name in TORCHVISION:
        works["torchvision"] = partial(_one_by_one, op, TORCHVISION[name], stored if op.takes_bytes else floats)
    if hasattr(naive, name):
        plain = (stored if op.takes_bytes else floats).numpy()
        works["numpy"] = partial(getattr(naive, name), plain, np.random.default_rng(0))
    return works


def _one_by_one(op: augment.Augmentation, kernel: Callable[..., Tensor], images: Tensor) -> Tensor:
    params = op.draw(images.shape)
    rows = zip(*(value.tolist() for value in params.values()))
    stacks = images.unflatten(1, (-1, 3))
    return torch.stack([kernel(stack, **dict(zip(params, row))) for stack, row in zip(stacks, rows)]).flatten(1, 2)


def _kornia(name: str, options: dict[str, Any]) -> Callable[[Tensor], Tensor]:
    import kornia.augmentation as K

    video = K.VideoSequential(getattr(K, name)(**options), data_format="BTCHW", same_on_frame=True)
    return lambda stacks: video(stacks).flatten(1, 2)


def _tv(name: str, *arguments: Any) -> Tensor:
    from torchvision.transforms.v2 import functional

    return getattr(functional, name)(*arguments)


def _jitter(stack: Tensor, jitter: bool, brightness: float, contrast: float, saturation: float, hue: float) -> Tensor:
    factors = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
    for step, factor in factors.items():
        stack = _tv(f"adjust_{step}", stack, factor)
    return stack


def _shift(stack: Tensor, down: int, right: int) -> Tensor:
    padded = _tv("pad", stack, [4] * 4, 0, "edge")
    return _tv("crop", padded, 4 - down, 4 - right, *stack.shape[-2:])


def _resize_crop(stack: Tensor, top: int, left: int) -> Tensor:
    side = stack.shape[-1]
    large = _tv("resize", stack, [round(side * 75 / 64)] * 2)
    return _tv("crop", large, top, left, side, side)


def _erase(stack: Tensor, top: int, left: int, height: int, width: int, color: tuple[float, ...] = (0, 0, 0)) -> Tensor:
    scale = 255 if stack.dtype == torch.uint8 else 1
    paint = (torch.tensor(color) * scale).to(stack.dtype)
    return _tv("erase", stack, top, left, height, width, paint[:, None, None])


KORNIA: dict[str, tuple[str, dict[str, Any]]] = {
    "crop": ("RandomCrop", {"size": (84, 84)}),
    "translate": ("RandomCrop", {"size": (108, 108), "padding": 8}),
    "shift": ("RandomCrop", {"size": (84, 84), "padding": 4, "padding_mode": "replicate"}),
    "flip": ("RandomHorizontalFlip", {"p": 0.2}),
    "rotate": ("RandomRotation90", {"times": (1, 3), "p": 0.3}),
    "grayscale": ("RandomGrayscale", {"p": 0.3}),
    "color_jitter": ("ColorJitter", {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.5, "p": 1.0}),
    "cutout": ("RandomErasing", {"scale": (0.014, 0.128), "ratio": (0.33, 3.0), "p": 1.0}),
}

TORCHVISION: dict[str, Callable[..., Tensor]] = {
    "crop": lambda stack, top, left: _tv("crop", stack, top, left, 84, 84),
    "translate": lambda stack, top, left: _tv("pad", stack, [left, top, 8 - left, 8 - top]),
    "shift": _shift,
    "resize_crop": _resize_crop,
    "flip": lambda stack, flip: _tv("horizontal_flip", stack) if flip else stack,
    "rotate": lambda stack, quarters: _tv("rotate", stack, 90.0 * quarters) if quarters else stack,
    "grayscale": lambda stack, gray: _tv("rgb_to_grayscale", stack, 3) if gray else stack,
    "color_jitter": _jitter,
    "cutout": _erase,
    "cutout_color": _erase,
}
