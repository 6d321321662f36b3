"""The state and progress of a sweep's runs, read from their folders. Nothing is written."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from rad.experiment.config_file import read_config, to_json
from rad.report.read.groups import flat
from rad.runtime import checkpoint
from rad.runtime.files import TEMPORARY_PREFIX, read_object
from rad.runtime.metrics_file import last_rows
from rad.runtime.migrate import migrate
from rad.runtime.run_dir import CHECKPOINTS, CONFIG_FILE, METRICS_FILE, is_done
from rad.settings import SettingError, setting
from rad.sweep.grid import Trial, differing
from rad.sweep.manifest import PLACES


class State(Enum):
    """State of a run when a sweep begins."""

    NEW = "new"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


@dataclass(frozen=True)
class RunProgress:
    """The progress of a run, by the last rows of its metrics."""

    frames: int = 0  # environment frames so far, without those of the last step beyond the run's end
    time_s: float = 0.0  # seconds of running so far
    frames_per_s: float | None = None  # lately; None before there are rows to tell
    episode_return: float | None = None  # the latest; None before there is one


def state(trial: Trial) -> State:
    """Return the state of a run.

    Raises:
        SettingError: its folder holds a run with other settings or one that cannot be resumed, or something else.
    """
    has_settings = _check_settings(trial)
    if is_finished(trial):
        return State.FINISHED
    if has_settings:
        with setting("out"):
            read_config(trial.folder)  # as its process will
    begun = (trial.folder / METRICS_FILE).exists() or checkpoint.exists(trial.folder / CHECKPOINTS)
    return State.INTERRUPTED if begun else State.NEW


def is_finished(trial: Trial) -> bool:
    """Tell whether a run was trained and evaluated to its end; its checkpoints and pictures may be gone."""
    return is_done(trial.folder) and bool(final_returns(trial))


def final_returns(trial: Trial) -> dict[str, float | None]:
    """Return the mean return of the evaluation at the end, by split, "" for a run without splits; empty before it."""
    rows = last_rows(trial.folder / METRICS_FILE)
    ends = [row for row in rows if row["kind"].startswith("eval") and row["frames"] >= trial.config.frames]
    return {row["kind"].partition("/")[2]: row.get("episode_return_mean") for row in ends}


def left(trials: Sequence[Trial], states: Mapping[str, State]) -> list[Trial]:
    """Return the runs that are not finished."""
    return [trial for trial in trials if states[trial.name] is not State.FINISHED]


def progress_of(trial: Trial) -> RunProgress:
    """Read the progress of a run from its folder; without metrics it has not begun."""
    rows = last_rows(trial.folder / METRICS_FILE)
    if not rows:
        return RunProgress()
    first, last = rows[0], rows[-1]
    frames, time_s = last["frames"] - first["frames"], last["time_s"] - first["time_s"]
    returns = [row.get("episode_return") for row in rows if row["kind"] == "episode"]
    rate = frames / time_s if frames > 0 and time_s > 0 else None
    return RunProgress(min(last["frames"], trial.config.frames), last["time_s"], rate, returns[-1] if returns else None)


def _check_settings(trial: Trial) -> bool:
    """Check that all settings in the run's folder are this run's, but for the folder; return whether there are any."""
    was = _settings(trial.folder) if trial.folder.exists() else None
    if was is None:
        return False
    now = flat(to_json(trial.config))
    for name in [name for name in differing(was, now) if name not in PLACES]:
        problem = f"{trial.folder} was made with {was[name]}, got {now[name]}; runs of one sweep have the same settings"
        raise SettingError(name, f"{problem}: choose another --out")
    return True


def _settings(folder: Path) -> dict[str, Any] | None:
    """Return the settings in a run folder; None if the folder is empty or its run was killed as it was made.

    Raises:
        SettingError: the folder holds something else.
    """
    try:
        return flat(migrate(read_object(folder / CONFIG_FILE)))
    except (OSError, ValueError):
        names = set(os.listdir(folder)) if folder.is_dir() else {folder.name}
        if not {name for name in names if not name.startswith(TEMPORARY_PREFIX)} - {CONFIG_FILE}:
            return None
    raise SettingError("out", f"{folder} is no run folder: its {CONFIG_FILE} is missing or cannot be read; remove it")
