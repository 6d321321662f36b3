"""Procgen's games and options, checked before its native code, which ends the process on an error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rad.envs.checks import require, require_known
from rad.envs.options import SuiteOptions
from rad.envs.procgen import themes
from rad.envs.procgen.games import GAMES, RETURN_RANGES, modes_of
from rad.envs.procgen.levels import LEVEL_SPLITS, MAX_LEVEL, LevelRange, Levels, level_split
from rad.settings import SettingError, mention

IMAGE_SIZE = 64  # RES_W, RES_H in game.h; compiled in
NUM_ACTIONS = 15  # get_combos in env.py of openai/procgen
SPLITS = (*LEVEL_SPLITS, *themes.THEME_SPLITS)


def check_mode(game: str, distribution_mode: str) -> None:
    """Raise a SettingError with what is known unless `game` is one of the sixteen and has the mode: 50 of 80 pairs."""
    require_known("task", game, GAMES, prefix="procgen/")
    if distribution_mode not in modes_of(game):
        problem = f"{distribution_mode!r} is unknown for procgen/{game}; allowed: {', '.join(modes_of(game))}"
        raise SettingError("distribution_mode", problem)


def check_actions(actions: Any, num_envs: int) -> NDArray[np.int32]:
    """Return actions as Procgen takes them: int32 [N].

    Raises:
        ValueError: an action is no integer from 0 to 14, or their number is not N; Procgen does not check.
    """
    array, allowed = np.asarray(actions), f"0 to {NUM_ACTIONS - 1}"
    require(array.shape == (num_envs,), "action", f"of shape [{num_envs}]", list(array.shape))
    require(np.issubdtype(array.dtype, np.integer), "action", f"an integer from {allowed}", str(array.dtype))
    for index in np.flatnonzero((array < 0) | (array >= NUM_ACTIONS)):
        require(False, f"action of environment {index}", allowed, int(array[index]))
    return array.astype(np.int32)


def split_for(name: str, game: str, distribution_mode: str) -> Levels:
    """Return a split by its name, one of `SPLITS`.

    In the mode exploration, which has one level, `train` is that level and there is no split to test on.

    Raises:
        SettingError: the name is unknown, or the game or mode has no such split.
    """
    check_mode(game, distribution_mode)
    if name in themes.THEME_SPLITS:
        if (game, distribution_mode) != (themes.GAME, themes.MODE):
            problem = f"split {name} has no meaning for procgen/{game} in mode {distribution_mode}"
            raise SettingError("split", f"{problem}; allowed: procgen/coinrun hard")
        return themes.theme_split(name)
    require_known("split", name, SPLITS)
    level = GAMES[game].exploration
    if distribution_mode != "exploration" or level is None:
        return level_split(name, distribution_mode)
    if name != "train":
        raise SettingError("split", f"{name} is impossible in mode exploration, which has one level; allowed: train")
    return LevelRange(name, level, 1)


@dataclass(frozen=True)
class ProcgenOptions(SuiteOptions):
    """Levels of a Procgen game, and their appearance."""

    distribution_mode: str = "easy"
    """easy, hard, extreme, memory or exploration; not every game has each."""
    start_level: int = -1
    """First level to train on, instead of the split's; needs num_levels."""
    num_levels: int = -1
    """Number of levels to train on, instead of the split's; 0 is all of them, and start_level has to be 0 then."""
    use_backgrounds: bool = True
    """Draw backgrounds; black otherwise."""
    restrict_themes: bool = False
    """Draw one theme for each kind of object; heist, leaper and plunder keep some."""
    use_monochrome_assets: bool = False
    """Draw rectangles of one color instead of pictures."""
    center_agent: bool = True
    """Follow the agent, instead of showing the whole world, in the games that can."""
    paint_vel_info: bool = False
    """Paint the agent's velocity as two gray squares, in the games that have one."""
    score_constants: Literal["paper", "train-procgen"] = "paper"
    """Published return ranges that scores are normalized with; they differ in jumper and leaper of easy."""

    def check(self, name: str) -> None:
        """Check that the game `name` can have the options, and that each changes something in it.

        Raises:
            SettingError: If not; the text lists what is allowed.
        """
        check_mode(name, self.distribution_mode)
        for option in ("start_level", "num_levels"):
            if not -1 <= getattr(self, option) <= MAX_LEVEL:
                raise SettingError(option, getattr(self, option), "from -1 (the split's) to 2^31 - 1")
        if self.start_level >= 0 > self.num_levels:
            raise SettingError("start_level", f"needs {mention('{num_levels}')}, got {self.start_level} alone")
        # An ablation of an option without effect would compare a setting with itself.
        if not self.center_agent and self.distribution_mode not in GAMES[name].uncentered:
            raise SettingError("center_agent", f"False changes nothing in procgen/{name}; allowed: True")
        if self.paint_vel_info and not GAMES[name].velocity:
            raise SettingError("paint_vel_info", f"True changes nothing in procgen/{name}; allowed: False")

    def scene(self) -> dict[str, Any]:
        """Return the options of how levels are made and drawn; the split says which they are."""
        return {name: value for name, value in vars(self).items() if name not in _NOT_OF_THE_SCENE}

    def native(self) -> dict[str, Any]:
        """Return the options as Procgen takes them, without levels and threads."""
        hard = self.distribution_mode == "exploration"  # which is hard with one level
        return self.scene() | {"distribution_mode": "hard" if hard else self.distribution_mode}

    @property
    def constants(self) -> str:
        """Name of the published ranges of returns; "" for modes other than easy and hard."""
        return self.score_constants if self.distribution_mode in RETURN_RANGES[self.score_constants] else ""


_NOT_OF_THE_SCENE = ("start_level", "num_levels", "score_constants")


def split_of(task: str, name: str, options: ProcgenOptions, side: str, folder: Path | None = None) -> Levels:
    """Return the levels of a split by its name; on side `train` those that the options have instead, if any.

    Raises:
        SettingError: the game or mode has no such split, or both name levels.
    """
    game = task.partition("/")[2]
    if side != "train" or options.num_levels < 0:
        return split_for(name, game, options.distribution_mode)
    if name != "train":
        raise SettingError("split", f"{name} and {mention('{num_levels}')} exclude each other; allowed: one of them")
    levels = LevelRange(name, max(options.start_level, 0), options.num_levels)
    return checked_levels(game, options, levels)


def checked_levels(game: str, options: ProcgenOptions, levels: Levels | None) -> Levels:
    """Return levels that a game with checked options can have; without any, those to train on.

    Raises:
        SettingError: they are not the one that the mode exploration has.
    """
    train = split_for("train", game, options.distribution_mode)
    if options.distribution_mode == "exploration" and levels not in (None, train):
        raise SettingError("num_levels", f"{levels} is impossible in mode exploration; allowed: its one level, {train}")
    return levels or train
