"""Checkpoints that survive kills, full disks and damaged files, and that write no more than what is new.

    folder/blobs/<SHA-256>            bytes of tensors and arrays, shared by all checkpoints
    folder/<frames, 12 digits>.json   the manifest: everything else, the list of blobs, and its own SHA-256

A manifest is written after its blobs and makes the checkpoint; there is no other pointer to "the latest". One
process writes to a folder at a time.
"""

import errno
import hashlib
import json
import os
import platform
import re
import warnings
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from rad.runtime.checkpoint.blobs import BlobReader, BlobWriter, Damaged, remove_blobs_except
from rad.runtime.checkpoint.packing import decode, encode
from rad.runtime.files import TEMPORARY_PREFIX, replacing, sync_folder
from rad.runtime.run_dir import BLOBS

SCHEMA = 1
MANIFEST_NAME = re.compile(r"\d{12}\.json")
# The manifest is one JSON object; its bytes between head and tail are what the SHA-256 is of.
HEAD, MIDDLE, TAIL = b'{"sha256": "', b'", "manifest": ', b"}\n"
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class CheckpointError(OSError):
    """A checkpoint cannot be written or read; the text is one line that names the file and the reason."""


NOTHING: Mapping[str, str] = MappingProxyType({})


def save(
    folder: str | Path, frames: int, state: Mapping[str, Any], *, keep: int = 2, made_with: Mapping[str, str] = NOTHING
) -> Path:
    """Write a checkpoint, then remove the oldest ones and unused blobs.

    A checkpoint counts only when it is complete and on the disk; until then the previous one is the newest. Checkpoints
    beyond `frames`, left by an abandoned history, are removed.

    Args:
        folder: folder of the run's checkpoints; made if absent.
        frames: environment frames so far, 0 to 10^12 - 1.
        state: nested dicts, lists and tuples of tensors, NumPy arrays of numbers and plain values.
        keep: how many of the newest checkpoints to keep, at least 1.
        made_with: what must be equal for an exact resume, besides versions and threads; see `differences`.

    Returns:
        The path of the manifest.

    Raises:
        CheckpointError: the disk is full or cannot be written. The checkpoints from before are intact.
        TypeError: `state` holds something else than the above; the text says where.
        ValueError: `frames` or `keep` out of range.
    """
    if not 0 <= frames < 10**12:
        raise ValueError(f"frames must be from 0 to 10^12 - 1, got {frames}")
    if keep < 1:
        raise ValueError(f"keep must be 1 or more, got {keep}")
    folder = Path(folder)
    path = folder / f"{frames:012d}.json"
    try:
        _sweep(folder)  # what a killed process left may be what fills the disk
        try:
            _write(path, state, made_with)
            _remove_old(folder, frames, keep)
        finally:
            _sweep(folder)
    except OSError as error:
        reason = "disk full" if error.errno in NO_SPACE else "cannot write"
        detail = os.strerror(error.errno) if error.errno else str(error)
        raise CheckpointError(f"{reason}: {path}: {detail}; earlier checkpoints are intact") from error
    return path


def load(folder: str | Path, only: Collection[str] = (), frames: int | None = None) -> tuple[int, dict[str, Any]]:
    """Read the newest checkpoint that is whole, or the one of some frames; every byte that is read is checked.

    A damaged checkpoint is skipped with a warning that names the file and the reason. Reading all of it also removes
    damaged blobs, so that no later checkpoint refers to them; reading the entries `only` changes nothing.

    Returns:
        frames and state. Tensors are on the CPU, contiguous, and need no gradient.

    Raises:
        CheckpointError: there is no checkpoint, none is whole, or the newest needs a later version.
    """
    folder = Path(folder)
    reasons: list[str] = []
    for path in reversed(_manifests(folder)):
        if frames not in (None, int(path.stem)):
            continue
        try:
            of_frames, state = _read(path, only)
        except Damaged as error:
            reasons.append(f"{path.name}: {error}")
            continue
        if reasons:
            warnings.warn(f"damaged, going back to {path.name}: {'; '.join(reasons)}", RuntimeWarning, stacklevel=2)
        return of_frames, state
    why = f"no whole checkpoint in {folder}: {'; '.join(reasons)}" if reasons else f"no checkpoint in {folder}"
    raise CheckpointError(why)


def kept(folder: str | Path) -> list[int]:
    """Return the frames of all checkpoints, whole or damaged, in order."""
    return [int(path.stem) for path in _manifests(Path(folder))]


