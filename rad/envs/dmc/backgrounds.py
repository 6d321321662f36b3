"""Sources of the moving pictures behind a robot: computed ones, or the user's own; some to train with, others to test.

Nothing that a test shows may have been seen in training. Computed clips of the two sides differ in their family and
in their seed; the user's own are compared by content (`check_disjoint`).
"""

from __future__ import annotations

import abc
import hashlib
import os
from collections import OrderedDict
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from rad.envs.dmc.clip_families import KINDS
from rad.envs.dmc.clips import IMAGES, SIDE_PX, VIDEOS, Clip, FileClip, Picture, first_picture

__all__ = [
    "FAMILIES",
    "MIN_CLIPS",
    "SEEDS",
    "SIDES",
    "Clip",
    "Folder",
    "Generated",
    "Source",
    "check_disjoint",
    "pictures",
]

SIDES = ("train", "test")
FAMILIES = {"train": ("fbm", "plasma"), "test": ("shapes", "checker", "stripes")}
SEEDS = {"train": range(0, 10**6), "test": range(10**6, 2 * 10**6)}
MIN_CLIPS = 4  # of a folder: the videos of the easiest benchmark, Distracting Control Suite (Stone et al. 2021), easy
_KEPT = 8  # decoded clips of a folder, at most 200 MB
_STRIDE = 25  # frames between two still pictures of a clip


