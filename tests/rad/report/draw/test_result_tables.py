"""A table is compared whole: what stands where, and what is left out."""

from typing import Any

import pytest

from rad.report.draw.result_tables import split_table, sweep_table
from rad.report.read.evaluation_files import SplitResult


def row(split: str, mean: float, half_width: float, **more: Any) -> SplitResult:
    fields: dict[str, Any] = {
        "run": "walker",
        "task": "dmc/walker-walk",
        "frames": 100_000,
        "seed": 3,
        "policy": "mode",
        "envs": 2,
        "episodes_per_env": 15,
        "split": split,
        "train_split": "train",
        "episode_return_mean": mean,
        "episodes": 30,
        "confidence": 0.95,
        "episode_return_interval": [mean - half_width, mean + half_width],
    }
    return SplitResult(**(fields | more))


def gap(mean: float, half_width: float, paired: bool, **more: float) -> dict[str, Any]:
    return {"gap_to_train": mean, "gap_interval": [mean - half_width, mean + half_width], "paired": paired} | more


def test_splits_that_begin_in_the_same_states() -> None:
    rows = [
        row("train", 812.34, 20),
        row("color-hard", 203.06, 31.5, **gap(609.28, 40, True, retention=0.24996)),
        row("video-easy", 812.36, 9, **gap(-0.02, 11.5, True, retention=1.00002)),
    ]
    assert split_table(rows) == (
        "walker: dmc/walker-walk, 100,000 frames trained, policy mode, seed 3\n"
        "environments 2, episodes in each 15; same initial states on all splits, gaps paired by episode\n"
        "\n"
        "split                mean [95 %]  episodes   gap to train [95 %]  retention\n"
        "train       812.3 [792.3, 832.3]        30\n"
        "color-hard  203.1 [171.6, 234.6]        30  609.3 [569.3, 649.3]       0.25\n"
        "video-easy  812.4 [803.4, 821.4]        30     0.0 [-11.5, 11.5]       1.00\n"
        "\n"
        "intervals: randomness of the episodes of this one training run, not of training"
    )


def test_levels_of_a_game() -> None:
    constants = {"score_constants": "paper", "confidence": 0.9}
    rows = [
        row("train", 8, 0.5, levels="train [0, 200)", normalized_return_mean=0.6, **constants),
        row("test", -4, 1, levels="test [9, 10)", normalized_return_mean=-0.2, **constants, **gap(12, 2, False)),
    ]
    assert split_table(rows).split("\n")[1:] == [
        "environments 2, episodes in each 15; levels differ between splits, gaps not paired",
        "",
        "split              mean [90 %]  normalized  episodes      gap to train [90 %]",
        "train     8.000 [7.500, 8.500]       0.600        30",
        "test   -4.000 [-5.000, -3.000]      -0.200        30  12.000 [10.000, 14.000]",
        "",
        "levels: train [0, 200); test [9, 10)",
        "normalized with the constants of: paper",
        "intervals: randomness of the episodes of this one training run, not of training",
    ]


@pytest.mark.parametrize(("episodes", "warned"), [(1, True), (9, True), (10, False)])
def test_a_few_episodes_are_warned_of(episodes: int, warned: bool) -> None:
    text = split_table([row("train", 1, 0), row("test", 1, 0, episodes=episodes)])
    line = f"warning: intervals of fewer than 10 episodes are too narrow; play 30 or more, got {episodes}"
    assert (line in text.splitlines()) == warned == ("warning" in text)


def test_one_split_has_no_gap() -> None:
    text = split_table([row("train", 1, 0)])
    assert "environments 2, episodes in each 15\n" in text
    assert "split           mean [95 %]  episodes\ntrain  1.000 [1.000, 1.000]        30\n" in text


def test_metrics_that_are_known_have_a_column_each() -> None:
    rows = [row("train", 1, 0, episode_frames_mean=999.6, success_rate=0.25), row("dark", 1, 0, success_rate=0.0)]
    lines = split_table(rows).split("\n")[3:6]
    assert lines[0].endswith("episodes  frames per episode  success rate")
    assert lines[1].split()[-3:] == ["30", "1000", "0.25"] and lines[2].split()[-2:] == ["30", "0.00"]


def test_a_file_of_an_earlier_version_has_a_table() -> None:
    result = SplitResult(task="t", frames=1, split="train", episodes=2, episode_return_mean=3.0)
    assert split_table([result]).split("\n")[3:5] == ["split   mean  episodes", "train  3.000         2"]


def test_what_train_is_called_elsewhere() -> None:
    assert "train: the run" not in split_table([row("train", 1, 0)])
    assert "\n\ntrain: the run trained on color-easy\n" in split_table([row("train", 1, 0, train_split="color-easy")])


@pytest.mark.parametrize(
    ("means", "shown"),
    [([99.96, 0], "99.96"), ([100, 0], "100.0"), ([-100, 0], "-100.0"), ([9.876, 0], "9.876"), ([0, 100], "0.0")],
)
def test_decimals_follow_from_the_largest_mean(means: list[float], shown: str) -> None:
    text = split_table([row(name, mean, 0) for name, mean in zip(("a", "b"), means)])
    assert text.split("\n")[4].split()[1] == shown


def test_lines_are_at_most_100_characters() -> None:
    big = {"levels": "themes-train (500 levels of [3, 4870])", "normalized_return_mean": -0.123}
    names = ("train", "themes-train", "themes-test", "test-all")
    rows = [row(name, 39.99, 30, **big, **gap(-39.99, 29, False, retention=0.5)) for name in names]
    rows += [row("background-hard", 999.9, 99, **gap(-999.9, 99, True, retention=0.5)) for _ in range(2)]
    for table in (split_table(rows[:4]), split_table(rows[4:]), split_table([row("train", 1, 0, run="x-" * 60)])):
        assert max(map(len, table.split("\n"))) <= 100


def test_the_table_of_a_sweep() -> None:
    rows = [
        {"task": "a/b", "augment": "none", "split": "", "returns": {1: 210.0, 2: 190.04, 10: None}},
        {"task": "a/b", "augment": "crop+flip", "split": "", "returns": {}},
    ]
    assert sweep_table(rows).plain().split("\n") == [
        "task  augment     mean    min    max  seeds        return of each seed",
        "a/b   none       200.0  190.0  210.0      3  1: 210.0, 2: 190.0, 10: -",
        "a/b   crop+flip      -      -      -      0",
    ]


def test_the_table_of_a_sweep_shows_splits_and_what_else_is_varied() -> None:
    rows = [{"task": "a/b", "augment": "none", "gamma": "0.5", "split": "test", "returns": {1: 0.5}}]
    assert sweep_table(rows).plain().split("\n")[0].split()[:5] == ["task", "augment", "gamma", "split", "mean"]
