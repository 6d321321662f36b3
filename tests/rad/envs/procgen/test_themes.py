from typing import Any

import numpy as np
import pytest

from rad import envs
from rad.envs.procgen.native import start_of_level
from rad.envs.procgen.options import ProcgenOptions, split_for
from rad.envs.procgen.themes import (
    NUM_BACKGROUNDS,
    NUM_GROUNDS,
    NUM_PLAYERS,
    Themes,
    in_first_half,
    theme_split,
    themes_of,
)

HARD = ProcgenOptions(distribution_mode="hard")


def themes_in_state(blob: bytes) -> Themes:
    """Read what Procgen drew from a state of CoinRun: the agent is the first entity, of 31 numbers."""
    numbers = _numbers_after_generators(blob)
    grid_and_clock = 16  # Game::serialize after the generators: 15 numbers, and the size of the grid
    entities = numbers[grid_and_clock]
    after = grid_and_clock + 1 + 31 * entities
    wall = np.frombuffer(blob[-28:-24], np.int32)[0]  # 7 numbers before the end: the ground
    return Themes(int(numbers[grid_and_clock + 1 + 8]), int(wall), int(numbers[after + 1]))


def _numbers_after_generators(blob: bytes) -> np.ndarray:
    place = 4 + 4 + len("coinrun") + 17 * 4
    for _ in range(2):
        place += 4
        place += 4 + int(np.frombuffer(blob, np.int32, 1, place)[0])
    return np.frombuffer(blob[place : place + (len(blob) - place) // 4 * 4], np.int32)


@pytest.mark.parametrize("level", [*range(40), 1_000_000, 2**31 - 2])
def test_themes_are_those_that_procgen_draws(level: int) -> None:
    assert themes_of(level) == themes_in_state(start_of_level("coinrun", HARD, level))


def test_all_themes_occur() -> None:
    players, grounds, backgrounds = zip(*map(themes_of, range(600)))
    assert set(players) == set(range(NUM_PLAYERS))
    assert set(grounds) == set(range(NUM_GROUNDS))
    assert set(backgrounds) == set(range(NUM_BACKGROUNDS))


def test_halves_by_hand() -> None:
    # halves, rounded down: 2 of 5 players, 3 of 6 grounds, 31 of 62 backgrounds
    assert in_first_half(Themes(1, 2, 30)) == (True, True, True)
    assert in_first_half(Themes(2, 3, 31)) == (False, False, False)


def test_train_and_test_share_no_theme_and_no_level() -> None:
    train, test = theme_split("themes-train"), theme_split("themes-test")
    assert len(train.levels) == 500 and len(test.levels) == 1_000
    assert not set(train.levels) & set(test.levels) and test.levels[0] >= 1_000_000
    of_train, of_test = ([themes_of(level) for level in split.levels] for split in (train, test))
    for seen, unseen in zip(zip(*of_train), zip(*of_test)):
        assert not set(seen) & set(unseen)
    assert {themes.player for themes in of_train} == {0, 1}
    assert {themes.background for themes in of_test} == set(range(31, 62))


def test_none_of_the_first_levels_is_left_out() -> None:
    train = theme_split("themes-train")
    fitting = [level for level in range(train.levels[20] + 1) if all(in_first_half(themes_of(level)))]
    assert list(train.levels[:21]) == fitting


def test_the_split_is_played_and_checked() -> None:
    split = split_for("themes-train", "coinrun", "hard")
    venv: Any = envs.make("procgen/coinrun", num_envs=3, options=HARD, split=split)
    for _ in range(4):
        _, infos = venv.reset()
        assert all(in_first_half(themes_of(int(level))) == (True, True, True) for level in infos["level_seed"])
    venv.split = theme_split("themes-test")
    with pytest.raises(RuntimeError, match=r"lies outside the split themes-test \(1000 levels of \[1000\d\d\d, "):
        venv.step(np.zeros(3, int))
    venv.close()


@pytest.mark.parametrize(("game", "mode"), [("coinrun", "easy"), ("ninja", "hard")])
def test_other_games_and_modes_have_no_such_split(game: str, mode: str) -> None:
    with pytest.raises(
        ValueError,
        match=rf"^split: split themes-test has no meaning for procgen/{game} in mode {mode}; allowed: procgen/coinrun",
    ):
        split_for("themes-test", game, mode)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^split: unknown split 'themes'; did you mean themes-train, themes-test\?; known: "
    ):
        split_for("themes", "coinrun", "hard")
    with pytest.raises(ValueError, match=r"^split: unknown split 'x'; known: train, test, test-all, themes-train, "):
        split_for("x", "coinrun", "hard")
