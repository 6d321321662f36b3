"""A run folder, read back."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from rad.runtime.files import read_object
from rad.runtime.metrics_file import Row, read_rows
from rad.runtime.migrate import migrate
from rad.runtime.run_dir import CONFIG_FILE, METRICS_FILE


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
