"""The lines of metrics.jsonl: a row is a line of JSON with kind, frames, agent_steps, time_s, and then metrics.

The last line of a killed run may be torn: that is no row, unless only the newline is missing.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rad.runtime.files import replacing, sync_folder

COUNTS = ("frames", "agent_steps", "time_s")

Row = dict[str, Any]
"""Numbers that are not finite are `null` in the file and None here."""


def read_rows(path: str | Path) -> list[Row]:
    """Read all rows; a torn last line is passed over.

    Raises:
        ValueError: another line is no row; the text names file and line.
        OSError: there is no such file.
    """
    *lines, last = Path(path).read_text(encoding="utf-8", errors="replace").split("\n")
    rows = [parse_row(line, f"'{path}' line {number}") for number, line in enumerate(lines, start=1)]
    return rows + whole_rows([last])


def last_rows(path: str | Path, nbytes: int = 65_536) -> list[Row]:
    """Read the whole rows in the last `nbytes` bytes; none if there is no file."""
    try:
        with Path(path).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - nbytes))
            return whole_rows(file.read().decode(errors="replace").split("\n"))
    except FileNotFoundError:
        return []


def whole_rows(lines: list[str]) -> list[Row]:
    """Return the rows among some lines."""
    rows = []
    for line in lines:
        try:
            rows.append(parse_row(line))
        except ValueError:
            continue
    return rows


def parse_row(line: str, place: str = "line") -> Row:
    """Return the row that a line holds.

    Raises:
        ValueError: it holds none; the text says what is wrong at `place`.
    """
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"{place} is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise ValueError(f"{place} is a JSON {type(row).__name__}; expected an object")
    if missing := [name for name in ("kind", *COUNTS) if name not in row]:
        raise ValueError(f"{place} has no {', '.join(missing)}")
    if wrong := [name for name in COUNTS if not isinstance(row[name], int | float) or row[name] < 0]:
        raise ValueError(f"{place} has {wrong[0]} {row[wrong[0]]!r}; expected a number of at least 0")
    if not isinstance(row["kind"], str):
        raise ValueError(f"{place} has kind {row['kind']!r}; expected a text")
    return row


def keep_rows(path: Path, frames: int | None = None, count: int | None = None) -> list[Row]:
    """Rewrite the file with its first `count` rows up to `frames` (None: no limit), and return these.

    Raises:
        ValueError: as of `read_rows`.
    """
    if not path.exists():
        return []
    rows = [row for row in read_rows(path) if frames is None or row["frames"] <= frames][:count]
    data = "".join(map(json_line, rows)).encode()
    if data != path.read_bytes():
        with replacing(path) as file:
            file.write(data)
        sync_folder(path.parent)
    return rows


def json_line(row: Mapping[str, Any]) -> str:
    """Write a row as a line of standard JSON, which has neither NaN nor infinity."""
    finite = {key: None if isinstance(n, float) and not math.isfinite(n) else n for key, n in row.items()}
    return json.dumps(finite, allow_nan=False) + "\n"
