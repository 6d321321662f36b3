"""A whole run: what it leaves, how it resumes, and what must not change it."""

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

import augment
from rad import cli, envs
from rad.evaluation.compare_splits import evaluate_run
from rad.experiment.config_file import read_config
from rad.report.read.run import made_with, read_run
from rad.runtime import checkpoint
from rad.runtime.logging import RunLog
from rad.runtime.progress import three_digits
from rad.runtime.run_dir import CHECKPOINTS, CONFIG_FILE
from rad.training import trainer
from rad.training.messages import closing
from rad.training.pictures import PICTURES
from rad.training.trainer import Trainer, resume, start
from tests.integration.runs import rows, run_until, same, tiny, weights


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert start(tiny(tensorboard=True), folder, PICTURES) == 0
    return folder


def test_a_run_leaves_its_folder(finished: Path) -> None:
    assert read_config(finished) == tiny(tensorboard=True)
    assert list(finished.glob("tensorboard/events.out.*"))
    assert checkpoint.load(finished / CHECKPOINTS)[0] == 60
    for picture in ("learning_curve.png", "attention.png"):
        assert cv2.imread(str(finished / picture)).std() > 1
    assert cv2.VideoCapture(str(finished / "evaluation.mp4")).read()[0]


def test_a_run_says_where_it_writes_what_it_does_and_how_it_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "one run"
    start(tiny(action_repeat=2), folder, PICTURES)
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert lines[:3] == [
        f"folder  {folder}",
        "task    probe/both, sac with augmentation none, seed 1",
        "length  60 frames (30 agent steps)",
    ]
    assert re.fullmatch(r"device  cpu \(.+\), fp32, 1 thread", lines[3])
    order = ["random policy 0/2 episodes", "random policy: mean return", "evaluation at 20 frames: mean return"]
    order += ["60/60 frames", "evaluation at 60 frames", "video", "attention figure", "learning curve"]
    order += [
        "after 60 frames (30 agent steps)",
        f"made in {folder}:",
        "evaluation.mp4",
        "rad evaluate '",
        "rad attention '",
    ]
    places = [said.find(words) for words in order]
    assert -1 not in places and places == sorted(places)
    assert all(f"  {path.name} " in said for path in folder.iterdir())
    last = {row["kind"]: row for row in rows(folder)}
    for who, kind in (("trained", "eval"), ("random policy", "baseline")):
        mean, std = (three_digits(last[kind][f"episode_return_{name}"]) for name in ("mean", "std"))
        assert re.search(rf"^  {who} +{re.escape(mean)} +{re.escape(std)} +2$", said, re.MULTILINE)


def test_every_split_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, log = tmp_path / "run", RunLog(tmp_path / "run", tensorboard=False)
    for kind, mean in (
        ("baseline/train", 1),
        ("baseline/test", 2),
        ("eval/train", 30),
        ("eval/train", 3),
        ("eval/test", 4),
    ):
        row = {"episode_return_mean": mean, "episode_return_std": 0.5, "episodes": 8}
        log.write(kind, row, frames=20_000, agent_steps=2_500)
    log.close()
    assert closing(folder).splitlines()[:6] == [
        "after 20,000 frames (2,500 agent steps) and 0 s:",
        "  policy         split  mean return  std  episodes",
        "  trained        test             4  0.5         8",
        "  random policy  test             2  0.5         8",
        "  trained        train            3  0.5         8",
        "  random policy  train            1  0.5         8",
    ]


