"""Files that stay whole: replaced in one step, and held by one process at a time; and objects of JSON."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

TEMPORARY_PREFIX = ".tmp-"


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of `path` when the block ends without an error.

    A kill or a power cut leaves the old file or the new one, never a part. The contents are on the disk before the name
    is; `sync_folder` makes the name itself durable. After an error the temporary file is gone and `path` is as before.
    A killed process leaves a file whose name starts with `TEMPORARY_PREFIX`.
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{path.name}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: those just created, replaced or removed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one object of JSON.

    Raises:
        ValueError: it holds something else; one line that names it.
        OSError: there is no such file, or it cannot be opened.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: it is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} cannot be read: it is a JSON {type(content).__name__}; expected an object")
    return content


def write_object(path: Path, content: Mapping[str, Any]) -> None:
    """Write an object of JSON, as `replacing` does."""
    with replacing(path) as file:
        file.write(json.dumps(content, indent=2).encode() + b"\n")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock `path`, an existing file, while the block runs, and at most while the process runs.

    It keeps out callers of this function only; reading and replacing are not blocked.

    Raises:
        BlockingIOError: another process holds it, or this one does already.
    """
    with path.open("rb+") as file:  # network file systems lock what can be written to
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BlockingIOError(f"{path.parent} is in use by another process") from None
        yield


def is_locked(path: Path) -> bool:
    """Tell whether a process holds `locked` on an existing file."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
