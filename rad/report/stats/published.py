"""Published scores, to draw beside our own."""

import functools
import json
from importlib import resources
from typing import NamedTuple


class Published(NamedTuple):
    """The score of a method on a task."""

    suite: str  # `dmc`, `procgen` or `dmcontrol-gb`
    task: str  # as this library names it, such as `dmc/walker-walk`
    distribution_mode: str  # of procgen; "" elsewhere
    method: str  # as its authors name it; in brackets what distinguishes it from others of that name
    frames: int  # trained for, as `counting` says
    split: str  # `train` or `test`; on `dmcontrol-gb` the name of its test set, which is not a split of this library
    mean: float  # undiscounted return over runs
    std: float | None  # over runs; None where the source gives none
    runs: int | None  # number of training runs; None where it is not stated
    counting: str  # what the source counts as frames, and other notes on its numbers
    source: str  # where they were read


def published(
    *, suite: str = "", task: str = "", method: str = "", frames: int = 0, split: str = ""
) -> list[Published]:
    """Return the published scores that match the values given, in the order of published.json.

    Example:
        >>> [row.mean for row in published(task="dmc/walker-walk", method="RAD", frames=100_000)]
        [391.0]
    """
    wanted = {"suite": suite, "task": task, "method": method, "frames": frames, "split": split}
    return [row for row in _all() if all(getattr(row, name) == value for name, value in wanted.items() if value)]


@functools.cache
def _all() -> tuple[Published, ...]:
    """Return the rows of all tables, whose `scores` are a mean and a deviation for each of their `tasks`, by method."""
    text = resources.files("rad.report.stats").joinpath("published.json").read_text(encoding="utf-8")
    return tuple(
        Published(method=method, task=task, mean=float(mean), std=None if std is None else float(std), **table)
        for table in json.loads(text)
        for tasks in [table.pop("tasks")]
        for method, pairs in table.pop("scores").items()
        for task, (mean, std) in zip(tasks, pairs, strict=True)
    )
