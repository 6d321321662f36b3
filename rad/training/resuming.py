"""Whether a run without a checkpoint never had one, and may begin anew, or has lost them."""

from pathlib import Path

from rad.experiment.build import action_repeat
from rad.experiment.config import RunConfig
from rad.runtime import checkpoint
from rad.runtime.metrics_file import read_rows
from rad.runtime.run_dir import CHECKPOINTS, METRICS_FILE, is_done
from rad.training.messages import EVALUATION


def check_checkpoints(config: RunConfig, folder: Path) -> None:
    """Check that going on with a run does not train anew, in silence, what was trained and saved before.

    A run that was killed before its first checkpoint begins anew, and so does one without metrics.

    Raises:
        ValueError: it has metrics from after a checkpoint, and no checkpoint.
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
    """Return the frames at which a run saves itself first; rows that have more were written afterwards."""
    step = config.num_envs * action_repeat(config)
    every = config.checkpoint_every or config.frames
    return step * -(-min(every, config.frames) // step)
