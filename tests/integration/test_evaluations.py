"""LoadedRun games on their splits: the levels that are played, and the command from end to end."""

import json
from pathlib import Path

import pytest

from rad import cli
from rad.envs.procgen.options import ProcgenOptions
from rad.evaluation.compare_splits import evaluate_run
from rad.training.trainer import start
from tests.integration.runs import tiny_game, tiny_ppo

pytest.importorskip("procgen", reason="no wheel of procgen for this platform")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "game"
    assert start(tiny_game(eval_every=0), folder) == 0
    return folder


def test_evaluation_reports_the_levels_of_each_split(played: Path) -> None:
    found = evaluate_run(played, episodes=1, envs=3)
    assert [(row.split, row.levels) for row in found] == [
        ("train", "train [0, 200)"),
        ("test", "test [1000000, 1001000)"),
    ]
    assert all((row.episodes, row.policy, row.score_constants) == (3, "sample", "paper") for row in found)
    assert all((row.frames, row.envs, row.episodes_per_env, row.seed) == (40, 3, 1, 0) for row in found)
    assert found[1].paired is False
    assert all(row.success_rate is not None and row.episode_frames_mean for row in found)
    # R_min 0.5 and R_max 13 of bossfight
    means = [(row.episode_return_mean, row.normalized_return_mean) for row in found]
    assert all(scaled == pytest.approx((mean - 0.5) / 12.5) for mean, scaled in means)
    told: list[str] = []
    assert found == evaluate_run(played, episodes=1, envs=3, tell=told.append)
    assert told[0] == "0/6 episodes" and told[-1] == "6/6 episodes"


def test_one_split_alone_and_other_options(played: Path) -> None:
    (row,) = evaluate_run(
        played, splits=["test-all"], episodes=1, policy="mode", score_constants="train-procgen", seed=3
    )
    assert row.levels == "test-all [0, 2147483647)"
    assert (row.policy, row.score_constants, row.episodes) == ("mode", "train-procgen", 2)


def test_other_levels_to_train_on(tmp_path: Path) -> None:
    start(tiny_game(suite=ProcgenOptions(start_level=7, num_levels=2), eval_every=0), tmp_path / "run")
    assert evaluate_run(tmp_path / "run", episodes=1)[0].levels == "train [7, 9)"


def test_the_command_evaluates_splits(played: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "all.jsonl"
    command = ["evaluate", str(played), "--splits", "train", "test", "test-all", "--episodes", "1", "--out", str(out)]
    assert cli.main(command) == 0
    head, table, notes, last = capsys.readouterr().out.split("\n\n")
    assert head.startswith("game: procgen/bossfight, 40 frames trained, policy sample, seed 0\n")
    assert [line.split()[0] for line in table.split("\n")] == ["split", "train", "test", "test-all"]
    assert "levels: train [0, 200); test [1000000, 1001000); test-all [0, 2147483647)" in notes
    assert last == f"episodes: {out}\n"
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["kind"] for row in rows] == ["episode"] * 6 + ["summary"] * 3


def test_the_command_refuses_what_has_no_meaning(
    played: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", str(played), "--split", "test", "themes-test"]) == 2
    assert capsys.readouterr().err.startswith("error: --splits: split themes-test has no meaning for")
    start(tiny_ppo(task="probe/both-discrete", eval_every=0), tmp_path / "run")
    for flag, value in (("--splits", "test"), ("--score-constants", "paper")):
        assert cli.main(["evaluate", str(tmp_path / "run"), flag, value]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: {flag}: ") and "probe/both-discrete" in error
