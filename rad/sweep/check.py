"""Checks before a sweep starts: every run's settings, and an environment of each scene."""

import dataclasses
import os
from collections.abc import Hashable, Sequence
from pathlib import Path

from rad.experiment.build import image_size, make_arms
from rad.experiment.config import RunConfig
from rad.experiment.validate import check_bounds, check_environment, check_folder, check_settings
from rad.runtime.run_dir import CONFIG_FILE
from rad.settings import SettingError
from rad.sweep.grid import Trial


def check_trials(trials: Sequence[Trial]) -> None:
    """Check each run as `rad train` does; runs that differ in their seed alone, and equal scenes, once.

    Raises:
        SettingError: a setting is wrong.
    """
    scenes: dict[Hashable, RunConfig] = {}
    for config in {dataclasses.replace(trial.config, seed=1, out=None) for trial in trials}:
        check_settings(config)
        scenes.setdefault(_scene(config), config)
    for trial in trials:
        check_bounds(trial.config)
    for config in scenes.values():
        check_environment(config)


def check_out(out: Path, trials: Sequence[Trial]) -> None:
    """Check that new runs can be made in the folder of the sweep.

    Raises:
        SettingError: they cannot.
    """
    if (out / CONFIG_FILE).exists():
        raise SettingError("out", f"{out} is the folder of a run; choose another name for that of a sweep")
    if out.exists() and not (out.is_dir() and os.access(out, os.W_OK)):
        raise SettingError("out", f"{out} is no folder that can be written to")
    for trial in trials:
        if not os.path.exists(trial.folder):  # nor has a name that is too long, which is refused there
            check_folder(trial.folder)


def _scene(config: RunConfig) -> Hashable:
    """Return what an environment is made from: all settings but those of agent and augmentation, and the sizes."""
    settings = {name: value for name, value in vars(config).items() if name not in ("augment", "agent")}
    return type(config), *settings.items(), image_size(config), make_arms(config)[1]
