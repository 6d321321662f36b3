"""Learn control from pixels with data augmentation: SAC, PPO and IMPALA on one shared, augmented CNN encoder."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from rad.evaluation.loaded_run import LoadedRun

__version__ = "0.2.0"


def load(path: "str | os.PathLike[str]", *, checkpoint: str = "last", device: str = "auto") -> "LoadedRun":
    """Load a trained agent, to act with it.

    Args:
        path: folder of a run, or a file of `rad export`.
        checkpoint: of a run: `last`; the frames of another one that is there; or `best`, what `--keep-best` kept.
        device: auto, cpu, cuda or cuda:N, whatever it was trained on.

    Returns:
        The agent with its `task`, `frames` and `config`; `act(obs)` chooses actions, `make_env(split)` makes its
        environments.

    Raises:
        ValueError: there is no run with such a checkpoint, or the file is damaged or something else; one line.
    """
    from pathlib import Path  # here, so that `import rad` imports nothing

    from rad.evaluation.loaded_run import load as load_run

    return load_run(Path(path), device, checkpoint)
