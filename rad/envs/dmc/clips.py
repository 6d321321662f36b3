"""Moving pictures that are put behind a robot: what a clip is, and clips from image and video files."""

from __future__ import annotations

import abc
import functools
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.envs.checks import require

Picture = NDArray[np.uint8]

SIDE_PX = 128  # every clip is computed or kept at this size, so that frames of all sizes show the same
IMAGES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
VIDEOS = (".avi", ".gif", ".mkv", ".mov", ".mp4", ".webm")
MAX_FRAMES = 500  # of a video; 25 MB at 128 px


class Clip(abc.ABC):
    """A video without end, whose frames depend on the time alone.

    Attributes:
        name: for logs and errors.
        starts: frames, from the first on, that an episode may start with.
    """

    name: str
    starts = 1

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of three frames, or of the file, in hexadecimal."""
        return hashlib.sha256(b"".join(self._draw(t).tobytes() for t in (0, 13, 37))).hexdigest()

    @abc.abstractmethod
    def _draw(self, t: int) -> Picture:
        """Draw a frame, uint8 [SIDE_PX, SIDE_PX, 3], RGB; not to be written to."""

    def frame(self, t: int, size: int) -> Picture:
        """Return a copy of the frame at agent step `t` >= 0, uint8 [size, size, 3], RGB.

        Raises:
            ValueError: t is negative.
            OSError: the file can no longer be read.
        """
        require(t >= 0, "t", "at least 0", t)
        return resize(self._draw(t), size)


def resize(picture: Picture, size: int) -> Picture:
    """Return a square picture [h, h, 3] as a new one [size, size, 3], averaging where it shrinks."""
    import cv2

    method = cv2.INTER_AREA if size < len(picture) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (size, size), interpolation=method), np.uint8)


class FileClip(Clip):
    """An image, or a video that plays forward and backward in turns, so that nothing jumps: `name`, below `folder`."""

    def __init__(self, folder: Path, name: str, digest: str) -> None:
        self.name, self.digest, self._path = name, digest, folder / name
        self._pictures: list[Picture] = []
        self._reader = _read(self._path)

    def _draw(self, t: int) -> Picture:
        """Decode up to a frame and return it."""
        with _quiet_opencv():
            while len(self._pictures) <= t and (picture := next(self._reader, None)) is not None:
                self._pictures.append(picture)
        if not self._pictures:
            raise OSError(f"background {self._path} can no longer be read")
        last = len(self._pictures) - 1
        phase = t % max(2 * last, 1)
        return self._pictures[min(phase, 2 * last - phase)]


def first_picture(path: Path) -> Picture | None:
    """Return the first picture of a file, uint8 [SIDE_PX, SIDE_PX, 3], or None if it does not open."""
    with _quiet_opencv():
        return next(_read(path), None)


def _read(path: Path) -> Iterator[Picture]:
    """Yield the pictures of a file, uint8 [SIDE_PX, SIDE_PX, 3]; none if it does not open."""
    import cv2

    if path.suffix.lower() in IMAGES:
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if pixels is not None:
            yield _central_square(pixels)
        return
    video = cv2.VideoCapture(str(path))
    try:
        for _ in range(MAX_FRAMES):
            success, pixels = video.read()
            if not success:
                return
            yield _central_square(pixels)
    finally:
        video.release()


def _central_square(pixels: Any) -> Picture:
    """Cut [h, w, 3] in OpenCV's order BGR to its central square and return it in RGB."""
    edge = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - edge) // 2, (pixels.shape[1] - edge) // 2
    square = resize(pixels[top : top + edge, left : left + edge], SIDE_PX)
    return np.ascontiguousarray(square[:, :, ::-1])


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Keep OpenCV's messages about a broken file off the terminal: the error names the file."""
    import cv2

    before = cv2.setLogLevel(0)  # silent
    try:
        yield
    finally:
        cv2.setLogLevel(before)
