"""Whole runs of PPO: what they leave, and how they resume."""

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from rad.experiment.algorithms.ppo import PPORun
from rad.experiment.config_file import read_config
from rad.training.pictures import PICTURES
from rad.training.trainer import resume, start
from tests.integration.runs import rows, run_until, same, tiny_game, tiny_ppo, weights

pytest.importorskip("procgen", reason="no wheel of procgen for this platform")


def discrete(agent: dict[str, Any] | None = None, **run: Any) -> PPORun:
    return tiny_ppo(agent, task="probe/both-discrete", **run)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "game"
    assert start(tiny_game(augment="crop"), folder, PICTURES) == 0
    return folder


@pytest.mark.parametrize("task", ["probe/both", "probe/both-discrete"])
def test_a_run_leaves_its_folder(tmp_path: Path, task: str) -> None:
    config = tiny_ppo(task=task)
    assert start(config, tmp_path / "run", PICTURES) == 0
    assert read_config(tmp_path / "run") == config
    kinds = [row["kind"] for row in rows(tmp_path / "run") if row["kind"] != "episode"]
    assert kinds == ["baseline", "train", "eval", "train", "eval", "train", "eval"]
    for picture in ("learning_curve.png", "attention.png"):
        assert cv2.imread(str(tmp_path / "run" / picture)).std() > 1


@pytest.fixture(scope="module", params=["rollout", "consistency"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[PPORun, Path]:
    config = discrete({"augment_where": request.param}, augment="ucb:flip,grayscale", checkpoint_every=8)
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert start(config, folder) == 0
    return config, folder


@pytest.mark.parametrize("killed_after", [8, 20, 32, 56])
def test_a_killed_run_resumes_to_the_same_end(whole: tuple[PPORun, Path], tmp_path: Path, killed_after: int) -> None:
    config, uninterrupted = whole
    run_until(config, tmp_path / "run", killed_after)
    assert resume(tmp_path / "run") == 0
    assert rows(tmp_path / "run") == rows(uninterrupted)
    assert same(weights(tmp_path / "run"), weights(uninterrupted))


def test_a_killed_game_resumes_to_the_same_end(played: Path, tmp_path: Path) -> None:
    run_until(tiny_game(augment="crop"), tmp_path / "run", 28)
    assert resume(tmp_path / "run") == 0
    assert rows(tmp_path / "run") == rows(played)
    assert same(weights(tmp_path / "run"), weights(played))


def test_environments_in_processes_of_their_own_change_nothing(tmp_path: Path) -> None:
    config = tiny_ppo(num_envs=3, frames=45, eval_every=0)
    for name, parallel in (("here", False), ("there", True)):
        assert start(dataclasses.replace(config, parallel_envs=parallel), tmp_path / name) == 0
    assert rows(tmp_path / "there") == rows(tmp_path / "here")
    assert same(weights(tmp_path / "there"), weights(tmp_path / "here"))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    folder = tmp_path_factory.mktemp("runs") / "watched"
    start(discrete(), folder)
    return weights(folder)


@pytest.mark.parametrize("change", [{"eval_every": 0}, {"eval_episodes": 2}, {"eval_envs": 1}, {"checkpoint_every": 4}])
def test_watching_a_run_does_not_change_it(
    watched: dict[str, torch.Tensor], tmp_path: Path, change: dict[str, int]
) -> None:
    start(discrete(**change), tmp_path / "other")
    assert same(watched, weights(tmp_path / "other"))


def test_the_choices_of_augmentations_are_logged(tmp_path: Path) -> None:
    start(discrete({"augment_where": "consistency"}, augment="ucb:flip,grayscale", log_every=20), tmp_path / "run")
    logged = [row for row in rows(tmp_path / "run") if row["kind"] == "train"]
    assert [row["augment/flip"] for row in logged[:2]] == [1.0, 0.0]
    assert all(row["augment/flip"] + row["augment/grayscale"] == 1 for row in logged)


def test_a_game_is_evaluated_on_train_and_test_levels(played: Path) -> None:
    kinds = {row["kind"] for row in rows(played)}
    assert {"baseline/train", "baseline/test", "eval/train", "eval/test"} <= kinds and "eval" not in kinds
    last = [row for row in rows(played) if row["kind"] == "eval/test"][-1]
    # R_min 0.5 and R_max 13 of bossfight
    assert last["normalized_return_mean"] == pytest.approx((last["episode_return_mean"] - 0.5) / 12.5)
    assert last["episodes"] == 2


def test_attention_of_a_game(played: Path) -> None:
    assert cv2.imread(str(played / "attention.png")).std() > 1
