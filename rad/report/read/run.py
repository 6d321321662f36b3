"""A run folder, read back."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rad.runtime.files import read_object
from rad.runtime.metrics_file import Row, read_rows
from rad.runtime.migrate import migrate
from rad.runtime.run_dir import CONFIG_FILE, METRICS_FILE


@dataclass(frozen=True)
class Run:
    """What a run folder holds.

    Attributes:
        folder: where it was read.
        config: config.json as plain values.
        rows: rows of metrics.jsonl, in order, see `rad.runtime.metrics_file`.
    """

    folder: Path
    config: dict[str, Any]
    rows: list[Row]

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.resolve().name


def column(rows: Iterable[Row], metric: str) -> list[float]:
    """Return a metric of some rows; NaN where one has none, or one that was not finite."""
    return [math.nan if row.get(metric) is None else float(row[metric]) for row in rows]


def read_run(folder: str | Path) -> Run:
    """Read config.json and metrics.jsonl of a run, finished or still going.

    Raises:
        ValueError: the folder or one of the two files does not exist or cannot be read as what it should be.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"run folder '{folder}' does not exist")
    for name in (CONFIG_FILE, METRICS_FILE):
        if not (folder / name).is_file():
            raise ValueError(f"'{folder}' is no run folder: it has no {name}")
    return Run(folder, migrate(read_object(folder / CONFIG_FILE)), read_rows(folder / METRICS_FILE))
