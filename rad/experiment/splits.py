"""Which splits the task of a run has, what environments of each need, and what is wrong with the ones asked for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rad.envs import suite_of
from rad.envs.dmc.appearances import PLAIN, TRAIN, Look, split_named
from rad.envs.dmc.backgrounds import SIDES, Folder, Source, check_disjoint
from rad.envs.procgen.levels import ALL_LEVELS, LevelRange, LevelSet, shared_levels
from rad.envs.procgen.options import ProcgenOptions, split_for
from rad.experiment.bounds import flag_name
from rad.experiment.config import PPORun, ProcgenConfig, RunConfig, SACRun
from rad.runtime import device

DISTRACTORS = 128  # pictures that overlay chooses among; all stay in memory


def is_procgen(config: RunConfig) -> bool:
    """Tell whether the task is one of Procgen's games."""
    return suite_of(config.task) == "procgen"


def is_dmc(config: RunConfig) -> bool:
    """Tell whether the task is one of dm_control's suite."""
    return suite_of(config.task) == "dmc"


def splits(config: RunConfig) -> tuple[str, ...]:
    """Return the names of the splits that the run is evaluated on; one, without a name, where there is one only.

    `train` is what the run trains on, whatever its split is called.
    """
    test = config.test_split or ("test" if is_procgen(config) else "")
    return tuple(dict.fromkeys((TRAIN, test))) if test else ("",)


def tested_splits(config: RunConfig) -> tuple[str, ...]:
    """Return the names of the splits that the run is evaluated on beside what it trains on."""
    return tuple(name for name in splits(config) if name not in ("", TRAIN))


def split_options(config: RunConfig, split: str = "") -> dict[str, Any]:
    """Return what `rad.envs.make` needs for a split by its name; `train` and "" mean what the run trains on.

    Raises:
        ValueError: there is no such split, or an option is impossible.
    """
    return {"procgen": procgen_options(config, split), "look": look(config, split)}


def look(config: RunConfig, split: str = "") -> Look | None:
    """Return the look of a dmc task on a split; None for the suite's own.

    Raises:
        ValueError: there is no such split.
    """
    trained_on = split in ("", TRAIN)
    name = config.train_split if trained_on else split
    if not is_dmc(config):
        if not is_procgen(config) and name != TRAIN:
            raise ValueError(f"{config.task} has no split {name}; allowed: {TRAIN}")
        return None
    side: Any = "train" if trained_on else "test"
    return None if name in (TRAIN, PLAIN) else Look(split_named(name), side, folders(config).get(side))


def folders(config: RunConfig) -> dict[str, Path]:
    """Return the user's own folders of clips by side.

    Raises:
        ValueError: one is not written as train=DIR or test=DIR, or a side comes twice.
    """
    pairs = [entry.partition("=") for entry in config.background_dir]
    found = {side: Path(path) for side, _, path in pairs if path}
    if len(found) != len(pairs) or not found.keys() <= set(SIDES):
        came = " ".join(config.background_dir)
        raise ValueError(f"background_dir must be train=DIR, test=DIR or both, got {came}")
    return found


def check_split(config: RunConfig, name: str) -> None:
    """Check that environments can be made for a split, and that no clip of a test folder is shown in training too.

    Raises:
        ValueError: there is no such split, or its clips cannot be shown.
    """
    options = procgen_options(config, name)
    if options:
        options.checked(config.task.partition("/")[2])
    chosen = look(config, name)
    if chosen is None or not chosen.split.shows_clips:
        return
    source = chosen.source()
    if chosen.side == "test" and chosen.folder:  # computed clips differ from all others by their families and seeds
        for trained_with in _training_folders(config):
            check_disjoint(trained_with, source)


def _training_folders(config: RunConfig) -> Iterator[Source]:
    """Yield what a run shows in training of a folder of the user's own."""
    folder, trained_on = folders(config).get("train"), look(config)
    if folder and trained_on and trained_on.split.shows_clips:
        yield trained_on.source()
    if folder and uses_overlay(config):
        yield Folder("train", folder, DISTRACTORS)


def check_splits(config: RunConfig) -> None:
    """Check which splits a run trains and is tested on.

    Raises:
        ValueError: the first thing that is wrong, as `--flag: ...`.
    """
    if isinstance(config, PPORun) and is_procgen(config):
        _check_levels(config)
    elif isinstance(config, PPORun):
        _refuse_procgen_options(config)
    for field, name in (("train_split", TRAIN), ("test_split", config.test_split)):
        with named(field):
            check_split(config, name)
    with named("background_dir"):
        _check_folders_show(config)


