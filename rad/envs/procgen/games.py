"""The table of Procgen's games: their modes, options, time limits and published ranges of returns."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Game(NamedTuple):
    """One game. What is not said otherwise is from openai/procgen, from the games' constructors in procgen/src/games.

    Attributes:
        easy, hard: published returns in these modes, of a random policy and of the best that is possible: R_norm = (R -
            R_min) / (R_max - R_min). Source: train_procgen/constants.py of openai/train-procgen, commit 3bdf2da.
        modes: what it has beside easy and hard. Source: Game::parse_options in game.cpp, and env.py.
        exploration: the one level of the mode exploration, drawn as in hard; None without this mode. Source:
            EXPLORATION_LEVEL_SEEDS in env.py.
        time_limit: steps after which an episode is cut.
        uncentered: modes in which the camera can leave the agent; elsewhere the option `center_agent` changes nothing.
        velocity: whether there is one to paint; elsewhere the option `paint_vel_info` changes nothing.
    """

    easy: tuple[float, float]
    hard: tuple[float, float]
    modes: tuple[str, ...] = ()
    exploration: int | None = None
    time_limit: int = 1000
    uncentered: tuple[str, ...] = ()
    velocity: bool = True


_EXTREME, _MEMORY, _ALL = ("extreme",), ("memory",), ("easy", "hard", "extreme", "memory", "exploration")
GAMES = {
    "bigfish": Game((1.0, 40.0), (0.0, 40.0), time_limit=6000),
    "bossfight": Game((0.5, 13.0), (0.5, 13.0), time_limit=4000),
    "caveflyer": Game((3.5, 12.0), (2.0, 13.4), _MEMORY, 1259048185, uncentered=_ALL),
    "chaser": Game((0.5, 13.0), (0.5, 14.2), _EXTREME, velocity=False),
    "climber": Game((2.0, 12.6), (1.0, 12.6), (), 1561126160, uncentered=_ALL),
    "coinrun": Game((5.0, 10.0), (5.0, 10.0), (), 1949448038, uncentered=_ALL),
    "dodgeball": Game((1.5, 19.0), (1.5, 19.0), _EXTREME + _MEMORY, uncentered=_MEMORY),
    "fruitbot": Game((-1.5, 32.4), (-0.5, 27.2), uncentered=_ALL),
    "heist": Game((3.5, 10.0), (2.0, 10.0), _MEMORY, 876640971, uncentered=_MEMORY, velocity=False),
    "jumper": Game((1.0, 10.0), (1.0, 10.0), _MEMORY, 1434825276, uncentered=_ALL),
    "leaper": Game((1.5, 10.0), (1.5, 10.0), _EXTREME, 1318677581, time_limit=500),
    "maze": Game((5.0, 10.0), (4.0, 10.0), _MEMORY, 158988835, 500, _MEMORY, velocity=False),
    "miner": Game((1.5, 13.0), (1.5, 20.0), _MEMORY, uncentered=_MEMORY, velocity=False),
    "ninja": Game((3.5, 10.0), (2.0, 10.0), (), 1123500215, uncentered=_ALL),
    "plunder": Game((4.5, 30.0), (3.0, 30.0), time_limit=4000, velocity=False),
    "starpilot": Game((2.5, 64.0), (1.5, 35.0), _EXTREME),
}

_EASY, _HARD = ({name: getattr(game, mode) for name, game in GAMES.items()} for mode in ("easy", "hard"))
# The table of the paper's appendix (Cobbe et al. 2020) differs from the repository in two games of easy.
_EASY_OF_PAPER = _EASY | {"jumper": (3.0, 10.0), "leaper": (3.0, 10.0)}
RETURN_RANGES = {"paper": {"easy": _EASY_OF_PAPER, "hard": _HARD}, "train-procgen": {"easy": _EASY, "hard": _HARD}}


def modes_of(game: str) -> tuple[str, ...]:
    """Return the distribution modes that a game has."""
    exploration = () if GAMES[game].exploration is None else ("exploration",)
    return ("easy", "hard", *GAMES[game].modes, *exploration)


def score_range(game: str, options: Mapping[str, Any]) -> tuple[float, float]:
    """Return (R_min, R_max) of a game in a distribution mode, by `score_constants`, the paper's if not given.

    Raises:
        ValueError: nothing is published for them.
    """
    entry: Any = RETURN_RANGES
    keys = options.get("score_constants", "paper"), options.get("distribution_mode", ""), game
    for what, key in zip(("constants", "distribution_mode", "game"), keys):
        if key not in entry:
            raise ValueError(f"{what} {key!r} has no published range of returns; known: {', '.join(entry)}")
        entry = entry[key]
    return entry
