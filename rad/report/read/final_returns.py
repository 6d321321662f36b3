"""How far runs have come, and what they scored at their end, on each of their splits."""

import math
from collections.abc import Iterable
from statistics import fmean
from typing import NamedTuple

from rad.report.read.evaluation_files import METRICS, read_evaluations
from rad.report.read.groups import Group, flat
from rad.report.read.run import Run, column
from rad.runtime.metrics_file import Row

TRAIN = "train"


class FinalResult(NamedTuple):
    """How far a run has come, and what it scored there."""

    frames: int  # environment frames so far
    target_frames: int  # frames of the whole run
    time_s: float  # seconds of running
    returns: dict[str, float]  # mean return of the last evaluation, by split; that of a run without splits is `train`'s
    metrics: dict[str, dict[str, float]]  # other metrics of that evaluation that are known, by split and field
    finished: bool  # the last evaluation was made at the end, and is finite


def final_result(run: Run) -> FinalResult:
    """Return how far a run has come, and what it scored there."""
    last = run.rows[-1] if run.rows else {}
    target = int(flat(run.config).get("frames", 0))
    ends = {split: points[-1] for split in splits(run) if (points := evaluation_means(run, split))}
    returns = {split: value for split, (_, value) in ends.items()}
    finished = bool(ends) and all(frames >= target and math.isfinite(value) for frames, value in ends.values())
    rows = {split: evaluation_rows(run, split)[-1] for split in ends}
    names = [metric.field for metric in METRICS]
    metrics = {split: {name: row[name] for name in names if row.get(name) is not None} for split, row in rows.items()}
    return FinalResult(int(last.get("frames", 0)), target, float(last.get("time_s") or 0), returns, metrics, finished)


def splits(*runs: Run) -> list[str]:
    """Return the splits that runs are evaluated on while they train, `train` alone for runs without splits."""
    kinds = (row["kind"].partition("/") for run in runs for row in run.rows)
    return list(dict.fromkeys(split or TRAIN for kind, _, split in kinds if kind == "eval"))


def evaluation_rows(run: Run, split: str, kind: str = "eval") -> list[Row]:
    """Return the rows of the evaluations on a split, in order; of the random policy for the kind `baseline`."""
    kinds = [f"{kind}/{split}"] + ([kind] if split == TRAIN else [])
    return [row for row in run.rows if row["kind"] in kinds]


def evaluation_means(run: Run, split: str, kind: str = "eval") -> list[tuple[int, float]]:
    """Return frames and mean return of each evaluation on a split, in order; NaN where it was not finite."""
    rows = evaluation_rows(run, split, kind)
    return sorted(dict(zip((row["frames"] for row in rows), column(rows, "episode_return_mean"))).items())


def random_policy(runs: Iterable[Run], split: str = TRAIN) -> float | None:
    """Return the mean return of the random policy on a split over all runs that measured it; None if none did."""
    of_runs = ([value for _, value in evaluation_means(run, split, "baseline") if math.isfinite(value)] for run in runs)
    values = [measured[-1] for measured in of_runs if measured]
    return fmean(values) if values else None


def finished(group: Group) -> list[Run]:
    """Return the runs of a group that reached their end."""
    return [run for run in group.runs if final_result(run).finished]


def final_returns(group: Group, split: str = TRAIN) -> list[float]:
    """Return the mean return at the end on a split, of each finished run that was evaluated on it."""
    ends = [final_result(run).returns for run in finished(group)]
    return [returns[split] for returns in ends if split in returns]


def trained_and_tested(run: Run) -> dict[str, tuple[float, float]]:
    """Return by split the mean returns on `train` and on the split, both from the same evaluation of the trained agent.

    This is the last evaluation of the training, or one by `rad evaluate` at the same frames: of several on a split, the
    one with the most episodes. Files that cannot be read are left out; `find_runs` tells them.
    """
    end = final_result(run)
    if not end.finished:
        return {}
    pairs = {split: (end.returns[TRAIN], value) for split, value in end.returns.items() if TRAIN in end.returns}
    files = [file.splits for file in read_evaluations(run.folder, []) if file.splits[0].frames >= end.target_frames]
    for results in sorted(files, key=lambda results: results[0].episodes):
        means = {result.split: result.episode_return_mean for result in results}
        if TRAIN in means:
            pairs |= {split: (means[TRAIN], mean) for split, mean in means.items()}
    pairs.pop(TRAIN, None)
    return pairs
