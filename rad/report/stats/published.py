"""Scores that others have published, to draw beside ours."""

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Published:
    """A method on a task.

    Attributes:
        suite: `dmc`, `procgen` or `dmcontrol-gb`.
        task: as this library names it, such as `dmc/walker-walk`.
        distribution_mode: of procgen; "" elsewhere.
        method: as its authors name it; in brackets what tells it from others of the name.
        frames: trained for, as `counting` says.
        split: `train` or `test`; on `dmcontrol-gb` the name of its test set, which is not the split of ours.
        mean: undiscounted return over runs.
        std: over runs; None where the source gives none.
        runs: number of training runs; None where we do not know it.
        counting: what the source counts as frames, and what else to know of its numbers.
        source: where they were read.
    """

    suite: str
    task: str
    distribution_mode: str
    method: str
    frames: int
    split: str
    mean: float
    std: float | None
    runs: int | None
    counting: str
    source: str


def published(
    *, suite: str = "", task: str = "", method: str = "", frames: int = 0, split: str = ""
) -> list[Published]:
    """Return the published scores that fit; what is not given does not matter.

    Returns:
        In the order of published.json; empty if nothing is known.

    Example:
        >>> [row.mean for row in published(task="dmc/walker-walk", method="RAD", frames=100_000)]
        [391.0]
    """
    asked = {"suite": suite, "task": task, "method": method, "frames": frames, "split": split}
    given = {name: value for name, value in asked.items() if value}
    return [row for row in _all() if all(getattr(row, name) == value for name, value in given.items())]


@functools.cache
def _all() -> tuple[Published, ...]:
    text = resources.files("rad.report.stats").joinpath("published.json").read_text(encoding="utf-8")
    return tuple(row for table in json.loads(text) for row in _rows(**table))


def _rows(tasks: list[str], scores: dict[str, list[tuple[float, float | None]]], **table: Any) -> list[Published]:
    """Return the rows of a table whose `scores` are a mean and a deviation for each task, by method."""
    return [
        Published(method=method, task=task, mean=float(mean), std=None if std is None else float(std), **table)
        for method, pairs in scores.items()
        for task, (mean, std) in zip(tasks, pairs, strict=True)
    ]
