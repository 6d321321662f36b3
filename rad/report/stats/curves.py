"""Learning curves as numbers: of runs with the spread of their episodes, of groups with intervals over seeds."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

import numpy as np

from rad.report.read.final_returns import evaluation_means, evaluation_rows, finished, splits
from rad.report.read.groups import Group
from rad.report.read.run import Run, column
from rad.report.stats.aggregates import sample_efficiency
from rad.report.stats.bootstrap import Band

MOST_EPISODES = 200
Over = Literal["frames", "hours"]


class Curve(NamedTuple):
    """A learning curve on a split."""

    label: str  # in the legend
    over: list[float]  # environment frames, or hours, of its points
    band: Band
    seeds: int = 1  # number of runs
    method: str = ""  # whose color the line has; the label's if not given


def run_curves(run: Run, labels: Mapping[str, str]) -> list[Curve]:
    """Return a curve for each split of a run: the mean over its evaluation episodes and a band of one deviation.

    Raises:
        ValueError: the run has no evaluation after its first frame.
    """
    rows_of = {split: evaluation_rows(run, split) for split in splits(run)}
    if not any(row["agent_steps"] for rows in rows_of.values() for row in rows):
        raise ValueError(f"run folder '{run.folder}' holds no evaluation yet")
    curves = []
    for split, rows in rows_of.items():
        mean, std = (np.array(column(rows, f"episode_return_{part}")) for part in ("mean", "std"))
        curves.append(Curve(labels[split], column(rows, "frames"), Band(mean, mean - std, mean + std)))
    return curves


def training_episodes(run: Run) -> tuple[list[float], list[float]]:
    """Return frames and returns of the training episodes; of more than 200, means of neighbors."""
    rows = [row for row in run.rows if row["kind"] == "episode"]
    size = -(-len(rows) // MOST_EPISODES) or 1
    chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
    frames, returns = ([fmean(column(part, name)) for part in chunks] for name in ("frames", "episode_return"))
    return frames, returns


def group_curve(group: Group, split: str, over: Over = "frames") -> Curve | None:
    """Return the curve of a group on a split: of its finished runs, or of all if none is finished.

    It has the points at which every run has a finite value. Values are interquartile means over seeds, with intervals;
    of a single seed, both ends are the value. Hours are of training and evaluations, the mean over seeds.
    """
    runs = [run for run in finished(group) or group.runs if evaluation_means(run, split)]
    means = [dict(evaluation_means(run, split)) for run in runs]
    frames = [frame for frame in (means or [{}])[0] if all(math.isfinite(run.get(frame, math.nan)) for run in means)]
    if not frames:
        return None
    values = np.array([[points[frame] for frame in frames] for points in means])
    single = len(runs) == 1
    band = Band(values[0], values[0], values[0]) if single else sample_efficiency({group.task: values})
    state = "" if finished(group) else ", unfinished"
    at = frames if over == "frames" else _hours(runs, split, frames)
    label = f"{group.method} ({len(runs)} seed{'s' * (not single)}{state})"
    return Curve(label, [*map(float, at)], band, len(runs), group.method)


def _hours(runs: Sequence[Run], split: str, frames: Sequence[int]) -> list[float]:
    times = [{row["frames"]: row["time_s"] for row in evaluation_rows(run, split)} for run in runs]
    return [fmean(of_run[frame] for of_run in times) / 3600 for frame in frames]
