"""How returns of different tasks are made comparable: as scores, of which 1 is the best that is possible."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Entry = TypeVar("Entry")

# 1,000 steps of a reward in [0, 1], in all tasks but lqr. Source: Tassa et al. 2018 (arXiv 1801.00690).
DMC_BEST = 1000.0

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

RETURN_RANGES = {
    "paper": {"easy": _EASY_OF_PAPER, "hard": _HARD},
    "train-procgen": {"easy": _EASY, "hard": _HARD},
}


def normalize(
    returns: ArrayLike, task: str, distribution_mode: str = "", *, constants: str = "paper"
) -> NDArray[np.float64]:
    """Scale returns of a task to scores: R / 1000 on dmc, (R - R_min) / (R_max - R_min) on procgen.

    Args:
        returns: undiscounted returns, any shape.
        task: `dmc/NAME` or `procgen/GAME`.
        distribution_mode: of procgen, `easy` or `hard`: nothing is published for the other modes.
        constants: of procgen, `paper` or `train-procgen`, which differ in jumper and leaper of easy; name them with
            the score.

    Raises:
        ValueError: If there are no such constants.

    Source: section 2.2 of Cobbe et al. 2020 for procgen.

    Example:
        >>> float(normalize(20.5, "procgen/bigfish", "easy"))
        0.5
    """
    low, high = _range(task, distribution_mode, constants)
    return (np.asarray(returns, np.float64) - low) / (high - low)


def _range(task: str, distribution_mode: str, constants: str) -> tuple[float, float]:
    suite, _, name = task.partition("/")
    if suite == "dmc":
        return 0.0, DMC_BEST
    if suite != "procgen":
        raise ValueError(f"task {task!r} has no published range of returns; known: tasks of dmc and procgen")
    of_mode = _entry("distribution_mode", distribution_mode, _entry("constants", constants, RETURN_RANGES))
    return _entry("game", name, of_mode)


def _entry(what: str, key: str, table: dict[str, Entry]) -> Entry:
    if key not in table:
        raise ValueError(f"{what} {key!r} has no published range of returns; known: {', '.join(table)}")
    return table[key]
