"""Published ranges of returns of Procgen's games, from a random policy to the best that is possible."""

from collections.abc import Mapping
from typing import Any, TypeVar

Entry = TypeVar("Entry")

# R_min and R_max of each game, R_norm = (R - R_min) / (R_max - R_min). Source: train_procgen/constants.py of
# openai/train-procgen, commit 3bdf2da. The table of the paper's appendix (Cobbe et al. 2020) differs from it
# in two games of easy.
_HARD = {
    "bigfish": (0.0, 40.0),
    "bossfight": (0.5, 13.0),
    "caveflyer": (2.0, 13.4),
    "chaser": (0.5, 14.2),
    "climber": (1.0, 12.6),
    "coinrun": (5.0, 10.0),
    "dodgeball": (1.5, 19.0),
    "fruitbot": (-0.5, 27.2),
    "heist": (2.0, 10.0),
    "jumper": (1.0, 10.0),
    "leaper": (1.5, 10.0),
    "maze": (4.0, 10.0),
    "miner": (1.5, 20.0),
    "ninja": (2.0, 10.0),
    "plunder": (3.0, 30.0),
    "starpilot": (1.5, 35.0),
}
_EASY = {
    "bigfish": (1.0, 40.0),
    "bossfight": (0.5, 13.0),
    "caveflyer": (3.5, 12.0),
    "chaser": (0.5, 13.0),
    "climber": (2.0, 12.6),
    "coinrun": (5.0, 10.0),
    "dodgeball": (1.5, 19.0),
    "fruitbot": (-1.5, 32.4),
    "heist": (3.5, 10.0),
    "jumper": (1.0, 10.0),
    "leaper": (1.5, 10.0),
    "maze": (5.0, 10.0),
    "miner": (1.5, 13.0),
    "ninja": (3.5, 10.0),
    "plunder": (4.5, 30.0),
    "starpilot": (2.5, 64.0),
}
_EASY_OF_PAPER = _EASY | {"jumper": (3.0, 10.0), "leaper": (3.0, 10.0)}

RETURN_RANGES = {"paper": {"easy": _EASY_OF_PAPER, "hard": _HARD}, "train-procgen": {"easy": _EASY, "hard": _HARD}}


def score_range(game: str, options: Mapping[str, Any]) -> tuple[float, float]:
    """Return (R_min, R_max) of a game in a distribution mode, by `score_constants`, the paper's if not given.

    Raises:
        ValueError: nothing is published for them.
    """
    constants = _entry("constants", options.get("score_constants", "paper"), RETURN_RANGES)
    return _entry("game", game, _entry("distribution_mode", options.get("distribution_mode", ""), constants))


def _entry(what: str, key: str, table: Mapping[str, Entry]) -> Entry:
    if key not in table:
        raise ValueError(f"{what} {key!r} has no published range of returns; known: {', '.join(table)}")
    return table[key]
