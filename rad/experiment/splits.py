"""Which splits the task of a run has, what environments of each need, and what is wrong with the ones asked for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rad.envs.dmc.appearances import Appearance
from rad.envs.dmc.backgrounds import SIDES, Folder, Source, check_disjoint
from rad.envs.suites import TRAIN, name_in_suite, suite_of
from rad.experiment.config import RunConfig
from rad.settings import SettingError, setting

DISTRACTORS = 128  # pictures that overlay chooses among; all stay in memory


def splits(config: RunConfig) -> tuple[str, ...]:
    """Return the names of the splits that the run is evaluated on; one, without a name, where there is one only.

    `train` is what the run trains on, whatever its split is called.
    """
    test = config.test_split or suite_of(config.task).default_test
    return tuple(dict.fromkeys((TRAIN, test))) if test else ("",)


def tested_splits(config: RunConfig) -> tuple[str, ...]:
    """Return the names of the splits that the run is evaluated on beside what it trains on."""
    return tuple(name for name in splits(config) if name not in ("", TRAIN))


def split_of(config: RunConfig, name: str = "") -> Any:
    """Return what `rad.envs.make` needs for a split by its name; `train` and "" mean what the run trains on.

    Raises:
        SettingError: there is no such split.
    """
    side = "train" if name in ("", TRAIN) else "test"
    name = config.train_split if side == "train" else name
    suite = suite_of(config.task)
    return suite.split(config.task, name, config.suite, side, folders(config).get(side))


def levels_of(config: RunConfig, name: str = "") -> str:
    """Return which levels a split is, in words; "" where splits are looks.

    Raises:
        SettingError: there is no such split.
    """
    return str(split_of(config, name)) if suite_of(config.task).has_levels else ""


def clips_of(config: RunConfig, name: str = "") -> Appearance | None:
    """Return the appearance of a split that shows clips; None for other splits.

    Raises:
        SettingError: there is no such split.
    """
    split = split_of(config, name)
    return split if split and suite_of(config.task).shows_clips and split.split.shows_clips else None


def folders(config: RunConfig) -> dict[str, Path]:
    """Return the user's own folders of clips by side.

    Raises:
        SettingError: one is not written as train=DIR or test=DIR, or a side comes twice.
    """
    pairs = [entry.partition("=") for entry in config.background_dir]
    by_side = {side: Path(path) for side, _, path in pairs if path}
    if len(by_side) != len(pairs) or not by_side.keys() <= set(SIDES):
        came = " ".join(config.background_dir)
        raise SettingError("background_dir", came, "train=DIR, test=DIR or both")
    return by_side


@setting("split")
def check_split(config: RunConfig, name: str) -> None:
    """Check that environments can be made for a split, and that no clip of a test folder is shown in training too.

    Raises:
        SettingError: there is no such split, or its clips cannot be shown.
    """
    config.suite.check(name_in_suite(config.task))
    appearance = clips_of(config, name)
    if appearance is None:
        return
    source = appearance.source()
    if appearance.side == "test" and appearance.folder:  # computed clips are of other families or seeds
        for trained_with in _training_folders(config):
            check_disjoint(trained_with, source)


def _training_folders(config: RunConfig) -> Iterator[Source]:
    """Yield what a run shows in training of a folder of the user's own."""
    folder, appearance = folders(config).get("train"), clips_of(config)
    if folder and appearance:
        yield appearance.source()
    if folder and uses_overlay(config):
        yield Folder("train", folder, DISTRACTORS)


def check_splits(config: RunConfig) -> None:
    """Check which splits a run trains and is tested on.

    Raises:
        SettingError: the first thing that is wrong.
    """
    suite = suite_of(config.task)
    for field, name in (("train_split", TRAIN), *(("test_split", tested) for tested in tested_splits(config))):
        with setting(field, "split"):
            check_split(config, name)
            if name != TRAIN:
                suite.check_disjoint(split_of(config, TRAIN), split_of(config, name))
    _check_folders_show(config)


def uses_overlay(config: RunConfig) -> bool:
    """Tell whether the run blends pictures over its observations that it is not given a folder of."""
    return re.search(r"\boverlay\b(?![^+/,]*folder=)", "+".join(config.augmentations)) is not None


def _check_folders_show(config: RunConfig) -> None:
    """Refuse folders that nothing of the run would show."""
    shown = {
        "train": clips_of(config) or uses_overlay(config),
        "test": any(clips_of(config, name) for name in tested_splits(config)),
    }
    needs = {"train": "--train-split or an overlay that shows clips", "test": "a --test-split that shows clips"}
    for side, folder in folders(config).items():
        if not shown[side]:
            raise SettingError("background_dir", f"{side}={folder} is shown nowhere; allowed: only with {needs[side]}")