class Source(abc.ABC):
    """The clips of one side.

    Attributes:
        side: `train` or `test`.
    """

    side: str

    @abc.abstractmethod
    def __len__(self) -> int:
        """Return the number of clips."""

    def clip(self, index: int) -> Clip:
        """Return a clip.

        Raises:
            IndexError: index is not from 0 to len - 1.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"index {index} is impossible; allowed: 0 to {len(self) - 1}")
        return self._clip(index)

    @abc.abstractmethod
    def _clip(self, index: int) -> Clip:
        """Return the clip of an index that has been checked."""

    def digests(self) -> list[str]:
        """Return the digest of each clip."""
        return [self.clip(index).digest for index in range(len(self))]


class Generated(Source):
    """Computed clips: clip i is of family `FAMILIES[side][i % n]` and has the seed `SEEDS[side][i]`.

    Args:
        side: `train` or `test`.
        count: number of clips, 1 to 10^6.

    Raises:
        ValueError: the side is unknown or the count impossible.
    """

    def __init__(self, side: str, count: int) -> None:
        self.side = _check_side(side)
        if not 1 <= count <= len(SEEDS[side]):
            raise ValueError(f"count {count} is impossible; allowed: 1 to {len(SEEDS[side])}")
        self._count = count

    def __len__(self) -> int:
        """Return the number of clips."""
        return self._count

    def _clip(self, index: int) -> Clip:
        families = FAMILIES[self.side]
        return KINDS[families[index % len(families)]](SEEDS[self.side][index])


class Folder(Source):
    """The user's own images and videos, searched with subfolders; what is hidden (`.name`) is left out.

    Files with the same content count once. Of more files than `count`, the choice is random, but the same for the
    same names and contents. Clips are in the order of their names. Files are decoded when their frames are asked
    for, and the last few clips are kept.

    Args:
        side: `train` or `test`.
        path: the folder.
        count: clips at most, positive.

    Raises:
        ValueError: the side is unknown, the count impossible, the folder missing or unreadable, if it holds
            fewer than MIN_CLIPS different files, or if a chosen one does not open.
    """

    def __init__(self, side: str, path: Path, count: int) -> None:
        self.side, self._option = _check_side(side), f"background_dir {side}={path}"
        if count < 1:
            raise ValueError(f"count {count} is impossible; allowed: 1 and more")
        self._root, self._kept = Path(path), OrderedDict[int, Clip]()
        self._files = sorted(self._choose(count))  # names below the folder, and digests
        for name, _ in self._files:
            self._check_opens(name)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a worker process is sent: no decoded clips, whose open files cannot travel."""
        return {**self.__dict__, "_kept": OrderedDict()}

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._files)

    def digests(self) -> list[str]:
        """Return the SHA-256 of each file; nothing is decoded."""
        return [digest for _, digest in self._files]

    def _clip(self, index: int) -> Clip:
        if index not in self._kept:
            name, digest = self._files[index]
            self._kept[index] = FileClip(self._root / name, name, digest)
        self._kept.move_to_end(index)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[index]

    def _choose(self, count: int) -> list[tuple[str, str]]:
        names = self._names()
        found: dict[str, str] = {}  # by digest
        # Shuffled, for a folder may be sorted by what is seen. A few files are hashed, not a large data set.
        for place in np.random.default_rng(0).permutation(len(names)):
            if len(found) < max(count, MIN_CLIPS):
                found.setdefault(self._hash(names[place]), names[place])
        if len(found) < MIN_CLIPS:
            allowed = f"at least {MIN_CLIPS}, of {', '.join(IMAGES + VIDEOS)}"
            raise ValueError(f"{self._option} has {len(found)} different images or videos; allowed: {allowed}")
        return [(name, digest) for digest, name in found.items()][:count]

    def _names(self) -> list[str]:
        """Return the images and videos below the folder, sorted."""
        names = []
        for base, folders, files in os.walk(self._root, onerror=self._refuse):
            folders[:] = [folder for folder in folders if not folder.startswith(".")]
            fitting = [file for file in files if Path(file).suffix.lower() in IMAGES + VIDEOS]
            names += [(Path(base) / file).relative_to(self._root).as_posix() for file in fitting if file[0] != "."]
        return sorted(names)

    def _refuse(self, error: OSError) -> NoReturn:
        found = f"{error.filename}: {error.strerror}"
        raise ValueError(f"{self._option} cannot be read ({found}); allowed: a folder that can be read") from error

    def _hash(self, name: str) -> str:
        try:
            with open(self._root / name, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            self._refuse(error)

    def _check_opens(self, name: str) -> None:
        if first_picture(self._root / name) is None:
            allowed = f"{', '.join(IMAGES + VIDEOS)} that OpenCV can decode"
            raise ValueError(f"{self._option} has {self._root / name}, which does not open; allowed: {allowed}")


def check_disjoint(train: Source, test: Source) -> None:
    """See that no clip of the one side has the same content, byte for byte, as one of the other.

    Raises:
        ValueError: one has; the text names up to three.
    """
    places = {digest: index for index, digest in enumerate(train.digests())}
    both = [(places[digest], index) for index, digest in enumerate(test.digests()) if digest in places]
    if both:
        named = [f"{train.clip(ours).name} = {test.clip(theirs).name}" for ours, theirs in both[:3]]
        more = ", ..." if len(both) > 3 else ""
        raise ValueError(
            f"background_dir train and test share {len(both)} of their clips ({', '.join(named)}{more}); allowed: none"
        )


def pictures(source: Source, count: int, side_px: int = SIDE_PX) -> Picture:
    """Take still pictures from a source, for the overlay augmentation.

    They come from all clips in turn, and from one clip at times that are 25 frames apart.

    Args:
        source: the clips.
        count: number of pictures.
        side_px: height and width.

    Returns:
        uint8 [count, 3, side_px, side_px], RGB.
    """
    taken = np.empty((count, side_px, side_px, 3), np.uint8)
    for index in range(min(count, len(source))):
        clip = source.clip(index)
        for row in range(index, count, len(source)):
            taken[row] = clip.frame(row // len(source) * _STRIDE, side_px)
    return np.ascontiguousarray(taken.transpose(0, 3, 1, 2))


def _check_side(side: str) -> str:
    if side not in SIDES:
        raise ValueError(f"side {side!r} is unknown; allowed: {', '.join(SIDES)}")
    return side
