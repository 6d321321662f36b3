"""A run folder, read back, and what made the run."""

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from rad.runtime.files import read_object
from rad.runtime.metrics_file import Row, read_rows
from rad.runtime.migrate import migrate
from rad.runtime.run_dir import BLOBS, CHECKPOINTS, CONFIG_FILE, DONE_FILE, METRICS_FILE


class Run(NamedTuple):
    """A run folder as read."""

    folder: Path  # where it was read
    config: dict[str, Any]  # config.json as plain values
    rows: list[Row]  # rows of metrics.jsonl, in order, see `rad.runtime.metrics_file`

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.resolve().name


def column(rows: Iterable[Row], metric: str) -> list[float]:
    """Return a metric of some rows; NaN where a row lacks it or it was not finite."""
    return [math.nan if row.get(metric) is None else float(row[metric]) for row in rows]


def read_run(folder: Path) -> Run:
    """Read config.json and metrics.jsonl of a run, finished or still going.

    Raises:
        ValueError: the folder or one of the two files does not exist, or is damaged.
    """
    if not folder.is_dir():
        raise ValueError(f"run folder '{folder}' does not exist")
    for name in (CONFIG_FILE, METRICS_FILE):
        if not (folder / name).is_file():
            raise ValueError(f"'{folder}' is not a run folder: it has no {name}")
    return Run(folder, migrate(read_object(folder / CONFIG_FILE)), read_rows(folder / METRICS_FILE))


def made_with(run: Run) -> dict[str, str]:
    """Return versions, device, precision and more that a run was made with; empty if nothing records them.

    They stand in `done.json` at the end, and in each checkpoint, which may be gone.
    """
    try:
        recorded = read_object(run.folder / DONE_FILE).get("made_with")
    except (OSError, ValueError):
        recorded = None
    if isinstance(recorded, dict):
        return {str(name): str(value) for name, value in recorded.items()}
    return newest_checkpoint(run)[1]


def newest_checkpoint(run: Run) -> tuple[int, dict[str, str]]:
    """Return the frames of the newest checkpoint of a run and what it was made with; 0 and empty if there is none."""
    for frames, manifest in _manifests(run):
        with suppress(LookupError, TypeError, AttributeError):  # damaged: try the one before
            return frames, {str(name): str(value) for name, value in manifest["made_with"].items()}
    return 0, {}


def has_checkpoint(run: Run) -> bool:
    """Tell whether a checkpoint of a run has all its files, in their lengths, which are not read.

    Of some runs only the record of a checkpoint is kept.
    """
    return any(_has_files(run, manifest) for _, manifest in _manifests(run))


def _manifests(run: Run) -> Iterator[tuple[int, Any]]:
    """Yield the frames and the contents of the checkpoints that can be read, the newest first."""
    for path in sorted((run.folder / CHECKPOINTS).glob("*.json"), reverse=True):
        with suppress(OSError, ValueError, LookupError):
            yield int(path.stem), read_object(path)["manifest"]


def _has_files(run: Run, manifest: Any) -> bool:
    blobs = run.folder / CHECKPOINTS / BLOBS
    try:
        return all((blobs / name).stat().st_size == size for name, size in manifest["blobs"])
    except (OSError, ValueError, LookupError, TypeError):
        return False
