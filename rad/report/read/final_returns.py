"""How far runs came, and what they scored at their end, on each of their splits."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from rad.report.read.groups import Group, flat
from rad.report.read.run import Row, Run
from rad.runtime.run_dir import EVALUATIONS

TRAIN = "train"
METRIC = "episode_return_mean"
NAMES = {  # what rows of a file of `rad evaluate` are read for
    "summary": ("task", "split", "frames", "episodes", METRIC),
    "episode": ("split", "env", "episode", "episode_return"),
}


@dataclass(frozen=True)
class Ending:
    """Where a run stands.

    Attributes:
        frames: environment frames so far.
        asked: frames of the whole run.
        time_s: seconds of running.
        returns: mean return of the last evaluation, by split; that of a run without splits is `train`'s.
        finished: the last evaluation was made at the end, and is finite.
    """

    frames: int
    asked: int
    time_s: float
    returns: dict[str, float]
    finished: bool


def ending(run: Run) -> Ending:
    """Return where a run stands."""
    last = run.rows[-1] if run.rows else {}
    asked = int(flat(run.config).get("frames", 0))
    rows = {split: points[-1] for split in splits(run) if (points := evaluations(run, split))}
    returns = {split: value for split, (_, value) in rows.items()}
    finished = bool(rows) and all(frames >= asked and math.isfinite(value) for frames, value in rows.values())
    return Ending(int(last.get("frames", 0)), asked, float(last.get("time_s") or 0), returns, finished)


def splits(run: Run) -> list[str]:
    """Return the splits that a run is evaluated on while it trains, `train` alone for a run without splits."""
    kinds = dict.fromkeys(row["kind"] for row in run.rows)
    return [kind.partition("/")[2] or TRAIN for kind in kinds if kind.partition("/")[0] == "eval"]


def evaluations(run: Run, split: str) -> list[tuple[int, float]]:
    """Return frames and mean return of each evaluation on a split, in order."""
    found = _means(run, "eval", split)
    return sorted(dict(found).items())


def baseline(run: Run, split: str) -> float | None:
    """Return the mean return of the random policy on a split; None where it was not measured."""
    found = [value for _, value in _means(run, "baseline", split) if math.isfinite(value)]
    return found[-1] if found else None


def random_policy(groups: Iterable[Group], split: str = TRAIN) -> float | None:
    """Return the mean return of the random policy over all runs that measured it; None if none did."""
    found = [baseline(run, split) for group in groups for run in group.runs]
    known = [value for value in found if value is not None]
    return fmean(known) if known else None


def finished(group: Group) -> list[Run]:
    """Return the runs of a group that reached their end."""
    return [run for run in group.runs if ending(run).finished]


def finals(group: Group, split: str = TRAIN) -> list[float]:
    """Return the mean return at the end on a split, of each finished run that was evaluated on it."""
    found = [ending(run).returns for run in finished(group)]
    return [returns[split] for returns in found if split in returns]


def trained_and_tested(run: Run) -> dict[str, tuple[float, float]]:
    """Return by split the mean returns on `train` and on it, of the trained agent in one and the same evaluation.

    They are from the last evaluation of the training, or from `rad evaluate` at the same frames: of several on a
    split, the one with the most episodes.
    """
    end = ending(run)
    if not end.finished:
        return {}
    pairs = {split: (end.returns[TRAIN], value) for split, value in end.returns.items() if TRAIN in end.returns}
    files = [rows for rows in evaluation_files(run) if rows[0]["frames"] >= end.asked]
    for rows in sorted(files, key=lambda rows: rows[0]["episodes"]):
        means = {row["split"]: float(row[METRIC]) for row in rows}
        if TRAIN in means:
            pairs |= {split: (means[TRAIN], mean) for split, mean in means.items()}
    pairs.pop(TRAIN, None)
    return pairs


def evaluation_files(run: Run) -> list[list[Row]]:
    """Return the summaries of each file of `rad evaluate` in a run folder, a row for each split.

    Raises:
        ValueError: a file is damaged.
    """
    paths = sorted((run.folder / EVALUATIONS).glob("*.jsonl"))
    found = [[row for row in read_rows(path) if row.get("kind") == "summary"] for path in paths]
    return [rows for rows in found if rows]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a file of `rad evaluate`.

    Raises:
        ValueError: a line is no JSON object, or a summary lacks what it is read for.
    """
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path} holds a line that is no JSON object")
    for kind, names in NAMES.items():
        for name in names:
            if any(name not in row for row in rows if row.get("kind") == kind):
                raise ValueError(f"{path} has a row of kind {kind} without {name}; expected a file of rad evaluate")
    return rows


def _means(run: Run, kind: str, split: str) -> list[tuple[int, float]]:
    kinds = [f"{kind}/{split}"] + ([kind] if split == TRAIN else [])
    found = [run.series(name, METRIC) for name in kinds]
    return [point for series in found for point in zip(series.frames, series.values)]
