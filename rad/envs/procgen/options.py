"""What Procgen can be asked for, checked before its native code, which ends the process where something is wrong."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.envs.procgen import themes
from rad.envs.procgen.levels import EXPLORATION_LEVELS, LEVEL_SPLITS, LevelRange, LevelSet, level_split

GAMES = (
    "bigfish",
    "bossfight",
    "caveflyer",
    "chaser",
    "climber",
    "coinrun",
    "dodgeball",
    "fruitbot",
    "heist",
    "jumper",
    "leaper",
    "maze",
    "miner",
    "ninja",
    "plunder",
    "starpilot",
)
# Which games have a mode. Source: Game::parse_options in game.cpp, and env.py of openai/procgen.
MODES = {
    "easy": GAMES,
    "hard": GAMES,
    "extreme": ("chaser", "dodgeball", "leaper", "starpilot"),
    "memory": ("caveflyer", "dodgeball", "heist", "jumper", "maze", "miner"),
    "exploration": tuple(EXPLORATION_LEVELS),
}
# Games in which the camera can leave the agent, and those without a velocity to paint: the options `center_agent`
# and `paint_vel_info` change nothing in the others. Source: the games' constructors in openai/procgen.
UNCENTERED = ("caveflyer", "climber", "coinrun", "fruitbot", "jumper", "ninja")
UNCENTERED_IN_MEMORY = ("dodgeball", "heist", "maze", "miner")
WITHOUT_VELOCITY = ("chaser", "heist", "maze", "miner", "plunder")
NUM_ACTIONS = 15  # get_combos in env.py of openai/procgen
SPLITS = (*LEVEL_SPLITS, *themes.THEME_SPLITS)


def check_game(game: str) -> None:
    """Raise a ValueError with the known names unless `game` is one of the sixteen."""
    if game in GAMES:
        return
    near = difflib.get_close_matches(game, GAMES, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"unknown task 'procgen/{game}'{hint}; known: {', '.join(GAMES)}")


def check_mode(game: str, distribution_mode: str) -> None:
    """Raise a ValueError with the modes of `game` unless `distribution_mode` is one of them: 50 of 80 pairs are."""
    allowed = [mode for mode, games in MODES.items() if game in games]
    if distribution_mode not in allowed:
        raise ValueError(
            f"distribution_mode {distribution_mode!r} is unknown for procgen/{game}; allowed: {', '.join(allowed)}"
        )


def check_actions(actions: Any, num_envs: int) -> NDArray[np.int32]:
    """Return actions as Procgen takes them: int32 [N].

    Raises:
        ValueError: If one is no integer from 0 to 14, or their number is not N. Procgen would take any.
    """
    array = np.asarray(actions)
    if array.shape != (num_envs,):
        raise ValueError(f"action has shape {list(array.shape)}; allowed: [{num_envs}]")
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"action is {array.dtype}; allowed: integers 0 to {NUM_ACTIONS - 1}")
    unknown = np.flatnonzero((array < 0) | (array >= NUM_ACTIONS))
    if unknown.size:
        text = f"{array[unknown[0]]} of environment {unknown[0]}"
        raise ValueError(f"action {text} is unknown; allowed: 0 to {NUM_ACTIONS - 1}")
    return array.astype(np.int32)


def split_for(name: str, game: str, distribution_mode: str) -> LevelRange | LevelSet:
    """Return a split by its name, one of `SPLITS`.

    In the mode exploration, which has one level, `train` is that level and there is nothing to test on.

    Raises:
        ValueError: If the name is unknown, or the game or mode has no such split.
    """
    check_mode(game, distribution_mode)
    if name in themes.THEME_SPLITS:
        if (game, distribution_mode) != (themes.GAME, themes.MODE):
            raise ValueError(
                f"split {name} has no meaning for procgen/{game} in mode {distribution_mode}; "
                "allowed: procgen/coinrun hard"
            )
        return themes.theme_split(name)
    if name not in SPLITS:
        raise ValueError(f"unknown split {name!r}; known: {', '.join(SPLITS)}")
    if distribution_mode != "exploration":
        return level_split(name, distribution_mode)
    if name != "train":
        raise ValueError(f"split {name} is impossible in mode exploration, which has one level; allowed: train")
    return LevelRange(name, EXPLORATION_LEVELS[game], 1)


@dataclass(frozen=True)
class ProcgenOptions:
    """Options of Procgen.

    Attributes:
        distribution_mode: `easy`, `hard`, `extreme`, `memory` or `exploration`; not every game has each.
        split: the levels; None for `split_for("train", ...)`.
        use_backgrounds: draw backgrounds; black otherwise.
        restrict_themes: draw one theme of each kind of object (heist, leaper and plunder keep some).
        use_monochrome_assets: draw rectangles of one color instead of pictures.
        center_agent: follow the agent. False shows the whole world in caveflyer, climber, coinrun, fruitbot,
            jumper and ninja, and in the mode memory of dodgeball, heist, maze and miner; elsewhere nothing
            changes.
        paint_vel_info: paint the agent's velocity as two grey squares, top left; nothing changes in chaser,
            heist, maze, miner and plunder.
        num_threads: native threads that step the environments, non-negative; 0 steps them in the caller's. Never
            more than there are environments. Changes nothing but the speed.
    """

    distribution_mode: str = "easy"
    split: LevelRange | LevelSet | None = None
    use_backgrounds: bool = True
    restrict_themes: bool = False
    use_monochrome_assets: bool = False
    center_agent: bool = True
    paint_vel_info: bool = False
    num_threads: int = 0

    def checked(self, game: str) -> ProcgenOptions:
        """Return the options with their split, if `game` can have them.

        Raises:
            ValueError: If it cannot; the text lists what is allowed.
        """
        check_game(game)
        check_mode(game, self.distribution_mode)
        if self.num_threads < 0:
            raise ValueError(f"num_threads {self.num_threads} is impossible; allowed: 0 and more")
        self._check_effect(game)
        own = split_for("train", game, self.distribution_mode)
        if self.distribution_mode == "exploration" and self.split not in (None, own):
            raise ValueError(
                f"num_levels of split {self.split} are impossible in mode exploration, which has one level; "
                f"allowed: {own}"
            )
        return replace(self, split=self.levels(game))

    def _check_effect(self, game: str) -> None:
        """Refuse options that change nothing in `game`: an ablation of them would compare a thing with itself."""
        in_memory = self.distribution_mode == "memory" and game in UNCENTERED_IN_MEMORY
        if not self.center_agent and game not in UNCENTERED and not in_memory:
            raise ValueError(f"center_agent False changes nothing in procgen/{game}; allowed: True")
        if self.paint_vel_info and game in WITHOUT_VELOCITY:
            raise ValueError(f"paint_vel_info True changes nothing in procgen/{game}; allowed: False")

    def levels(self, game: str) -> LevelRange | LevelSet:
        """Return the levels of `game`."""
        return self.split or split_for("train", game, self.distribution_mode)

    def native(self) -> dict[str, Any]:
        """Return the options as Procgen takes them, without levels and threads."""
        hard = self.distribution_mode == "exploration"  # it is hard with one level
        return {
            "distribution_mode": "hard" if hard else self.distribution_mode,
            "use_backgrounds": self.use_backgrounds,
            "restrict_themes": self.restrict_themes,
            "use_monochrome_assets": self.use_monochrome_assets,
            "center_agent": self.center_agent,
            "paint_vel_info": self.paint_vel_info,
        }
