"""Whether a run may be resumed: one without checkpoints may have lost them; and one that becomes longer, or shorter."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rad.experiment.algorithms import algorithm_of
from rad.experiment.build import action_repeat
from rad.experiment.config import RunConfig, values
from rad.experiment.config_file import read_config, to_json
from rad.experiment.validate import check_settings
from rad.runtime import checkpoint
from rad.runtime.files import locked, write_object
from rad.runtime.metrics_file import read_rows
from rad.runtime.run_dir import CHECKPOINTS, CONFIG_FILE, CURVE_FILE, DONE_FILE, METRICS_FILE, is_done
from rad.training.messages import EVALUATION


def check_checkpoints(config: RunConfig, folder: Path) -> None:
    """Check that resuming a run does not silently repeat training that was saved before.

    A run that was killed before its first checkpoint starts again, and so does a run without metrics.

    Raises:
        ValueError: the run has metrics from after a checkpoint, and no checkpoint.
    """
    if checkpoint.exists(folder / CHECKPOINTS) or not (folder / METRICS_FILE).exists():
        return
    rows = read_rows(folder / METRICS_FILE)
    last = max((row["frames"] for row in rows), default=0)
    evaluated_at_end = any(row["kind"].startswith(EVALUATION) and row["frames"] >= config.frames for row in rows)
    if evaluated_at_end or last > first_checkpoint(config) or (rows and is_done(folder)):
        raise ValueError(
            f"{folder} was trained for {last:,} frames, but its checkpoints are gone: put them back into "
            f"{folder / CHECKPOINTS}, or remove {folder / METRICS_FILE} to train it anew from the start"
        )


def first_checkpoint(config: RunConfig) -> int:
    """Return the frames of a run's first checkpoint; rows with more frames were written after it."""
    step = config.steps_per_report * action_repeat(config)
    every = config.checkpoint_every or config.frames
    return step * -(-min(every, config.frames) // step)


def check_ranks(folder: Path, state: Mapping[str, Any], ranks: int) -> None:
    """Check that a checkpoint's state is of so many ranks.

    Raises:
        ValueError: it is of another number.
    """
    saved = 1 + len(state.get("ranks", []))
    if saved != ranks:
        raise ValueError(f"{folder} is of {saved} ranks: torchrun --nproc-per-node {saved}, got {ranks}")


def reopen(folder: Path) -> None:
    """Remove what says that a run is done: `is_done` is false from then on."""
    for marker in (DONE_FILE, CURVE_FILE):
        (folder / marker).unlink(missing_ok=True)


def lengthen(folder: Path, frames: int) -> list[str]:
    """Set how many frames a run has, finished or not, before it is resumed; all its other settings stay.

    The settings before are kept in config-FRAMES.json.

    Returns:
        Names of the settings that have followed the length before: with none, the end will be that of a run of so many
        frames from the start.

    Raises:
        ValueError: the run has made more frames, cannot have as many, or has lost its checkpoints; or there is none.
        CheckpointError: none of its checkpoints is whole.
        BlockingIOError: another process works on the run.
    """
    config = read_config(folder)
    if frames == config.frames:
        return []
    made, longer = max(checkpoint.kept(folder / CHECKPOINTS), default=0), dataclasses.replace(config, frames=frames)
    if frames < made:
        raise ValueError(f"must be at least {made:,}, which {folder} has made, got {frames:,}")
    check_checkpoints(config, folder)
    check_settings(longer)
    if made:  # what a resume reads must be readable before anything is written
        checkpoint.load(folder / CHECKPOINTS, only=("agent",))
    if (folder / METRICS_FILE).exists():
        read_rows(folder / METRICS_FILE)
    with locked(folder / CONFIG_FILE):
        write_object(folder / f"config-{config.frames}.json", to_json(config))
        write_object(folder / CONFIG_FILE, to_json(longer))
    return [name for name in algorithm_of(config).schedules if made and values(config)[name]]
