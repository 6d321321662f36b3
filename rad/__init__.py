"""Learn control from pixels with data augmentation: SAC, PPO and IMPALA on one shared, augmented CNN encoder."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from rad.evaluation.loaded_run import LoadedRun

__version__ = "0.2.0"


def load(
    path: "str | os.PathLike[str]",
    *,
    checkpoint: str | int = "last",
    device: str = "auto",
    plugins: "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]" = (),
) -> "LoadedRun":
    """Load a trained agent, to act with it.

    Args:
        path: folder of a run, or a file of `rad export`.
        checkpoint: of a run: `last`; the frames of another one that is there; or `best`, what `--keep-best` kept.
        device: auto, cpu, cuda or cuda:N, whatever it was trained on.
        plugins: modules, or files that end in .py, to import first, as --plugin does; those in `RAD_PLUGINS` are too.
            One may stand alone.

    Returns:
        The agent with its `task`, `frames` and `config`; `act(obs)` chooses actions, `make_env(split)` makes its
        environments.

    Raises:
        ValueError: there is no run with such a checkpoint, the file is damaged or something else, or plugins that it
            needs are not loaded; one line.
    """
    import os  # here, so that `import rad` imports nothing
    from pathlib import Path

    from rad.evaluation.loaded_run import load as load_run
    from rad.runtime.plugins import PluginsMissing, load_inherited
    from rad.runtime.plugins import load as load_plugin

    load_inherited()
    for name in [plugins] if isinstance(plugins, (str, os.PathLike)) else plugins:
        load_plugin(os.fspath(name))
    try:
        return load_run(Path(path), device, str(checkpoint))
    except PluginsMissing as error:
        raise PluginsMissing("plugins", f"{error.problem}; here, plugins=[...]") from None
