"""Published scores, and which may stand beside ours: of the same task, frames, way of counting, levels and images."""

import functools
import json
from collections.abc import Iterable
from importlib import resources
from typing import Any, NamedTuple

from rad.envs.suites import SUITES, TRAIN
from rad.report.read.groups import flat
from rad.report.read.run import Run

COUNTING = "environment frames"  # what our frames are; others count agent steps
STANDARD = {"train_split": TRAIN, "render_quality": "paper", "start_level": -1, "num_levels": -1, "camera_id": 0}


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


def references(runs: Iterable[Run], split: str) -> list[Published]:
    """Return the published scores that are comparable with runs of a task on a split.

    All runs have to be as long as the published ones, rendered in quality `paper`, trained in the task's standard
    appearance and, on Procgen, in the mode and on the levels of the source.
    """
    configs: list[Any] = [STANDARD | flat(run.config) for run in runs]
    alike = {tuple(config.get(name) for name in ("task", "frames", "distribution_mode")) for config in configs}
    if len(alike) != 1 or any(config | STANDARD != config for config in configs):
        return []
    ((task, frames, mode),) = alike
    suite = str(task).partition("/")[0]
    names = SUITES[suite].published_splits if suite in SUITES else {}
    rows = published(suite=suite, task=task, frames=frames, split=names[split]) if split in names else []
    return [row for row in rows if row.counting.startswith(COUNTING) and row.distribution_mode == (mode or "")]


def sources(rows: Iterable[Published]) -> list[str]:
    """Return a line for each method: its score, and where and how it was measured."""
    return [
        f"{row.method}: {row.mean:g}{'' if row.std is None else f' ± {row.std:g}'}, "
        f"{f'{row.runs} runs' if row.runs else 'number of runs not known'}, {row.counting}. {row.source}"
        for row in rows
    ]