@contextmanager
def named(field: str) -> Iterator[None]:
    """Begin the text of any ValueError with the flag of a field, or with the one that the text itself begins with."""
    try:
        yield
    except ValueError as error:
        at_fault = "background_dir" if str(error).startswith("background_dir ") else field
        raise ValueError(f"{flag_name(at_fault)}: {str(error).removeprefix('background_dir ')}") from None


def uses_overlay(config: RunConfig) -> bool:
    """Tell whether the run blends pictures over its observations that it is not given a folder of."""
    strong = config.agent.strong_augment if isinstance(config, SACRun) else ""
    return re.search(r"\boverlay\b(?![^+/,]*folder=)", f"{config.augment}+{strong}") is not None


def shows_clips(config: RunConfig, split: str) -> bool:
    """Tell whether a split shows clips."""
    chosen = look(config, split)
    return chosen is not None and chosen.split.shows_clips


def _check_folders_show(config: RunConfig) -> None:
    """Refuse folders that nothing of the run would show."""
    shown = {
        "train": shows_clips(config, TRAIN) or uses_overlay(config),
        "test": any(shows_clips(config, name) for name in tested_splits(config)),
    }
    needs = {"train": "--train-split or an overlay that shows clips", "test": "a --test-split that shows clips"}
    for side, folder in folders(config).items():
        if not shown[side]:
            raise ValueError(f"background_dir {side}={folder} is shown nowhere; allowed: only with {needs[side]}")


def procgen_options(config: RunConfig, split: str = "") -> ProcgenOptions | None:
    """Return Procgen's options for a split by its name; `train` and "" mean the levels that the run trains on.

    Raises:
        ValueError: an option is impossible.
    """
    if not is_procgen(config):
        return None
    own = config.procgen if isinstance(config, PPORun) else ProcgenConfig()
    name = config.train_split if split in ("", TRAIN) else split
    chosen = own.num_levels >= 0 and split in ("", TRAIN)
    return ProcgenOptions(
        distribution_mode=own.distribution_mode,
        split=LevelRange(TRAIN, max(own.start_level, 0), own.num_levels)
        if chosen
        else split_for(name, config.task.partition("/")[2], own.distribution_mode),
        use_backgrounds=own.use_backgrounds,
        restrict_themes=own.restrict_themes,
        use_monochrome_assets=own.use_monochrome_assets,
        center_agent=own.center_agent,
        paint_vel_info=own.paint_vel_info,
        # On a CPU the simulation takes 1 to 2 % of the time, and threads of its own would disturb the networks.
        num_threads=0 if device.resolve_device(config.device).type == "cpu" else 4,
    )


def _check_levels(config: PPORun) -> None:
    """Check mode and levels of a Procgen task, and that test levels are none of the training levels."""
    own, test = config.procgen, splits(config)[-1]
    if own.start_level >= 0 and own.num_levels < 0:
        raise ValueError(f"--start-level: needs --num-levels, got {own.start_level} alone")
    if own.num_levels >= 0 and config.train_split != TRAIN:
        raise ValueError(
            f"--train-split: {config.train_split} and --num-levels exclude each other; allowed: one of them"
        )
    levels = [_levels(config, split, field) for field, split in (("train_split", TRAIN), ("test_split", test))]
    if test not in (TRAIN, ALL_LEVELS) and (shared := shared_levels(*levels)):
        raise ValueError(
            f"--test-split: {levels[1]} shares {shared:,} levels with what is trained on, {levels[0]}; allowed: a "
            f"split that shares none, {ALL_LEVELS}, or {TRAIN}"
        )


def _levels(config: PPORun, split: str, field: str) -> LevelRange | LevelSet:
    """Return the levels of a split that a flag names; a ValueError begins with the flag that is wrong."""
    game = config.task.partition("/")[2]
    try:
        options = procgen_options(config, split) or ProcgenOptions()
        return options.checked(game).levels(game)
    except ValueError as error:
        first = str(error).partition(" ")[0]
        named = first if first in vars(config.procgen) else field
        raise ValueError(f"{flag_name(named)}: {error}") from None


def _refuse_procgen_options(config: PPORun) -> None:
    """Refuse options of Procgen that are not the defaults."""
    default = ProcgenConfig()
    for name, value in vars(config.procgen).items():
        if value != vars(default)[name]:
            raise ValueError(f"{flag_name(name)}: has no meaning for {config.task}, got {value}; it is of procgen")
