"""A run folder, read back."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rad.runtime.migrate import migrate
from rad.runtime.run_dir import CONFIG_FILE, METRICS_FILE

Row = dict[str, Any]


@dataclass(frozen=True)
class Series:
    """One metric over a run.

    Attributes:
        frames: environment frames of each row.
        agent_steps: agent steps of each row.
        values: the metric; NaN where the run wrote none or one that was not finite.
    """

    frames: list[int]
    agent_steps: list[int]
    values: list[float]


@dataclass(frozen=True)
class Run:
    """What a run folder holds.

    Attributes:
        folder: where it was read.
        config: config.json as plain values.
        rows: rows of metrics.jsonl, in order; each has kind, frames, agent_steps and time_s.
    """

    folder: Path
    config: dict[str, Any]
    rows: list[Row]

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.resolve().name

    def series(self, kind: str, metric: str) -> Series:
        """Return a metric of all rows of a kind, in order; empty if there is no such row."""
        rows = [row for row in self.rows if row["kind"] == kind]
        values = [math.nan if row.get(metric) is None else float(row[metric]) for row in rows]
        return Series([row["frames"] for row in rows], [row["agent_steps"] for row in rows], values)


def read_run(folder: str | Path) -> Run:
    """Read config.json and metrics.jsonl of a run, finished or still going.

    The last line of metrics.jsonl may be torn, as a killed run leaves it, and is then dropped.

    Args:
        folder: the run folder.

    Returns:
        What it holds.

    Raises:
        ValueError: the folder or one of the two files does not exist or cannot be read as what it should be.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"run folder '{folder}' does not exist")
    config = folder / CONFIG_FILE
    return Run(folder, migrate(_parse(_text(config), f"'{config}'")), _rows(folder / METRICS_FILE))


def _text(path: Path) -> str:
    if not path.is_file():
        raise ValueError(f"'{path.parent}' is no run folder: it has no {path.name}")
    return path.read_text(encoding="utf-8", errors="replace")


def _rows(path: Path) -> list[Row]:
    lines = _text(path).split("\n")
    if not _is_json(lines[-1]):  # torn, or the nothing after the last newline
        lines.pop()
    rows = [_parse(line, f"'{path}' line {number}") for number, line in enumerate(lines, start=1)]
    for number, row in enumerate(rows, start=1):
        if missing := [name for name in ("kind", "frames", "agent_steps") if name not in row]:
            raise ValueError(f"'{path}' line {number} has no {', '.join(missing)}")
    return rows


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _parse(text: str, place: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{place} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{place} is a JSON {type(value).__name__}; expected an object")
    return value
