"""Published scores that may stand beside ours: of the same task, frames, way of counting, levels and images."""

from collections.abc import Iterable
from typing import Any

from rad.envs.suites import SUITES, TRAIN
from rad.report.read.groups import flat
from rad.report.read.run import Run
from rad.report.stats.published import Published, published

COUNTING = "environment frames"  # what our frames are; others count agent steps
STANDARD = {"train_split": TRAIN, "render_quality": "paper", "start_level": -1, "num_levels": -1, "camera_id": 0}


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
