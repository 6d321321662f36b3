"""Evaluation beside training: the same rows and weights as without it, whenever it ends."""

import dataclasses
import os
import signal
from pathlib import Path

import pytest

from rad import cli
from rad.evaluation.play import Episodes
from rad.evaluation.workers import EvaluationWorkers
from rad.experiment.algorithms.ppo import PPORun
from rad.experiment.algorithms.sac import SACRun
from rad.experiment.config import RunConfig
from rad.runtime.logging import RunLog
from rad.training.trainer import resume, start
from tests.integration.runs import rows, run_until, same, tiny, tiny_ppo, weights

pytestmark = pytest.mark.slow
KILLED_AT = {
    SACRun: 35,
    PPORun: 56,
}  # agent steps, between the second checkpoint of an evaluation's interval and its end


@pytest.fixture(scope="module", params=[tiny, tiny_ppo], ids=["sac", "ppo"])
def plain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, Path]:
    """A run that waits for its evaluations."""
    folder = tmp_path_factory.mktemp("plain") / "run"
    config = request.param(checkpoint_every=10)
    start(config, folder)
    return config, folder


def test_rows_and_weights_are_those_of_a_run_that_waits(plain: tuple[RunConfig, Path], tmp_path: Path) -> None:
    config, waited = plain
    assert start(dataclasses.replace(config, eval_workers=1), tmp_path / "run") == 0
    assert rows(tmp_path / "run") == rows(waited)
    assert same(weights(tmp_path / "run"), weights(waited))
    assert resume(tmp_path / "run") == 0
    assert rows(tmp_path / "run") == rows(waited), "a finished run keeps its rows"


def test_a_run_that_ends_in_an_evaluation_plays_it_again(
    plain: tuple[RunConfig, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint in the middle of the evaluation holds its policy, and the rows that waited for it."""
    config, waited = plain
    folder = tmp_path / "run"
    monkeypatch.setattr(EvaluationWorkers, "ready", False)  # until the next evaluation begins
    run_until(dataclasses.replace(config, eval_workers=1), folder, KILLED_AT[type(config)])
    assert resume(folder) == 0
    assert rows(folder) == rows(waited)
    assert same(weights(folder), weights(waited))


def test_rows_wait_for_the_evaluation_before_them(tmp_path: Path) -> None:
    with RunLog(tmp_path, tensorboard=False) as log:
        log.write("train", {"loss": 1.0}, frames=1, agent_steps=1)
        place = log.reserve(frames=1, agent_steps=1)
        log.write("train", {"loss": 2.0}, frames=2, agent_steps=2)
        state = log.state_dict()
        assert [row["frames"] for row in rows(tmp_path)] == [1]
        log.fill(place, {"eval": {"episode_return_mean": 3.0}})
    assert [row["kind"] for row in rows(tmp_path)] == ["train", "eval", "train"]
    with RunLog(tmp_path, tensorboard=False) as log:
        log.truncate(2, state["written"])
        place = log.reserve(frames=1, agent_steps=1)
        log.write_again(state["waiting"])
        assert [row["kind"] for row in rows(tmp_path)] == ["train"]
        log.fill(place, {"eval": {"episode_return_mean": 3.0}})
    assert [(row["kind"], row["frames"]) for row in rows(tmp_path)] == [("train", 1), ("eval", 1), ("train", 2)]


def test_a_killed_process_ends_the_run_with_a_line(tmp_path: Path) -> None:
    config = tiny(eval_workers=1)
    folder = tmp_path / "run"
    start(dataclasses.replace(config, frames=20), folder)
    workers = EvaluationWorkers(folder, 1)
    try:
        workers.begin([""], None)
        os.kill(workers._processes[0].pid or 0, signal.SIGKILL)
        with pytest.raises(ChildProcessError, match=r"^a process that evaluates ended with -9$"):
            workers.finish()
        with pytest.raises(ChildProcessError, match=r"^a process that evaluates ended with -9$"):
            workers.begin([""], None)
    finally:
        workers.close()


def test_the_command_tells_of_it_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finish = EvaluationWorkers.finish

    def finish_killed(workers: EvaluationWorkers) -> dict[str, Episodes]:
        os.kill(workers._processes[0].pid or 0, signal.SIGKILL)
        return finish(workers)

    folder = tmp_path / "run"
    run_until(tiny(eval_workers=1), folder, 45)
    capsys.readouterr()
    monkeypatch.setattr(EvaluationWorkers, "ready", False)
    monkeypatch.setattr(EvaluationWorkers, "finish", finish_killed)
    assert cli.main(["train", "--resume", str(folder)]) == 1
    assert capsys.readouterr().err == "error: a process that evaluates ended with -9\n"


def test_a_failure_is_told_in_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    start(tiny(frames=20), folder)
    workers = EvaluationWorkers(folder, 1)
    try:
        workers.begin(["nowhere"], None)
        with pytest.raises(ChildProcessError, match="a process that evaluates failed: "):
            workers.finish()
        workers.begin([""], None)
        assert set(workers.finish()) == {""}
    finally:
        workers.close()


def test_an_environment_in_a_process_of_its_own_gives_the_same_run(tmp_path: Path) -> None:
    config = tiny()
    start(config, tmp_path / "here")
    start(dataclasses.replace(config, parallel_envs=True, eval_workers=1), tmp_path / "there")
    assert rows(tmp_path / "there") == rows(tmp_path / "here")
    assert same(weights(tmp_path / "there"), weights(tmp_path / "here"))
