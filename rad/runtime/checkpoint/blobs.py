"""Blobs of bytes in a folder, named by the SHA-256 of their contents: equal contents are written once."""

import hashlib
import re
from pathlib import Path

from rad.runtime.checkpoint.packing import PIECE_BYTES, Piece
from rad.runtime.files import TEMPORARY_PREFIX, replacing, sync_folder

NAME = re.compile(r"[0-9a-f]{64}")
SMALL_BYTES = PIECE_BYTES // 8  # shorter pieces share a blob: one write to wait for instead of hundreds


class Damaged(Exception):
    """A checkpoint cannot be used, an earlier one may; the text names the blob, if it is one, and says why."""


class BlobWriter:
    """Write pieces of bytes as blobs; `blobs` lists (name, size) in the order of their numbers.

    A blob that is on the disk with the right name and size is not written again.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._shared = bytearray()
        self._shared_number = 0
        self.blobs: list[tuple[str, int]] = []

    def add(self, data: memoryview) -> Piece:
        """Take a copy of `data`, and return [number of its blob, first byte in it, length]."""
        if len(data) >= SMALL_BYTES:
            blob = self._put(data)
            if blob not in self.blobs:
                self.blobs.append(blob)
            return [self.blobs.index(blob), 0, len(data)]
        if len(self._shared) >= PIECE_BYTES:
            self._put_shared()
        if not self._shared:
            self._shared_number = len(self.blobs)
            self.blobs.append(("", 0))
        self._shared += data
        return [self._shared_number, len(self._shared) - len(data), len(data)]

    def close(self) -> None:
        """Write what is held back and make everything durable."""
        self._put_shared()
        sync_folder(self._folder)

    def _put_shared(self) -> None:
        if self._shared:
            self.blobs[self._shared_number] = self._put(memoryview(self._shared))
            self._shared = bytearray()

    def _put(self, data: memoryview) -> tuple[str, int]:
        name = hashlib.sha256(data).hexdigest()
        path = self._folder / name
        if not (path.is_file() and path.stat().st_size == len(data)):
            with replacing(path) as file:
                file.write(data)
        return name, len(data)


class BlobReader:
    """Collect requests for pieces of `blobs`, each (name, size); then read and check those that have some once.

    Raises:
        ValueError: a name that is no SHA-256, which could lead out of the folder.
    """

    def __init__(self, folder: Path, blobs: list[tuple[str, int]], *, remove_damaged: bool = True) -> None:
        for name, _ in blobs:
            if not NAME.fullmatch(name):
                raise ValueError(f"blob name {name!r} is not 64 hexadecimal digits")
        self._folder, self._blobs, self._remove_damaged = folder, blobs, remove_damaged
        self._requests: list[list[tuple[memoryview, int]]] = [[] for _ in blobs]

    def fill(self, target: memoryview, pieces: list[Piece]) -> None:
        """Request `pieces` one after another in `target`; a ValueError for one that is not inside its blob."""
        start = 0
        for number, offset, length in pieces:
            if number < 0 or offset < 0 or length < 0 or offset + length > self._blobs[number][1]:
                raise ValueError(f"piece {[number, offset, length]} is outside its blob")
            self._requests[number].append((target[start : start + length], offset))
            start += length

    def read(self) -> None:
        """Read the blobs that have requests; Damaged if one is absent or not what its name says."""
        for (name, size), requests in zip(self._blobs, self._requests):
            data = memoryview(self._read_checked(name, size) if requests else b"")
            for target, offset in requests:
                target[:] = data[offset : offset + len(target)]

    def _read_checked(self, name: str, size: int) -> bytes:
        path = self._folder / name
        if not path.is_file():
            raise Damaged(f"blob {name} is missing")
        if path.stat().st_size != size:
            raise Damaged(f"blob {name} has {path.stat().st_size} bytes instead of {size}")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != name:
            # Before anything is written here it must go: a checkpoint of the same contents would trust its name.
            if self._remove_damaged:
                path.unlink(missing_ok=True)
            raise Damaged(f"blob {name} has contents that do not match its SHA-256")
        return data


def remove_blobs_except(folder: Path, names: set[str]) -> None:
    """Remove the blobs that are not in `names`, and what killed writers left. Other files stay."""
    for path in list(folder.iterdir()) if folder.is_dir() else []:
        unused = NAME.fullmatch(path.name) and path.name not in names
        if unused or path.name.startswith(TEMPORARY_PREFIX):
            path.unlink(missing_ok=True)