def exists(folder: str | Path) -> bool:
    """Tell whether `folder` holds a checkpoint, whole or damaged."""
    return bool(kept(folder))


def differences(folder: str | Path, made_with: Mapping[str, str] = NOTHING) -> list[str]:
    """List the differences between here and where the newest readable checkpoint was made, one line each.

    They are of versions, the number of threads and `made_with`; with any, a run resumes, but perhaps not bit for bit.

    Raises:
        CheckpointError: as `load`.
    """
    for path in reversed(_manifests(Path(folder))):
        try:
            then = _read_manifest(path)["made_with"]
        except Damaged:
            continue
        now = with_versions(made_with)
        changed = [name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name)]
        return [f"{name}: {then.get(name, 'not recorded')} then, {now.get(name)} now" for name in changed]
    raise CheckpointError(f"no readable checkpoint in {folder}")


def _write(path: Path, state: Mapping[str, Any], made_with: Mapping[str, str]) -> None:
    writer = BlobWriter(path.parent / BLOBS)
    tree = encode(state, writer.add)
    writer.close()
    manifest = {
        "schema": SCHEMA,
        "frames": int(path.stem),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "made_with": with_versions(made_with),
        "blobs": writer.blobs,
        "state": tree,
    }
    body = json.dumps(manifest, allow_nan=False).encode()
    with replacing(path) as file:
        file.write(HEAD + hashlib.sha256(body).hexdigest().encode() + MIDDLE + body + TAIL)
    sync_folder(path.parent)


def with_versions(made_with: Mapping[str, str]) -> dict[str, str | int]:
    """Return `made_with` and what of the installation must be equal for a run to continue bit for bit."""
    found: dict[str, str | int] = {
        "python": platform.python_version(),
        "torch": torch.__version__,  # with the build, +cpu or +cu130, which the package's metadata leaves out
        "num_threads": torch.get_num_threads(),
    }
    for package in ("rad-rl", "numpy", "mujoco"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, **made_with}


def _remove_old(folder: Path, frames: int, keep: int) -> None:
    kept = [path for path in _manifests(folder) if int(path.stem) <= frames][-keep:]
    for path in set(_manifests(folder)) - set(kept):
        path.unlink()
    sync_folder(folder)


def _sweep(folder: Path) -> None:
    """Remove temporary files, and blobs that no manifest mentions (a damaged one may still mention them)."""
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        path.unlink(missing_ok=True)
    manifests = b"".join(path.read_bytes() for path in _manifests(folder))
    remove_blobs_except(folder / BLOBS, {name.decode() for name in re.findall(rb"[0-9a-f]{64}", manifests)})


def _manifests(folder: Path) -> list[Path]:
    """List the manifests, oldest first."""
    return sorted(path for path in folder.glob("*.json") if MANIFEST_NAME.fullmatch(path.name))


def _read(path: Path, only: Collection[str]) -> tuple[int, dict[str, Any]]:
    manifest = _read_manifest(path)
    try:
        reader = BlobReader(path.parent / BLOBS, manifest["blobs"], remove_damaged=not only)
        tree = manifest["state"]
        if only:
            tree = {"dict": [[key, value] for key, value in tree["dict"] if key in only]}
        state = decode(tree, reader.fill)
        reader.read()
    except OSError as error:
        raise Damaged(f"cannot read: {error}") from error
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError) as error:
        raise Damaged(f"malformed: {type(error).__name__} {error}".splitlines()[0]) from error
    return manifest["frames"], state


def _read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest, its bytes, version and name checked."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Damaged(f"cannot read: {error}") from error
    start = len(HEAD) + 64 + len(MIDDLE)
    body = data[start : -len(TAIL)]
    if data != HEAD + hashlib.sha256(body).hexdigest().encode() + MIDDLE + body + TAIL:
        raise Damaged("contents do not match the SHA-256 of the manifest")
    try:
        manifest = json.loads(body)
        schema, frames, writer = manifest["schema"], manifest["frames"], manifest["made_with"].get("rad-rl")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(f"malformed: {type(error).__name__}") from error
    if schema != SCHEMA:
        needs = f"was written by rad-rl {writer}, needs checkpoint schema {schema}; this version reads {SCHEMA}"
        raise CheckpointError(f"{path} {needs}")
    if frames != int(path.stem):
        raise Damaged(f"is the manifest of frame {frames}")
    return dict(manifest)
