"""Pictures that Gymnasium's own environments draw with pygame, read at the speed of a copy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BGRX = (0xFF0000, 0xFF00, 0xFF)  # masks of red, green and blue in a surface's little-endian words


@contextmanager
def quick_pixels(env: Any) -> Iterator[None]:
    """Let pygame's `surfarray.pixels3d` return a copy while an environment of Gymnasium draws; same bytes.

    These environments end a drawing with `np.array(pixels3d(surface))`. The view of the surface has its colors in
    reverse order, and NumPy copies it byte by byte: 2.9 of the 3.8 ms that a picture of LunarLander takes on one core
    (AMD EPYC, pygame-ce 2.5.8). They only read the view; other environments might write to it and keep it.
    """
    surfarray: Any = getattr(sys.modules.get("pygame"), "surfarray", None)
    if surfarray is None or not type(env).__module__.startswith("gymnasium."):
        yield
        return
    view = surfarray.pixels3d
    surfarray.pixels3d = lambda surface: read(surface) if _is_bgrx(surface) else view(surface)
    try:
        yield
    finally:
        surfarray.pixels3d = view


def read(surface: Any) -> NDArray[np.uint8]:
    """Return a surface of 32-bit words of blue, green, red as uint8 [W, H, 3], RGB, a transposed copy."""
    import cv2

    width, height = surface.get_size()
    words = np.frombuffer(surface.get_buffer(), np.uint8).reshape(height, -1, 4)[:, :width]
    return np.asarray(cv2.cvtColor(words, cv2.COLOR_BGRA2RGB), np.uint8).transpose(1, 0, 2)


def _is_bgrx(surface: Any) -> bool:
    return surface.get_bitsize() == 32 and surface.get_masks()[:3] == _BGRX
