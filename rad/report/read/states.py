"""The runs of a folder and what can be done with each, in whatever condition its files are; nothing is written."""

import shlex
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from rad.report.read.final_returns import TRAIN, evaluation_means
from rad.report.read.groups import Json, flat, method_name, walk
from rad.report.read.provenance import failures, plugin_flags
from rad.report.read.run import Run, has_checkpoint, newest_checkpoint
from rad.runtime.files import is_locked, read_object
from rad.runtime.metrics_file import Row, last_rows
from rad.runtime.migrate import migrate
from rad.runtime.run_dir import CONFIG_FILE, METRICS_FILE, is_done

TAIL_BYTES = 65_536  # of the metrics; an evaluation before them is looked for in all of them
ALL_BYTES = 2**40


class State(StrEnum):
    """What a run is doing, or what can be done with it."""

    RUNNING = "running"  # or drawn: a process works on it
    FINISHED = "finished"
    FAILED = "failed"  # by the log of its sweep
    RESUMABLE = "resumable"
    NO_CHECKPOINT = "no checkpoint"  # to go on from
    DAMAGED = "damaged"


class Listed(NamedTuple):
    """A run of a folder; of a damaged one only the folder, the state and what is wrong are known."""

    folder: Path
    state: State
    note: str = ""  # why it is damaged or failed
    task: str = ""
    method: str = ""  # algorithm, preset and augmentation
    seed: str = ""
    frames: int | None = None  # environment frames so far: of the last row, or of a checkpoint after it
    target_frames: int | None = None  # at its end
    episode_return: float | None = None  # mean of the last evaluation on what it trains on
    resume: str = ""  # the command, where it can be resumed


def list_runs(folder: Path) -> list[Listed]:
    """Return the runs at any depth below a folder, or the run that it is, in the order of their paths.

    Raises:
        ValueError: it is no folder.
    """
    if not folder.is_dir():
        raise ValueError(f"must be a folder that exists, got {folder}")
    return [_listed(path) for path, files in walk(folder) if {CONFIG_FILE, METRICS_FILE} & set(files)]


def _listed(folder: Path) -> Listed:
    try:
        return _read(folder)
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        return Listed(folder, State.DAMAGED, " ".join(str(error).split()))


def _read(folder: Path) -> Listed:
    run = Run(folder, _settings(folder), _rows(folder))
    settings, (saved_frames, made) = flat(run.config), newest_checkpoint(run)
    state, note = _state(folder, has_checkpoint=has_checkpoint(run))
    evaluations = evaluation_means(run, TRAIN)
    return Listed(
        folder,
        state,
        note,
        task=str(settings["task"]),
        method=f"{settings['algo']}/{settings['preset']} {method_name(run.config)}",
        seed=str(settings["seed"]),
        frames=max(saved_frames, int(run.rows[-1]["frames"]) if run.rows else 0),
        target_frames=settings["frames"],
        episode_return=evaluations[-1][1] if evaluations else None,
        resume=_resume_command(run, made.get("ranks")) if made and state in (State.RESUMABLE, State.FAILED) else "",
    )


def _settings(folder: Path) -> Json:
    """Return the configuration of a run.

    Raises:
        ValueError: there is none, it cannot be read, or has no number of frames.
    """
    if not (folder / CONFIG_FILE).is_file():
        raise ValueError(f"it has no {CONFIG_FILE}")
    config = migrate(read_object(folder / CONFIG_FILE))
    if not isinstance(frames := flat(config).get("frames"), int):
        raise ValueError(f"frames in {CONFIG_FILE} is {frames!r}; expected a number")
    return config


def _rows(folder: Path) -> list[Row]:
    """Return the last rows of a run, with an evaluation among them if there was one."""
    for nbytes in (TAIL_BYTES, ALL_BYTES):
        rows = last_rows(folder / METRICS_FILE, nbytes)
        if any(row["kind"].startswith("eval") for row in rows):
            break
    return rows


def _state(folder: Path, has_checkpoint: bool) -> tuple[State, str]:
    """Return the state of a run, and why it failed."""
    if is_locked(folder / CONFIG_FILE):
        return State.RUNNING, ""
    if is_done(folder):
        return State.FINISHED, ""
    if failed := failures([folder]):
        return State.FAILED, failed[folder]
    return (State.RESUMABLE if has_checkpoint else State.NO_CHECKPOINT), ""


def _resume_command(run: Run, ranks: str | None) -> str:
    """Return the command that resumes a run, with the plugins and the number of processes that it was made with."""
    program = ["torchrun", "--nproc-per-node", ranks, "-m", "rad.cli"] if ranks else ["rad"]
    return shlex.join([*program, "train", "--resume", str(run.folder), *plugin_flags(run)])
