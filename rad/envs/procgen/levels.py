"""Which Procgen levels an agent may train on and is tested on.

A level is all that its seed decides: layout, pictures, and the chance within an episode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_LEVEL = 2**31 - 1  # Procgen's seeds are int32; one past the last level


@dataclass(frozen=True)
class LevelRange:
    """Levels `start_level` to `start_level + num_levels - 1`.

    `num_levels` 0 means all levels, [0, 2^31 - 1), training levels among them: Procgen ignores `start_level`
    then, so any other than 0 is refused here. That is what earlier papers test on (`test-all`).

    Args:
        name: for logs and errors.
        start_level: first level, non-negative.
        num_levels: their number, non-negative; `start_level + num_levels` below 2^31.

    Raises:
        ValueError: a number is impossible. Procgen would end the process, or draw negative seeds.

    Source: vecgame.cpp of openai/procgen (level_seed_low, level_seed_high).
    """

    name: str
    start_level: int
    num_levels: int

    def __post_init__(self) -> None:
        """Check the range."""
        for name in ("start_level", "num_levels"):
            value = getattr(self, name)
            if not 0 <= value <= MAX_LEVEL:
                raise ValueError(f"{name} {value} is impossible; allowed: 0 to {MAX_LEVEL}")
        if self.start_level + self.num_levels > MAX_LEVEL:
            total = f"start_level {self.start_level} + num_levels {self.num_levels}"
            raise ValueError(f"{total} is impossible; allowed: a sum up to {MAX_LEVEL}")
        if self.num_levels == 0 and self.start_level:
            raise ValueError(f"start_level {self.start_level} has no effect with num_levels 0, all levels; allowed: 0")

    @property
    def end(self) -> int:
        """One past the last level."""
        return self.start_level + (self.num_levels or MAX_LEVEL)

    def contains(self, levels: ArrayLike) -> NDArray[np.bool_]:
        """Tell of each level whether it belongs to the split."""
        levels = np.asarray(levels)
        return (levels >= self.start_level) & (levels < self.end)

    def __str__(self) -> str:
        """Write name and range, as in `train [0, 200)`."""
        return f"{self.name} [{self.start_level}, {self.end})"


@dataclass(frozen=True)
class LevelSet:
    """Levels that need not follow each other.

    Args:
        name: for logs and errors.
        levels: at least one level, each 0 to 2^31 - 2, ascending.

    Raises:
        ValueError: there is none, or one is impossible, or they do not ascend.
    """

    name: str
    levels: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the levels."""
        if not self.levels:
            raise ValueError(f"split {self.name} has no level; allowed: 1 and more")
        if any(later <= earlier for earlier, later in zip(self.levels, self.levels[1:])):
            raise ValueError(f"levels of split {self.name} do not ascend; allowed: each once, in order")
        if not (self.levels[0] >= 0 and self.levels[-1] < MAX_LEVEL):
            raise ValueError(f"split {self.name} holds an impossible level; allowed: 0 to {MAX_LEVEL - 1}")

    def contains(self, levels: ArrayLike) -> NDArray[np.bool_]:
        """Tell of each level whether it belongs to the split."""
        return np.isin(levels, self.levels)

    def __str__(self) -> str:
        """Write name, number and range, as in `themes-train (500 levels of [3, 4870])`."""
        return f"{self.name} ({len(self.levels)} levels of [{self.levels[0]}, {self.levels[-1]}])"


Levels = LevelRange | LevelSet


def check_disjoint(train: Levels, test: Levels) -> None:
    """Check that levels to test on are none of those that are trained on, unless they are all that there are.

    Raises:
        ValueError: they share some.
    """
    if test != _TEST_ALL and (shared := shared_levels(train, test)):
        raise ValueError(
            f"{test} shares {shared:,} levels with what is trained on, {train}; allowed: a split that shares none, "
            f"{ALL_LEVELS}, or train"
        )


def shared_levels(first: Levels, second: Levels) -> int:
    """Return how many levels two splits have in common."""
    if isinstance(first, LevelSet):
        return int(second.contains(first.levels).sum())
    if isinstance(second, LevelSet):
        return int(first.contains(second.levels).sum())
    return max(min(first.end, second.end) - max(first.start_level, second.start_level), 0)


ALL_LEVELS = "test-all"
LEVEL_SPLITS = ("train", "test", ALL_LEVELS)

# Section 2.1 of Procgen (Cobbe et al. 2020): 200 training levels in easy, 500 in hard. Its other modes are
# variants of hard and get as many.
_TRAIN_EASY, _TRAIN_HARD = LevelRange("train", 0, 200), LevelRange("train", 0, 500)
# Ours: the paper tests on all levels, which hold the training levels; this range provably does not.
_TEST, _TEST_ALL = LevelRange("test", 1_000_000, 1_000), LevelRange(ALL_LEVELS, 0, 0)


def level_split(name: str, distribution_mode: str) -> LevelRange:
    """Return a split by its name, one of `LEVEL_SPLITS`.

    Raises:
        ValueError: the name is unknown.
    """
    train = _TRAIN_EASY if distribution_mode == "easy" else _TRAIN_HARD
    known = {"train": train, "test": _TEST, ALL_LEVELS: _TEST_ALL}
    if name not in known:
        raise ValueError(f"unknown split {name!r}; known: {', '.join(known)}")
    return known[name]


# The one level of the mode `exploration`, drawn as in hard. Source: EXPLORATION_LEVEL_SEEDS in env.py of
# openai/procgen.
EXPLORATION_LEVELS = {
    "caveflyer": 1259048185,
    "climber": 1561126160,
    "coinrun": 1949448038,
    "heist": 876640971,
    "jumper": 1434825276,
    "leaper": 1318677581,
    "maze": 158988835,
    "ninja": 1123500215,
}
