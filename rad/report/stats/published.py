"""Scores that others have published, to draw beside ours."""

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Published:
    """A method on a task."""

    suite: str  # `dmc`, `procgen` or `dmcontrol-gb`
    task: str  # as this library names it, such as `dmc/walker-walk`
    distribution_mode: str  # of procgen; "" elsewhere
    method: str  # as its authors name it; in brackets what tells it from others of the name
    frames: int  # trained for, as `counting` says
    split: str  # `train` or `test`; on `dmcontrol-gb` the name of its test set, which is not the split of ours
    mean: float  # undiscounted return over runs
    std: float | None  # over runs; None where the source gives none
    runs: int | None  # number of training runs; None where we do not know it
    counting: str  # what the source counts as frames, and what else to know of its numbers
    source: str  # where they were read


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
