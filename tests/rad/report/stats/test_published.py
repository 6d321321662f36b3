"""Published scores: their shape, numbers read off the sources once more, and means that the sources state."""

from collections import Counter

import numpy as np
import pytest

from rad.report.stats.published import Published, published
from rad.report.stats.scores import normalize

DMC = ("ball_in_cup-catch", "cartpole-swingup", "cheetah-run", "finger-spin", "reacher-easy", "walker-walk")


def test_rows_are_whole() -> None:
    rows = published()
    assert len(rows) == 2 * 6 * 5 + 16 * (3 + 2) + 2 * 5 * 8
    for row in rows:
        assert row.task.partition("/")[0] == ("procgen" if row.suite == "procgen" else "dmc")
        assert (row.distribution_mode == "easy") == (row.suite == "procgen")
        assert -10 < row.mean <= 1000 and (row.std is None or 0 <= row.std <= 400)
        assert row.frames in (100_000, 500_000, 25_000_000)
        assert row.runs is None or row.runs >= 3
        assert len(row.counting) > 10 and len(row.source) > 30


def test_no_row_stands_there_twice() -> None:
    keys = Counter((row.suite, row.task, row.method, row.frames, row.split) for row in published())
    assert max(keys.values()) == 1


def test_suites_have_their_splits_and_tasks() -> None:
    splits = {suite: {row.split for row in published(suite=suite)} for suite in ("dmc", "procgen", "dmcontrol-gb")}
    assert splits == {"dmc": {"train"}, "procgen": {"train", "test"}, "dmcontrol-gb": {"color_hard", "video_easy"}}
    assert {row.suite for row in published()} == set(splits)
    assert {row.task for row in published(suite="dmc")} == {f"dmc/{name}" for name in DMC}
    for row in published(suite="procgen"):
        assert np.isfinite(normalize(row.mean, row.task, {"distribution_mode": row.distribution_mode}))


def of(suite: str, method: str, task: str, frames: int, split: str) -> Published:
    (row,) = published(suite=suite, method=method, task=task, frames=frames, split=split)
    return row


@pytest.mark.parametrize(
    ("key", "mean", "std", "runs"),
    [
        (("dmc", "RAD", "dmc/walker-walk", 100_000, "train"), 391, 212, 10),
        (("dmc", "RAD", "dmc/cheetah-run", 500_000, "train"), 548, 64, 10),
        (("dmc", "DrQ", "dmc/ball_in_cup-catch", 100_000, "train"), 914, 54, 10),
        (("dmc", "CURL", "dmc/reacher-easy", 500_000, "train"), 929, 44, None),
        (("dmc", "state SAC", "dmc/cartpole-swingup", 500_000, "train"), 848, 15, None),
        (("dmc", "pixel SAC", "dmc/finger-spin", 100_000, "train"), 179, 66, None),
        (("procgen", "PPO", "procgen/bigfish", 25_000_000, "test"), 3.7, 1.3, 10),
        (("procgen", "UCB-DrAC", "procgen/starpilot", 25_000_000, "test"), 30.1, 1.3, 10),
        (("procgen", "IDAAC", "procgen/leaper", 25_000_000, "test"), 8.0, 0.0, 10),
        (("procgen", "PPO (OpenAI)", "procgen/bigfish", 25_000_000, "train"), 11.8, 0.3, 3),
        (("procgen", "PPO (OpenAI)", "procgen/heist", 25_000_000, "test"), 2.7, None, 3),
        (("dmcontrol-gb", "RAD", "dmc/walker-walk", 500_000, "color_hard"), 400, 61, None),
        (("dmcontrol-gb", "SVEA (overlay)", "dmc/finger-spin", 500_000, "video_easy"), 808, 33, None),
    ],
)
def test_numbers_read_again(key: tuple, mean: float, std: float | None, runs: int | None) -> None:
    row = of(*key)
    assert (row.mean, row.std, row.runs) == (mean, std, runs)


@pytest.mark.parametrize(
    ("method", "frames", "stated"),
    [
        ("RAD", 100_000, 508),
        ("DrQ", 100_000, 695),
        ("CURL", 100_000, 560),
        ("pixel SAC", 100_000, 216),
        ("state SAC", 100_000, 774),
        ("RAD", 500_000, 804),
        ("DrQ", 500_000, 887),
        ("CURL", 500_000, 846),
        ("pixel SAC", 500_000, 216),
        ("state SAC", 500_000, 902),
    ],
)
def test_means_over_tasks_of_dmc(method: str, frames: int, stated: float) -> None:
    rows = published(suite="dmc", method=method, frames=frames)
    assert len(rows) == 6 and np.mean([row.mean for row in rows]) == pytest.approx(stated, abs=0.6)


@pytest.mark.parametrize(
    ("method", "split", "stated"),
    [
        ("PPO", "test", 0.325),
        ("UCB-DrAC", "test", 0.406),
        ("IDAAC", "test", 0.539),
        ("PPO (OpenAI)", "train", 0.597),
        ("PPO (OpenAI)", "test", 0.354),
    ],
)
def test_normalized_means_over_games_of_procgen(method: str, split: str, stated: float) -> None:
    rows = published(suite="procgen", method=method, split=split)
    scores = [
        normalize(
            row.mean,
            row.task,
            {"distribution_mode": row.distribution_mode, "score_constants": "train-procgen"},
        )
        for row in rows
    ]
    assert len(scores) == 16 and np.mean(scores) == pytest.approx(stated, abs=0.002)  # of rounded returns


def test_what_is_asked_for_is_returned() -> None:
    assert published(task="dmc/quadruped-walk") == published(suite="atari") == published(method="nobody") == []
    assert {row.frames for row in published(task="dmc/walker-walk", suite="dmc")} == {100_000, 500_000}
    both = published(task="dmc/walker-walk")
    assert {row.suite for row in both} == {"dmc", "dmcontrol-gb"}
    assert published(task="dmc/walker-walk", frames=1) == published(split="test", suite="dmc") == []
