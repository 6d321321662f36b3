"""Whether a run without checkpoints never had any, and may start again, or has lost them."""

from pathlib import Path

from rad.experiment.build import action_repeat
from rad.experiment.config import RunConfig
from rad.runtime import checkpoint
from rad.runtime.metrics_file import read_rows
from rad.runtime.run_dir import CHECKPOINTS, METRICS_FILE, is_done
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
