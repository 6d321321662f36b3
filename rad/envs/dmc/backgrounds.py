"""Sources of the moving pictures behind a robot: computed ones, or the user's; some to train with, others to test.

Nothing that a test shows may have been seen in training. Computed clips of the two sides differ in family and seed; the
user's are compared by content (`check_disjoint`).
"""

from __future__ import annotations

import abc
import functools
import hashlib
import os
from pathlib import Path
from typing import NoReturn

import numpy as np

from rad.envs.checks import require
from rad.envs.dmc.clip_families import KINDS
from rad.envs.dmc.clips import IMAGES, SIDE_PX, VIDEOS, Clip, FileClip, Picture, first_picture
from rad.settings import SettingError

SIDES = ("train", "test")
FAMILIES = {"train": ("fbm", "plasma"), "test": ("shapes", "checker", "stripes")}
SEEDS = {"train": range(0, 10**6), "test": range(10**6, 2 * 10**6)}
MIN_CLIPS = 4  # of a folder: the videos of the easiest benchmark, Distracting Control Suite (Stone et al. 2021), easy
_KEPT = 8  # decoded clips of a folder, at most 200 MB
_STRIDE = 25  # frames between two still pictures of a clip


class Source(abc.ABC):
    """The clips of one side."""

    side: str  # train or test

    @abc.abstractmethod
    def __len__(self) -> int:
        """Return the number of clips."""

    def clip(self, index: int) -> Clip:
        """Return a clip.

        Raises:
            IndexError: index is not from 0 to len - 1.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"index must be 0 to {len(self) - 1}, got {index}")
        return self._clip(index)

    @abc.abstractmethod
    def _clip(self, index: int) -> Clip:
        """Return the clip of an index that has been checked."""

    def digests(self) -> list[str]:
        """Return the digest of each clip."""
        return [self.clip(index).digest for index in range(len(self))]


class Generated(Source):
    """Computed clips, 1 to 10^6: clip i is of family `FAMILIES[side][i % n]` and has the seed `SEEDS[side][i]`.

    Raises:
        ValueError: the side is unknown or the count impossible.
    """

    def __init__(self, side: str, count: int) -> None:
        self.side = _check_side(side)
        require(1 <= count <= len(SEEDS[side]), "count", f"1 to {len(SEEDS[side])}", count)
        self._count = count

    def __len__(self) -> int:
        return self._count

    def _clip(self, index: int) -> Clip:
        families = FAMILIES[self.side]
        return KINDS[families[index % len(families)]](SEEDS[self.side][index])


class Folder(Source):
    """The user's images and videos, searched with subfolders, without hidden ones (`.name`).

    Files with the same content count once. Of more files than `count`, the choice is random, but the same for the same
    names and contents. Clips are in the order of their names, decoded at their first frame; the last few are kept.

    Raises:
        ValueError: the side is unknown, the count impossible, the folder missing, unreadable or with fewer than
            MIN_CLIPS different files, or a file does not open.
    """

    def __init__(self, side: str, path: Path, count: int) -> None:
        self.side, self._option = _check_side(side), f"{side}={path}"
        require(count >= 1, "count", "at least 1", count)
        self._root = Path(path)
        self._files = sorted(self._choose(count))  # names below the folder, and digests
        self._kept = functools.lru_cache(_KEPT)(lambda index: FileClip(self._root, *self._files[index]))
        for name, _ in self._files:
            self._check_opens(name)

    def __len__(self) -> int:
        return len(self._files)

    def digests(self) -> list[str]:
        """Return the SHA-256 of each file; nothing is decoded."""
        return [digest for _, digest in self._files]

    def _clip(self, index: int) -> Clip:
        return self._kept(index)

    def _choose(self, count: int) -> list[tuple[str, str]]:
        names = self._names()
        by_digest: dict[str, str] = {}
        # Shuffled, for a folder may be sorted by content. Only as many files are hashed as are needed.
        for index in np.random.default_rng(0).permutation(len(names)):
            if len(by_digest) < max(count, MIN_CLIPS):
                by_digest.setdefault(self._hash(names[index]), names[index])
        if len(by_digest) < MIN_CLIPS:
            allowed = f"at least {MIN_CLIPS}, of {', '.join(IMAGES + VIDEOS)}"
            problem = f"{self._option} has {len(by_digest)} different images or videos; allowed: {allowed}"
            raise SettingError("background_dir", problem)
        return [(name, digest) for digest, name in by_digest.items()][:count]

    def _names(self) -> list[str]:
        names = []
        for base, folders, files in os.walk(self._root, onerror=self._refuse):
            folders[:] = [folder for folder in folders if not folder.startswith(".")]
            fitting = [file for file in files if Path(file).suffix.lower() in IMAGES + VIDEOS]
            names += [(Path(base) / file).relative_to(self._root).as_posix() for file in fitting if file[0] != "."]
        return sorted(names)

    def _refuse(self, error: OSError) -> NoReturn:
        reason = f"{error.filename}: {error.strerror}"
        problem = f"{self._option} cannot be read ({reason}); allowed: a folder that can be read"
        raise SettingError("background_dir", problem) from error

    def _hash(self, name: str) -> str:
        try:
            with open(self._root / name, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            self._refuse(error)

    def _check_opens(self, name: str) -> None:
        if first_picture(self._root / name) is None:
            allowed = f"{', '.join(IMAGES + VIDEOS)} that OpenCV can decode"
            problem = f"{self._option} has {self._root / name}, which does not open; allowed: {allowed}"
            raise SettingError("background_dir", problem)


def check_disjoint(train: Source, test: Source) -> None:
    """Check that no clip to test with has the same bytes as one to train with.

    Raises:
        SettingError: some have; the text names up to three.
    """
    rows = {digest: row for row, digest in enumerate(train.digests())}
    shared = [(rows[digest], row) for row, digest in enumerate(test.digests()) if digest in rows]
    if shared:
        names = ", ".join(f"{train.clip(row).name} = {test.clip(other).name}" for row, other in shared[:3])
        names += ", ..." if len(shared) > 3 else ""
        text = f"train and test share {len(shared)} of their clips ({names}); allowed: none"
        raise SettingError("background_dir", text)


def pictures(source: Source, count: int, side_px: int = SIDE_PX) -> Picture:
    """Take still pictures from all clips in turn, 25 frames apart, for the overlay augmentation.

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
    require(side in SIDES, "side", " or ".join(SIDES), side)
    return side
