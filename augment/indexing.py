"""Pick windows, pixels and images out of a batch, without a host sync on an accelerator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from augment.base import Params, Stacks, is_channels_last, memory_format_of, on_cpu

_CHUNK = 8
"""Images changed at a time on a CPU, so that intermediate results stay in its cache."""


def take_windows(images: Tensor, rows: Tensor, left: Tensor, width: int) -> Tensor:
    """Copy `width` pixels from column `left` of each listed row; the fastest crop that we measured.

    Images `[B, C, H, W]` of any type, rows int64 `[B, h]` in 0..H-1 and left int64 `[B]` give `[B, C, h, width]` in the
    memory format of the images. A run that leaves its row continues in the next.
    """
    source = _dense(images)
    batch, channels, height, full_width = source.shape
    if is_channels_last(source):
        first_row = torch.arange(batch, device=source.device)[:, None] * height
        starts = ((first_row + rows) * full_width + left[:, None]) * channels
        runs = _take_runs(source, starts, width * channels)
        return runs.view(batch, rows.shape[1], width, channels).permute(0, 3, 1, 2)
    planes = torch.arange(batch * channels, device=source.device).view(batch, channels)
    return _take_from_planes(source, planes, rows, left, width)


def take_stacked_windows(stacks: Stacks, rows: Tensor, left: Tensor, width: int) -> Tensor:
    """Do as `take_windows` of `stacks.images`, without building these."""
    source, channels = stacks.frames.contiguous(), stacks.frames.shape[1]
    planes = torch.add(torch.arange(channels, device=source.device), stacks.index[:, :, None], alpha=channels)
    return _take_from_planes(source, planes.flatten(1), rows, left, width)


def _take_from_planes(source: Tensor, planes: Tensor, rows: Tensor, left: Tensor, width: int) -> Tensor:
    """Take windows of planes, int64 `[B, C]`: numbers of channels of contiguous images, counted through all of them."""
    height, full_width = source.shape[2:]
    first_rows = torch.add(rows[:, None], planes[:, :, None], alpha=height)
    starts = torch.add(left[:, None, None], first_rows, alpha=full_width)
    return _take_runs(source, starts, width).view(*planes.shape, rows.shape[1], width)


def take_pixels(images: Tensor, index: Tensor) -> Tensor:
    """Copy pixels from anywhere in each image; index, int64 `[B, h, w]`, is row * W + column.

    Images `[B, C, H, W]` of any type give `[B, C, h, w]` in their memory format.
    """
    source = _dense(images)
    batch, channels, height, width = source.shape
    if is_channels_last(source):
        first = torch.arange(batch, device=source.device)[:, None, None] * (height * width)
        pixels = source.permute(0, 2, 3, 1).view(-1, channels)
        taken = pixels.index_select(0, (index + first).view(-1))
        return taken.view(*index.shape, channels).permute(0, 3, 1, 2)
    flat_index = index.reshape(batch, 1, -1).expand(-1, channels, -1)
    return source.view(batch, channels, -1).gather(2, flat_index).view(batch, channels, *index.shape[1:])


def take_images(images: Tensor, index: Tensor) -> Tensor:
    """Copy the images at `index`, int64 `[b]`, keeping the memory format."""
    if is_channels_last(images):
        return images.permute(0, 2, 3, 1).index_select(0, index).permute(0, 3, 1, 2)
    return images.index_select(0, index)


def change_some(images: Tensor, mask: Tensor, change: Callable[[Tensor, Params], Tensor], params: Params) -> Tensor:
    """Change those of images `[B, C, H, W]` that a mask, bool `[B]`, names; `change` keeps the shape.

    A CPU changes just those, a few at a time. An accelerator changes all and then selects, since counting the mask
    would make the host wait.
    """
    if not on_cpu(images):
        return torch.where(mask[:, None, None, None], change(images, params), images)
    index = mask.nonzero()[:, 0]
    out = images.clone() if len(index) < len(images) else torch.empty_like(images)
    for start in range(0, len(index), _CHUNK):
        part = index[start : start + _CHUNK]
        some = {name: value.index_select(0, part) for name, value in params.items()}
        for row, image in zip(part.tolist(), change(take_images(images, part), some)):
            out[row] = image  # much faster than out[part] = ..., which goes element by element
    return out


def _dense(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=memory_format_of(images))


def _take_runs(source: Tensor, starts: Tensor, length: int) -> Tensor:
    last = source.numel() - length
    runs = source.as_strided((last + 1, length), (1, 1))  # every run in memory; they overlap, nothing is copied
    return runs.index_select(0, starts.clamp(0, last).view(-1))
