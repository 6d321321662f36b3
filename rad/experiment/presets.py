"""Which configuration a run begins with: that of a preset, for a task."""

from gymnasium.spaces import Discrete

from rad.envs.suites import SUITES
from rad.experiment.algorithms import ALGORITHMS, algorithm_named
from rad.experiment.config import RunConfig
from rad.settings import SettingError


def presets() -> dict[str, str]:
    """Return the names of all presets, and of which algorithm each is."""
    return {name: algo for algo, algorithm in ALGORITHMS.items() for name in algorithm.presets}


def preset(name: str, task: str | None = None) -> RunConfig:
    """Return a preset's configuration for a task; without one, for the preset's own.

    Raises:
        SettingError: the name is unknown.
    """
    if name not in presets():
        raise SettingError("preset", f"unknown preset '{name}'; known: {', '.join(presets())}")
    algorithm = ALGORITHMS[presets()[name]]
    return algorithm.presets[name].config(algorithm.run(), name, task)


def choose(algo: str | None, name: str | None, task: str | None) -> RunConfig:
    """Return the configuration that the flags --algo, --preset and --task, given or not, begin with.

    Raises:
        SettingError: one is unknown, or the preset is of another algorithm.
    """
    algorithm = algorithm_named(algo or _algo_for(task))
    if name is None:
        return preset(next(iter(algorithm.presets)), task)
    config = preset(name, task)
    if algo not in (None, config.algo):
        fitting = ", ".join(key for key, of in presets().items() if of == algo)
        raise SettingError("preset", f"{name} is of {config.algo}; presets of {algo}: {fitting}")
    return config


def _algo_for(task: str | None) -> str:
    """Return the first algorithm of the table that takes the actions of the task's suite."""
    suite = SUITES.get((task or "").partition("/")[0])
    discrete = suite is not None and suite.discrete
    return next(name for name, one in ALGORITHMS.items() if not discrete or Discrete in one.action_spaces)
