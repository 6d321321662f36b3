"""Published scores that may stand beside ours: of the same task, frames, way of counting, levels and images."""

from collections.abc import Iterable

from rad.envs.suites import SUITES, TRAIN
from rad.report.read.groups import flat
from rad.report.read.run import Run
from rad.report.stats.published import Published, published

COUNTING = "environment frames"  # what our frames are; others count agent steps


def references(runs: Iterable[Run], split: str) -> list[Published]:
    """Return the published scores that are comparable with runs of a task on a split.

    All runs have to be as long as the published ones, rendered in quality `paper`, trained in the task's standard
    appearance and, on Procgen, in the mode and on the levels of the source.
    """
    configs = [flat(run.config) for run in runs]
    lengths = {(str(config.get("task", "")), int(config.get("frames", 0))) for config in configs}
    if len(lengths) != 1 or not all(map(_as_published, configs)):
        return []
    ((task, frames),) = lengths
    suite = task.partition("/")[0]
    if suite not in SUITES or split not in SUITES[suite].published_splits:
        return []
    modes = {config.get("distribution_mode", "") for config in configs}
    rows = published(suite=suite, task=task, frames=frames, split=SUITES[suite].published_splits[split])
    return [row for row in rows if row.counting.startswith(COUNTING) and {row.distribution_mode} == modes]


def sources(rows: Iterable[Published]) -> list[str]:
    """Return a line for each method: its score, and where and how it was measured."""
    return [
        f"{row.method}: {row.mean:g}{'' if row.std is None else f' ± {row.std:g}'}, "
        f"{f'{row.runs} runs' if row.runs else 'number of runs not known'}, {row.counting}. {row.source}"
        for row in rows
    ]


def _as_published(config: dict[str, object]) -> bool:
    standard = {"train_split": TRAIN, "render_quality": "paper", "start_level": -1, "num_levels": -1, "camera_id": 0}
    return all(config.get(name, value) == value for name, value in standard.items())