def test_what_comes_next_is_a_comparison_where_there_is_something_to_compare_with(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        (folder / "metrics.jsonl").touch()
    assert closing(folders[0]).endswith(f"\n  rad report {tmp_path}")


def test_rows_count_frames_and_agent_steps(finished: Path) -> None:
    logged = rows(finished)
    assert logged[0]["kind"] == "baseline"
    assert [row["frames"] for row in logged if row["kind"] == "eval"] == [20, 40, 60]
    assert [row["frames"] for row in logged if row["kind"] == "train"] == [30, 40, 50, 60]
    assert all(row["frames"] == row["agent_steps"] for row in logged)


def test_frames_are_agent_steps_times_action_repeat(tmp_path: Path) -> None:
    start(tiny(action_repeat=3, frames=90, warmup_steps=10, eval_every=30), tmp_path / "run")
    logged = rows(tmp_path / "run")
    assert logged[-1]["frames"] == 90
    assert logged[-1]["agent_steps"] == 30


@pytest.mark.parametrize("killed_after", [10, 20, 33, 59])
def test_a_killed_run_resumes_to_the_same_end(finished: Path, tmp_path: Path, killed_after: int) -> None:
    run_until(dataclasses.replace(tiny(), tensorboard=False), tmp_path / "run", killed_after)
    assert resume(tmp_path / "run") == 0
    assert rows(tmp_path / "run") == rows(finished)
    assert same(weights(tmp_path / "run"), weights(finished))


def test_a_run_records_its_renderer_and_a_resume_says_that_another_draws(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    monkeypatch.setattr(envs, "renderer", lambda task, env: f"llvmpipe for {task}")
    run_until(tiny(), folder, 30)
    assert made_with(read_run(folder))["renderer"] == "llvmpipe for probe/both"
    assert "renderer" not in made_with(read_run(finished)), "nothing draws probes by OpenGL"
    monkeypatch.setattr(envs, "renderer", lambda task, env: "NVIDIA H200")
    assert resume(folder) == 0
    assert "note: renderer: llvmpipe for probe/both then, NVIDIA H200 now" in capsys.readouterr().out


def test_resuming_a_finished_run_changes_nothing(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows(finished)
    assert resume(finished) == 0
    assert "already reached 60 frames" in capsys.readouterr().out
    assert rows(finished) == before


def test_a_finished_run_without_its_checkpoints_is_left_alone(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("checkpoints"))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert cli.main(["train", "--resume", str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {folder} was trained for 60 frames, but") and error.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_resuming_a_finished_run_makes_what_it_still_lacks(finished: Path, tmp_path: Path) -> None:
    run_until(tiny(eval_every=0), tmp_path / "run", 59)

    class Killed(Trainer):
        def _finish(self) -> None:
            raise KeyboardInterrupt

    with Killed(tiny(eval_every=0), tmp_path / "run") as trainer:
        trainer.load()
        with pytest.raises(KeyboardInterrupt):
            trainer.run()
    assert resume(tmp_path / "run", PICTURES) == 0
    assert [row["frames"] for row in rows(tmp_path / "run") if row["kind"] == "eval"] == [60]
    for file in ("done.json", "learning_curve.png", "attention.png", "evaluation.mp4"):
        assert (tmp_path / "run" / file).stat().st_size > 0
    assert same(weights(tmp_path / "run"), weights(finished))


@pytest.mark.parametrize("change", [{"eval_every": 0}, {"eval_episodes": 1}, {"checkpoint_every": 7}, {"log_every": 3}])
def test_watching_a_run_does_not_change_it(finished: Path, tmp_path: Path, change: dict[str, int]) -> None:
    start(tiny(**change), tmp_path / "run")
    assert same(weights(tmp_path / "run"), weights(finished))


def test_the_seed_decides(finished: Path, tmp_path: Path) -> None:
    start(tiny(), tmp_path / "same")
    start(tiny(seed=2), tmp_path / "other")
    assert same(weights(tmp_path / "same"), weights(finished))
    assert not same(weights(tmp_path / "other"), weights(finished))


# A frame of one color shows no geometry; translate adds a border to it, the others leave it as it is.
SEEN_ON_ONE_COLOR = sorted(set(augment.names()) - {"none", "crop", "shift", "flip", "rotate"})
FITTING = {"cutout": ":min_px=2:max_px=6", "cutout_color": ":min_px=2:max_px=6", "translate": ":ratio=1.25"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    folder = tmp_path_factory.mktemp("runs") / "plain"
    start(tiny(task="probe/color", eval_every=0), folder)
    return weights(folder)


@pytest.mark.parametrize("name", SEEN_ON_ONE_COLOR)
def test_every_augmentation_changes_what_is_learnt(plain: dict[str, Any], tmp_path: Path, name: str) -> None:
    start(tiny(task="probe/color", augment=name + FITTING.get(name, ""), eval_every=0), tmp_path / "run")
    assert not same(weights(tmp_path / "run"), plain)


def test_several_environments(tmp_path: Path) -> None:
    start(tiny(num_envs=3), tmp_path / "run")
    assert rows(tmp_path / "run")[-1]["frames"] == 60


def test_a_trained_run_can_be_evaluated_and_looked_at(finished: Path, tmp_path: Path) -> None:
    options = {"episodes": 3, "seed": 5, "video_size": 32}
    (first,) = evaluate_run(finished, **options, video=tmp_path / "video.mp4", device="cpu")
    assert [first] == evaluate_run(finished, **options)
    assert (first.split, first.episodes, first.policy) == ("train", 3, "mode")
    assert (first.gap_to_train, first.levels, first.score_constants) == (None, None, None)
    assert (tmp_path / "video.mp4").stat().st_size > 0
    assert cv2.imread(str(finished / "attention.png")).std() > 1


def test_diverged_losses_stop_the_run(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match=r"diverged: actor_loss, [\w, ]+ not finite at 21 frames"):
        start(tiny({"init_temperature": 1e38}, log_every=1), tmp_path / "losses")
    with pytest.raises(FloatingPointError, match=r"diverged: actions not finite at \d+ frames"):
        start(tiny({"actor_lr": 1e30}, log_every=60), tmp_path / "actions")


@pytest.mark.parametrize("parallel", [(), ("--num-envs=2", "--parallel-envs")], ids=["one process", "workers"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_saves_and_the_run_goes_on(
    tmp_path: Path, number: int, parallel: tuple[str, ...]
) -> None:
    config, folder = tiny(frames=4_000, eval_every=0, checkpoint_every=0), tmp_path / "run"
    flags = [
        f"--{name.replace('_', '-')}={value}"
        for name, value in {**vars(config), **vars(config.agent)}.items()
        if name not in ("agent", "suite", "out", "wandb_project") and not isinstance(value, bool | tuple)
    ]
    command = [sys.executable, "scripts/train.py", *flags, "--no-tensorboard", "--out", str(folder), *parallel]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        command,
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which a shell's background job ignores
    )
    assert process.stdout is not None
    training = re.compile("[1-9][0-9,]*/4,000 frames")  # the loop is running
    assert any(training.match(line) for line in iter(process.stdout.readline, ""))
    os.killpg(process.pid, number)  # as a terminal and a job scheduler do
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 128 + number
    assert f"rad train --resume {folder}" in output
    assert 0 < checkpoint.load(folder / CHECKPOINTS)[0] < 4_000


def test_a_stop_before_training_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "Trainer", stopped)
    for begin in (lambda: start(tiny(), tmp_path / "run"), lambda: resume(tmp_path / "run")):
        with pytest.raises(KeyboardInterrupt) as stop:
            begin()
        assert stop.value.__notes__ == [f"go on with it: rad train --resume {tmp_path / 'run'}"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("augment", "blur", "--augment: unknown augmentation 'blur'"),
        ("frame_stack", 0, "--frame-stack: must be at least 1, got 0"),
    ],
)
def test_settings_that_were_changed_by_hand_are_checked(
    tmp_path: Path, name: str, value: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    run_until(tiny(), folder, 33)
    config = folder / CONFIG_FILE
    config.write_text(json.dumps(json.loads(config.read_text()) | {name: value}))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert cli.main(["train", "--resume", str(folder)]) == 2
    error = capsys.readouterr().err
    assert str(config) in error and said in error and error.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_the_command_trains_and_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    run_until(tiny(), folder, 33)
    assert cli.main(["train", "--resume", str(folder)]) == 0
    assert cli.main(["evaluate", str(folder), "--episodes-per-env", "2"]) == 0
    (kept,) = (folder / "evaluations").iterdir()
    assert capsys.readouterr().out.endswith(f"\n\nepisodes: {kept}\n")
