"""Whole runs of PPO: what they leave, how they resume, and how they are evaluated on splits."""

from pathlib import Path
from typing import Any

import cv2
import pytest

from rad import cli
from rad.build import read_config
from rad.config import PPORun, ProcgenConfig
from rad.train import resume, start
from rad.trained import attention_of_run, evaluate_run
from tests.integration.runs import rows, run_until, same, tiny_ppo, weights

pytest.importorskip("procgen", reason="no wheel of procgen for this platform")

SMALL_GAME: dict[str, Any] = {
    "task": "procgen/coinrun",
    "image_size": 64,
    "encoder": "impala",
    "num_layers": 0,
    "num_filters": 0,
    "frames": 40,
    "crop": "pad",
    "video_size": 64,
}


def game(agent: dict[str, Any] | None = None, **run: Any) -> PPORun:
    return tiny_ppo(agent, **(SMALL_GAME | run))


def discrete(agent: dict[str, Any] | None = None, **run: Any) -> PPORun:
    return tiny_ppo(agent, task="probe/both-discrete", **run)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "game"
    assert start(game(augment="crop"), folder) == 0
    return folder


@pytest.mark.parametrize("task", ["probe/both", "probe/both-discrete"])
def test_a_run_leaves_its_folder(tmp_path: Path, task: str) -> None:
    config = tiny_ppo(task=task)
    assert start(config, tmp_path / "run") == 0
    assert read_config(tmp_path / "run") == config
    kinds = [row["kind"] for row in rows(tmp_path / "run") if row["kind"] != "episode"]
    assert kinds == ["baseline", "train", "eval", "train", "eval", "train", "eval"]
    for picture in ("learning_curve.png", "attention.png"):
        assert cv2.imread(str(tmp_path / "run" / picture)).std() > 1


@pytest.mark.parametrize("where", ["rollout", "consistency"])
@pytest.mark.parametrize("killed_after", [8, 20, 32, 56])
def test_a_killed_run_resumes_to_the_same_end(tmp_path: Path, where: str, killed_after: int) -> None:
    config = discrete({"augment_where": where}, augment="ucb:flip,grayscale", checkpoint_every=8)
    start(config, tmp_path / "whole")
    run_until(config, tmp_path / "run", killed_after)
    assert resume(tmp_path / "run") == 0
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


def test_a_killed_game_resumes_to_the_same_end(played: Path, tmp_path: Path) -> None:
    run_until(game(augment="crop"), tmp_path / "run", 28)
    assert resume(tmp_path / "run") == 0
    assert rows(tmp_path / "run") == rows(played)
    assert same(weights(tmp_path / "run"), weights(played))


@pytest.mark.parametrize("change", [{"eval_every": 0}, {"eval_episodes": 2}, {"eval_envs": 1}, {"checkpoint_every": 4}])
def test_watching_a_run_does_not_change_it(tmp_path: Path, change: dict[str, int]) -> None:
    start(discrete(), tmp_path / "one")
    start(discrete(**change), tmp_path / "other")
    assert same(weights(tmp_path / "one"), weights(tmp_path / "other"))


def test_the_choices_of_augmentations_are_logged(tmp_path: Path) -> None:
    start(discrete({"augment_where": "consistency"}, augment="ucb:flip,grayscale", log_every=20), tmp_path / "run")
    logged = [row for row in rows(tmp_path / "run") if row["kind"] == "train"]
    assert [row["augment/flip"] for row in logged[:2]] == [1.0, 0.0]
    assert all(row["augment/flip"] + row["augment/grayscale"] == 1 for row in logged)


def test_a_game_is_evaluated_on_train_and_test_levels(played: Path) -> None:
    kinds = {row["kind"] for row in rows(played)}
    assert {"baseline/train", "baseline/test", "eval/train", "eval/test"} <= kinds and "eval" not in kinds
    last = [row for row in rows(played) if row["kind"] == "eval/test"][-1]
    # R_min 5 and R_max 10 of coinrun
    assert last["normalized_return_mean"] == pytest.approx((last["episode_return_mean"] - 5) / 5)
    assert last["episodes"] == 2


def test_evaluation_reports_the_levels_of_each_split(played: Path) -> None:
    found = evaluate_run(played, episodes_per_env=1, envs=3)
    assert [(row["split"], row["levels"]) for row in found] == [
        ("train", "train [0, 200)"),
        ("test", "test [1000000, 1001000)"),
    ]
    assert all((row["episodes"], row["policy"], row["score_constants"]) == (3, "sample", "paper") for row in found)
    assert all((row["frames"], row["envs"], row["episodes_per_env"], row["seed"]) == (40, 3, 1, 0) for row in found)
    assert found == evaluate_run(played, episodes_per_env=1, envs=3)


def test_one_split_alone_and_other_options(played: Path) -> None:
    (row,) = evaluate_run(
        played, split="test-all", episodes_per_env=1, policy="mode", score_constants="train-procgen", seed=3
    )
    assert row["levels"] == "test-all [0, 2147483647)"
    assert (row["policy"], row["score_constants"], row["episodes"]) == ("mode", "train-procgen", 2)


def test_the_command_evaluates_a_split(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", str(played), "--split", "test", "--episodes-per-env", "1"]) == 0
    assert '"split": "test"' in capsys.readouterr().out
    assert cli.main(["evaluate", str(played), "--split", "themes-test"]) == 2
    assert capsys.readouterr().err.startswith("error: --split: split themes-test has no meaning for")


def test_a_run_without_splits_refuses_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start(discrete(), tmp_path / "run")
    assert cli.main(["evaluate", str(tmp_path / "run"), "--split", "test"]) == 2
    assert capsys.readouterr().err.startswith("error: --split: probe/both-discrete has no splits or")
    assert cli.main(["evaluate", str(tmp_path / "run"), "--score-constants", "paper"]) == 2
    assert capsys.readouterr().err.startswith("error: --score-constants: ")


def test_attention_of_a_game(played: Path, tmp_path: Path) -> None:
    attention_of_run(played, tmp_path / "attention.png", 0, "cpu")
    assert cv2.imread(str(tmp_path / "attention.png")).std() > 1


def test_other_levels_to_train_on(tmp_path: Path) -> None:
    start(game(procgen=ProcgenConfig(start_level=7, num_levels=2), eval_every=0), tmp_path / "run")
    assert evaluate_run(tmp_path / "run", episodes_per_env=1)[0]["levels"] == "train [7, 9)"
