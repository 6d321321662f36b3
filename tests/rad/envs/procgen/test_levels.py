import numpy as np
import pytest

from rad.envs.procgen.games import GAMES
from rad.envs.procgen.levels import LEVEL_SPLITS, LevelRange, LevelSet, level_split, shared_levels


def test_train_and_test_levels_are_those_of_the_protocol() -> None:
    assert level_split("train", "easy") == LevelRange("train", 0, 200)
    assert level_split("train", "hard") == LevelRange("train", 0, 500)
    for mode in ("easy", "hard"):
        assert level_split("test", mode) == LevelRange("test", 1_000_000, 1_000)
        assert level_split("test-all", mode) == LevelRange("test-all", 0, 0)


def test_train_and_test_share_no_level_and_test_all_holds_both() -> None:
    for mode in ("easy", "hard"):
        train, test = level_split("train", mode), level_split("test", mode)
        of_train = np.arange(train.start_level, train.end)
        assert not test.contains(of_train).any()
        assert level_split("test-all", mode).contains([0, train.end - 1, test.start_level, 2**31 - 2]).all()


def test_splits_are_known_by_name() -> None:
    assert tuple(LEVEL_SPLITS) == ("train", "test", "test-all")


def test_a_split_holds_its_first_level_and_not_the_one_past_its_last() -> None:
    split = LevelRange("some", 10, 3)
    assert split.contains([9, 10, 12, 13]).tolist() == [False, True, True, False]
    assert split.end == 13 and str(split) == "some [10, 13)"
    assert str(LevelRange("test-all", 0, 0)) == "test-all [0, 2147483647)"
    assert not LevelRange("test-all", 0, 0).contains([-1]).any()


@pytest.mark.parametrize(
    ("start_level", "num_levels", "text"),
    [
        (-1, 10, "start_level: must be from 0 to 2147483647, got -1"),
        (0, -1, "num_levels: must be from 0 to 2147483647, got -1"),
        (2**31, 1, "start_level: must be from 0 to 2147483647, got 2147483648"),
        (2**31 - 10, 10, r"start_level: 2147483638 \+ num_levels 10 is impossible; allowed: a sum up to"),
        (200, 0, "start_level: 200 has no effect with num_levels 0, all levels; allowed: 0"),
    ],
)
def test_ranges_that_procgen_would_die_on_or_ignore_are_refused(start_level: int, num_levels: int, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}") as caught:
        LevelRange("some", start_level, num_levels)
    assert "\n" not in str(caught.value)


def test_the_last_possible_level() -> None:
    assert LevelRange("last", 2**31 - 2, 1).contains([2**31 - 2]).all()


def test_a_level_set_holds_its_levels_only() -> None:
    levels = LevelSet("odd", (1, 3, 9))
    assert levels.contains([0, 1, 2, 3, 9]).tolist() == [False, True, False, True, True]
    assert str(levels) == "odd (3 levels of [1, 9])"


@pytest.mark.parametrize("levels", [(), (3, 1), (1, 1), (-1, 2), (5, 2**31 - 1)])
def test_impossible_level_sets_are_refused(levels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"levels of split odd must be "):
        LevelSet("odd", levels)


def test_exploration_levels_are_possible() -> None:
    for level in (game.exploration for game in GAMES.values() if game.exploration is not None):
        assert LevelRange("train", level, 1).contains([level]).all()


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (LevelRange("a", 0, 200), LevelRange("b", 200, 10), 0),
        (LevelRange("a", 0, 200), LevelRange("b", 190, 100), 10),
        (LevelRange("a", 0, 0), LevelRange("b", 5, 7), 7),
        (LevelSet("a", (1, 5, 300)), LevelRange("b", 0, 200), 2),
        (LevelRange("a", 0, 200), LevelSet("b", (1, 5, 300)), 2),
        (LevelSet("a", (1, 2)), LevelSet("b", (2, 3)), 1),
    ],
)
def test_levels_that_two_splits_share(first, second, shared):
    assert shared_levels(first, second) == shared
