"""Which Procgen levels an agent may train on and is tested on.

A level is all that its seed decides: layout, pictures, and the random draws within an episode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rad.envs.checks import require, require_between
from rad.settings import SettingError, mention

MAX_LEVEL = 2**31 - 1  # Procgen's seeds are int32; one past the last level


@dataclass(frozen=True)
class LevelRange:
    """Levels `start_level` to `start_level + num_levels - 1`.

    `num_levels` 0 means all levels, [0, 2^31 - 1), training levels included, as earlier papers test on (`test-all`):
    Procgen ignores `start_level` then, so that it must be 0 here.

    Args:
        name: for logs and errors.
        start_level: first level, non-negative.
        num_levels: their number, non-negative; `start_level + num_levels` below 2^31.

    Raises:
        SettingError: a number is impossible. Procgen would end the process, or draw negative seeds.

    Source: vecgame.cpp of openai/procgen (level_seed_low, level_seed_high).
    """

    name: str
    start_level: int
    num_levels: int

    def __post_init__(self) -> None:
        for name in ("start_level", "num_levels"):
            require_between(name, getattr(self, name), 0, MAX_LEVEL)
        if self.start_level + self.num_levels > MAX_LEVEL:
            total = f"{self.start_level} + {mention('{num_levels}')} {self.num_levels}"
            raise SettingError("start_level", f"{total} is impossible; allowed: a sum up to {MAX_LEVEL}")
        if self.num_levels == 0 and self.start_level:
            problem = f"{self.start_level} has no effect with {mention('{num_levels}')} 0, all levels; allowed: 0"
            raise SettingError("start_level", problem)

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
        name, ascending = f"levels of split {self.name}", self.levels == tuple(sorted(set(self.levels)))
        require(len(self.levels) > 0, name, "at least one", self.levels)
        require(ascending, name, "in ascending order", self.levels)
        ends = self.levels[0], self.levels[-1]
        require(ends[0] >= 0 and ends[1] < MAX_LEVEL, name, f"from 0 to {MAX_LEVEL - 1}", ends)

    def contains(self, levels: ArrayLike) -> NDArray[np.bool_]:
        """Tell of each level whether it belongs to the split."""
        return np.isin(levels, self.levels)

    def __str__(self) -> str:
        """Write name, number and range, as in `themes-train (500 levels of [3, 4870])`."""
        return f"{self.name} ({len(self.levels)} levels of [{self.levels[0]}, {self.levels[-1]}])"


Levels = LevelRange | LevelSet


def check_disjoint(train: Levels, test: Levels) -> None:
    """Raise a ValueError if a split to test on, other than all levels, shares levels with the one to train on."""
    if test != LEVEL_SPLITS[ALL_LEVELS] and (shared := shared_levels(train, test)):
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
# Section 2.1 of Procgen (Cobbe et al. 2020): 200 training levels in easy, 500 in hard. Its other modes are variants of
# hard and get as many. `test` is ours: the paper tests on all levels, which hold the training levels; this range
# provably does not.
_TRAIN_EASY = LevelRange("train", 0, 200)
LEVEL_SPLITS = {
    split.name: split
    for split in (LevelRange("train", 0, 500), LevelRange("test", 1_000_000, 1_000), LevelRange(ALL_LEVELS, 0, 0))
}


def level_split(name: str, distribution_mode: str) -> LevelRange:
    """Return a split by its name, one of `LEVEL_SPLITS`."""
    return _TRAIN_EASY if (name, distribution_mode) == ("train", "easy") else LEVEL_SPLITS[name]
