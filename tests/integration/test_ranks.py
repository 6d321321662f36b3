"""Several processes of torchrun train one agent: the same as one, equal among each other, and resumed exactly."""

import contextlib
import dataclasses
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from rad import cli
from rad.experiment.algorithms.ppo import PPORun
from rad.runtime.run_dir import is_done
from tests.integration.ranks_program import CASES, updated
from tests.integration.runs import rows, same, tiny_ppo, weights
from tests.rad.envs.probe_returns import returns_of

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
Results = list[dict[str, dict[str, torch.Tensor]]]


@contextlib.contextmanager
def torchrun(*command: str) -> Iterator["subprocess.Popen[str]"]:
    """Start a command in two processes, and end them in any case."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([*TORCHRUN, *command], env=environment, **pipes) as process:
        try:
            yield process
        finally:
            process.terminate()


def output_of(*command: str) -> str:
    """Return what a command says that ends well."""
    with torchrun(*command) as process:
        output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    return output


def results(folder: Path) -> Results:
    folder.mkdir()
    output_of("tests.integration.ranks_program", str(folder))
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return results(tmp_path_factory.mktemp("ranks") / "first")


@pytest.mark.parametrize("case", CASES)
def test_halves_of_a_rollout_teach_what_the_whole_does(both: Results, case: str) -> None:
    alone = updated(case)
    for of_rank in both:
        assert of_rank[case].keys() == alone.keys()
        for name, value in alone.items():
            close = torch.allclose(of_rank[case][name].double(), value.double(), atol=1e-6, rtol=1e-6)
            assert close, f"{name}: {of_rank[case][name]} for {value}"


def test_ranks_have_the_same_weights_to_the_bit_and_act_differently(both: Results, tmp_path: Path) -> None:
    first, second = (of_rank["trained"] for of_rank in both)
    again = results(tmp_path / "again")[0]["trained"]
    for name in first.keys() - {"drawn"}:
        assert torch.equal(first[name], second[name]), name
        assert torch.equal(first[name], again[name]), name
    assert not torch.equal(first["drawn"], second["drawn"])


def test_ranks_solve_a_probe(both: Results) -> None:
    for of_rank in both:
        assert of_rank["solved"]["return"] > returns_of("both-discrete").optimal - 0.1


FLAGS = {
    "task": "probe/both-discrete",
    "augment": "none",
    "num_envs": 4,
    "frames": 400,
    "eval_every": 200,
    "checkpoint_every": 100,
}


def flags_of(config: PPORun) -> list[str]:
    """Return the flags of this run but for task, augmentation and folder."""
    of_run = ("encoder", "image_size", "frame_stack", "log_every", *FLAGS)
    of_agent = ("num_steps", "num_minibatches", "num_epochs", "hidden_dim")
    named = {name: getattr(config, name) for name in of_run if name not in ("task", "augment")}
    named |= {name: getattr(config.agent, name) for name in of_agent}
    named |= {"eval_envs": 2, "eval_episodes": 1, "threads": 1, "video_size": 16, "algo": "ppo"}
    words = [word for name, value in named.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return ["--no-tensorboard", "--task", config.task, "--augment", config.augment, *words]


def command(config: PPORun, out: Path) -> list[str]:
    """Return the words that train this run."""
    return ["rad.cli", "train", *flags_of(config), "--out", str(out)]


@pytest.fixture(scope="module")
def config() -> PPORun:
    return dataclasses.replace(tiny_ppo(), **FLAGS)


@pytest.fixture(scope="module")
def uninterrupted(config: PPORun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    output_of(*command(config, folder))
    return folder


def test_frames_are_those_of_all_ranks(config: PPORun, uninterrupted: Path) -> None:
    written = rows(uninterrupted)
    assert is_done(uninterrupted) and written[-1]["frames"] == config.frames
    episodes = [row for row in written if row["kind"] == "episode"]
    assert sum(row["episode_length"] for row in episodes) > 0.9 * config.frames, "episodes of both ranks are logged"


def ranks_of(process: "subprocess.Popen[str]") -> dict[int, psutil.Process]:
    children = psutil.Process(process.pid).children(recursive=True)
    return {int(child.environ()["RANK"]): child for child in children if "RANK" in child.environ()}


def test_a_killed_rank_ends_all_and_the_same_command_resumes(
    config: PPORun, uninterrupted: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with torchrun(*command(config, folder)) as process:
        while len(list(folder.glob("checkpoints/*.json"))) < 2 and process.poll() is None:
            time.sleep(0.05)
        ranks = ranks_of(process)
        ranks[1].send_signal(signal.SIGKILL)
        output = process.communicate(timeout=120)[0]
    assert process.returncode != 0 and not is_done(folder), output
    assert not any(rank.is_running() and rank.status() != psutil.STATUS_ZOMBIE for rank in ranks.values())

    assert "resumed at" in output_of(*command(config, folder))
    assert rows(folder) == rows(uninterrupted)
    assert same(weights(folder), weights(uninterrupted))


def test_another_number_of_ranks_is_refused(uninterrupted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--resume", str(uninterrupted)]) == 2
    assert "is of 2 ranks: torchrun --nproc-per-node 2, got 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--task", "probe/both", "--algo", "sac"], "--algo: sac trains in one process, got 2; allowed: ppo"),
        (["--task", "probe/both", "--algo", "ppo", "--num-envs", "7"], "--num-envs: must be a multiple of 2"),
        (["--task", "probe/both", "--algo", "ppo", "--auxiliary-loss", "curl"], "--auxiliary-loss: must be none"),
    ],
)
def test_wrong_settings_are_one_line(
    words: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert cli.main(["train", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def sweep(config: PPORun, out: Path, *more: str) -> "subprocess.Popen[str]":
    words = ["ablate", *flags_of(config), "--ranks", "2", "--no-measure", "--workers", "1", "--out", str(out), *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([sys.executable, "-m", "rad.cli", *words], **pipes)


def processes_of(folder: Path) -> list[psutil.Process]:
    running = [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"]]
    return [process for process in running if str(folder) in process.info["cmdline"]]


def test_a_stopped_sweep_of_ranks_saves_them_and_goes_on(config: PPORun, uninterrupted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sweep" / "probe-both-discrete" / "none" / "seed-1"
    with sweep(config, tmp_path / "sweep") as process:
        while len(list(folder.glob("checkpoints/*.json"))) < 2 and process.poll() is None:
            time.sleep(0.05)
        assert len(processes_of(folder)) == 3  # torchrun and the ranks
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=120)[0]
    assert process.returncode == 128 + signal.SIGTERM, output
    assert not is_done(folder) and not processes_of(folder)
    with sweep(config, tmp_path / "sweep") as process:
        output = process.communicate(timeout=280)[0]
    assert process.returncode == 0, output
    assert rows(folder) == rows(uninterrupted)
    assert same(weights(folder), weights(uninterrupted))


@pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="the extra cluster is not installed")
def test_a_sweep_on_ray_has_ranks(config: PPORun, uninterrupted: Path, tmp_path: Path) -> None:
    with sweep(config, tmp_path / "sweep", "--engine", "ray") as process:
        output = process.communicate(timeout=280)[0]
    assert process.returncode == 0, output
    assert rows(tmp_path / "sweep" / "probe-both-discrete" / "none" / "seed-1") == rows(uninterrupted)


def test_ranks_of_a_sweep_are_checked_before_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["ablate", "--task", "probe/both", "--algo", "ppo", "--num-envs", "7", "--out", str(tmp_path / "sweep")]
    assert cli.main([*words, "--ranks", "2", "--no-measure"]) == 2
    assert "--num-envs: must be a multiple of 2, the processes that train together, got 7" in capsys.readouterr().err
    assert not (tmp_path / "sweep").exists()
