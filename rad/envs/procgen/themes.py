"""RAD's split of CoinRun by themes: trained on one half of the pictures, tested on the other.

Lee et al. 2020 and RAD (Laskin et al. 2020) edited the first CoinRun so that 500 training levels use the first half of
the lists of players, grounds and backgrounds, and the test levels the second. Here nothing is edited: levels of
Procgen's CoinRun are chosen by their themes. So scores do not compare with the published ones; the gap between train
and test does. Enemies and crates are split neither there nor here. The training levels are one in ten of all: their
numbers reach up to some 5,000.

Themes differ in the mode hard only: in easy all levels share the first of each list.
"""

from __future__ import annotations

import functools
import itertools
from typing import NamedTuple

import numpy as np

from rad.envs.procgen.levels import LevelSet

GAME, MODE = "coinrun", "hard"
THEME_SPLITS = ("themes-train", "themes-test")

# Lengths of the lists in coinrun.cpp and resources.cpp of openai/procgen 0.10.7: platform backgrounds are 49 and the 13
# of space.
NUM_PLAYERS, NUM_GROUNDS, NUM_BACKGROUNDS = 5, 6, 62

NUM_TRAIN = 500  # Lee et al. 2020, section 4.2
NUM_TEST, TEST_START = 1_000, 1_000_000  # as the split `test`

_TWISTER = np.random.RandomState(0)  # seeded for each level: to make one takes several times as long


class Themes(NamedTuple):
    """Indices into Procgen's lists of pictures."""

    player: int
    ground: int
    background: int


def themes_of(level: int) -> Themes:
    """Return the themes that Procgen draws for a level of CoinRun in the mode hard.

    A level starts with a Mersenne Twister seeded with its number. Its draws are: shift of the background,
    background, two of the player's place, player, ground; each theme is the draw modulo the list's length.

    Args:
        level: 0 to 2^31 - 2.

    Source: game_reset in coinrun.cpp and basic-abstract-game.cpp, randn in randgen.cpp of openai/procgen.

    Example:
        >>> themes_of(0)
        Themes(player=3, ground=3, background=61)
    """
    _TWISTER.seed(level)
    _, background, _, _, player, ground = _TWISTER.randint(2**32, size=6, dtype=np.uint32).tolist()
    return Themes(player % NUM_PLAYERS, ground % NUM_GROUNDS, background % NUM_BACKGROUNDS)


def in_first_half(themes: Themes) -> tuple[bool, bool, bool]:
    """Tell of player, ground and background whether it is in the first half (2 of 5, 3 of 6, 31 of 62)."""
    player, ground, background = themes
    return player < NUM_PLAYERS // 2, ground < NUM_GROUNDS // 2, background < NUM_BACKGROUNDS // 2


@functools.cache
def theme_split(name: str) -> LevelSet:
    """Return the first levels, counted from 0 or 1,000,000, whose three themes all lie in the split's half.

    Args:
        name: `themes-train` (500 levels of the first half) or `themes-test` (1,000 of the second).
    """
    train = name == "themes-train"
    start, count = (0, NUM_TRAIN) if train else (TEST_START, NUM_TEST)
    fitting = (level for level in itertools.count(start) if in_first_half(themes_of(level)) == (train,) * 3)
    return LevelSet(name, tuple(itertools.islice(fitting, count)))
