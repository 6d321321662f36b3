"""Procgen at a high resolution: pictures of 512 px from a second native environment that is given a state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rad.envs.base import Frame
from rad.envs.procgen.native import Native, single_level
from rad.envs.procgen.options import ProcgenOptions


class Camera:
    """Draws native states of a game; they include their options."""

    def __init__(self, game: str, options: ProcgenOptions) -> None:
        self._make = lambda: Native(game, 1, 0, options, single_level(0), human=True)
        self._native: Native | None = None

    def draw(self, blob: bytes, size: int) -> Frame:
        """Return the picture of a state, uint8 [size, size, 3], resized from 512 px (area interpolation)."""
        import cv2

        self._native = self._native or self._make()
        self._native.set_blob(0, blob)
        picture: Any = cv2.resize(self._native.human_frame(), (size, size), interpolation=cv2.INTER_AREA)
        return picture

    def close(self) -> None:
        """Free the environment. Safe to call twice."""
        if self._native is not None:
            self._native.close()


class Pictures(Sequence[Frame]):
    """`count` pictures, each drawn by `draw` from its index whenever it is read."""

    def __init__(self, count: int, draw: Callable[[int], Frame]) -> None:
        self._indices, self._draw = range(count), draw

    def __len__(self) -> int:
        """Return their number."""
        return len(self._indices)

    def __getitem__(self, index: Any) -> Any:
        """Draw one."""
        return self._draw(self._indices[index])

    def __iter__(self) -> Iterator[Frame]:
        """Draw one after the other."""
        return map(self._draw, self._indices)
