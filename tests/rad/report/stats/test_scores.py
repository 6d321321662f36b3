"""Normalized scores, by hand and against both published tables."""

import numpy as np
import pytest

from rad.envs.procgen.games import RETURN_RANGES
from rad.report.stats.scores import normalize


def test_dmc_is_divided_by_the_most_that_is_possible() -> None:
    np.testing.assert_array_equal(normalize([[0, 508.0], [1000, 20]], "dmc/walker-walk"), [[0, 0.508], [1, 0.02]])


def test_procgen_by_hand() -> None:
    # bigfish easy (20.5 - 1) / (40 - 1) = 0.5, hard 10 / 40 = 0.25; fruitbot easy (32.4 + 1.5) / 33.9 = 1
    assert normalize(20.5, "procgen/bigfish", {"distribution_mode": "easy"}) == 0.5
    assert normalize(10, "procgen/bigfish", {"distribution_mode": "hard"}) == 0.25
    np.testing.assert_allclose(normalize([32.4, -1.5], "procgen/fruitbot", {"distribution_mode": "easy"}), [1.0, 0.0])


def test_the_two_published_versions_differ_in_jumper_and_leaper_of_easy() -> None:
    paper, repository = RETURN_RANGES["paper"], RETURN_RANGES["train-procgen"]
    assert paper["hard"] == repository["hard"]
    differing = {game for game in paper["easy"] if paper["easy"][game] != repository["easy"][game]}
    assert differing == {"jumper", "leaper"}
    # jumper: (6.5 - 3) / 7 = 0.5 in the paper, (6.5 - 1) / 9 = 0.6111 in the repository
    assert normalize(6.5, "procgen/jumper", {"distribution_mode": "easy"}) == 0.5
    other = {"distribution_mode": "easy", "score_constants": "train-procgen"}
    np.testing.assert_allclose(normalize(6.5, "procgen/jumper", other), 5.5 / 9)


def test_all_games_have_both_ranges_and_low_is_below_high() -> None:
    for modes in RETURN_RANGES.values():
        for ranges in modes.values():
            assert len(ranges) == 16 and all(low < high for low, high in ranges.values())


@pytest.mark.parametrize(
    ("task", "mode", "constants", "text"),
    [
        ("procgen/pong", "easy", "paper", "game 'pong' has no published range of returns; known: bigfish, bossfight, "),
        ("procgen/maze", "memory", "paper", "distribution_mode 'memory' has no published .*; known: easy, hard$"),
        ("procgen/maze", "easy", "ours", "constants 'ours' has no published .*; known: paper, train-procgen$"),
        (
            "gym/CartPole-v1",
            "",
            "paper",
            "task 'gym/CartPole-v1' has no published .*; known: tasks of dmc and",
        ),
    ],
)
def test_what_has_no_constants_is_refused(task: str, mode: str, constants: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}"):
        normalize(1.0, task, {"distribution_mode": mode, "score_constants": constants})
