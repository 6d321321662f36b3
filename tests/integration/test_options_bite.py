"""Every field of a run's configuration: another value gives another run, or an error."""

import dataclasses
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from rad import cli
from rad.agents.sac import SACConfig
from rad.commands.train import parse_run
from rad.envs import pools
from rad.experiment import validate
from rad.experiment.algorithms.sac import SACRun
from rad.runtime import checkpoint
from rad.runtime.metrics_file import read_rows
from rad.runtime.run_dir import CHECKPOINTS, VIDEO_FILE
from rad.training import evaluations, learner, trainer
from rad.training.pictures import PICTURES
from tests.integration.runs import AGENT, tiny

SHORT = {"frames": 30, "warmup_steps": 16, "eval_every": 10, "checkpoint_every": 10}
ON_DMC = {"task": "dmc/cartpole-balance", "action_repeat": 250, "frames": 5000, "eval_every": 0, "eval_episodes": 1}

# For each field: what it needs besides, and a value that must show. The base is `tiny(**SHORT)`.
VALUES: dict[str, tuple[dict[str, Any], Any]] = {
    "task": ({}, "probe/action"),
    "augment": ({"task": "probe/color"}, "grayscale:p=1"),
    "crop": ({"augment": "cutout:min_px=2:max_px=6+crop", "task": "probe/color"}, "pad"),
    "seed": ({}, 2),
    "frames": ({}, 29),
    "device": ({}, "cuda:99"),
    "precision": ({}, "bf16"),
    "threads": ({}, 2),
    "image_size": ({}, 17),
    "frame_stack": ({}, 2),
    "action_repeat": ({}, 2),
    "camera_id": ({}, 1),
    "render_quality": ({}, "fast"),
    "train_split": (ON_DMC, "color-hard"),
    "test_split": (ON_DMC, "video-easy"),
    "background_dir": (ON_DMC | {"train_split": "video-easy"}, ("train=missing",)),
    "num_envs": ({}, 2),
    "parallel_envs": ({}, True),
    "encoder": ({}, "pixel:num_layers=2:num_filters=8:strides=3"),
    "auxiliary_loss": ({}, "curl"),
    "warmup_steps": ({}, 17),
    "replay_capacity": ({}, 8),
    "replay_device": ({}, "cuda:99"),
    "updates_per_step": ({}, 0.5),
    "eval_every": ({}, 20),
    "eval_envs": ({}, 2),
    "eval_episodes": ({}, 3),
    "eval_workers": ({}, 1),
    "eval_policy": ({}, "sample"),
    "checkpoint_every": ({}, 0),
    "keep_best": ({}, True),
    "log_every": ({}, 5),
    "video_size": ({}, 32),
    "tensorboard": ({}, True),
    "wandb_project": ({}, "project"),
    "agent": ({}, SACConfig(**AGENT, critic_lr=2e-3)),
}
DEFAULTS_OF_OTHERS = {"algo", "preset", "out", "suite"}  # tested below, the last with PPO
ON_GPUS = {"capture"}  # tested in tests/devices


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Stand in an empty folder, without pictures, processes, threads or W&B; give the processes and threads wanted."""
    asked: list[str] = []

    def in_this_process(builders: Any, context: str, autoreset_mode: Any) -> pools.InProcess:
        asked.append("processes")
        return pools.InProcess(builders, autoreset_mode=autoreset_mode)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pools, "AsyncVectorEnv", in_this_process)
    monkeypatch.setattr(evaluations, "EvaluationWorkers", lambda folder, count: asked.append("evaluation processes"))
    monkeypatch.setattr(learner.device, "set_threads", lambda count: asked.append(f"{count} threads"))
    monkeypatch.setitem(sys.modules, "wandb", None)
    return asked


def outcome(config: SACRun, asked: list[str]) -> Any:
    """Run, and return all that the run shows but times and settings; or the error."""
    folder = Path("run")
    try:
        validate.check(config, folder)
    except ValueError as error:
        assert not folder.exists()
        return str(error)
    assert trainer.start(config, folder, {"video": PICTURES["video"]}) == 0
    rows = [{**row, "time_s": 0.0} for row in read_rows(folder / "metrics.jsonl")]
    agent = checkpoint.load(folder / CHECKPOINTS)[1]["agent"]
    weights = {part: tensors_of(agent[part]) for part in ("encoder", "actor", "critic", "critic_target")}
    video = hashlib.sha256((folder / VIDEO_FILE).read_bytes()).hexdigest()
    saved = sorted(os.listdir(folder / CHECKPOINTS))
    return sorted(os.listdir(folder)), saved, video, rows, weights, list(asked)


def tensors_of(state: dict[str, Any]) -> dict[str, list[float]]:
    return {name: value.flatten().tolist() for name, value in state.items()}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    """Keep what the base runs showed, by what they need besides."""
    return {}


def base_outcome(needs: dict[str, Any], known: dict[str, Any], asked: list[str]) -> Any:
    key = repr(needs)
    if key not in known:
        known[key] = outcome(tiny(**SHORT | needs, out=None), asked)
        Path("run").rename("base")
        asked.clear()
    return known[key]


def test_every_field_is_listed() -> None:
    assert VALUES.keys() | DEFAULTS_OF_OTHERS | ON_GPUS == {field.name for field in dataclasses.fields(SACRun)}


@pytest.mark.parametrize("name", VALUES)
def test_every_option_bites(name: str, outcomes: dict[str, Any], surroundings: list[str]) -> None:
    needs, value = VALUES[name]
    base = base_outcome(needs, outcomes, surroundings)
    changed = dataclasses.replace(tiny(**SHORT | needs), **{name: value})
    assert outcome(changed, surroundings) != base


@pytest.mark.parametrize(("name", "value"), [("gamma", 0.5), ("n_step", 2), ("batch_size", 17)])
def test_what_the_replay_needs_of_the_agents_options_reaches_it(
    name: str, value: Any, outcomes: dict[str, Any], surroundings: list[str]
) -> None:
    needs = {"task": "probe/discounting"}  # episodes of two steps
    base = base_outcome(needs, outcomes, surroundings)
    assert outcome(tiny({name: value}, **SHORT | needs), surroundings) != base


def test_the_same_configuration_gives_the_same_outcome(outcomes: dict[str, Any], surroundings: list[str]) -> None:
    base = base_outcome({}, outcomes, surroundings)
    assert outcome(tiny(**SHORT), surroundings) == base


def test_the_preset_decides_the_other_defaults() -> None:
    rad, drq = (parse_run(["--preset", name]) for name in ("rad", "drq"))
    assert rad.agent != drq.agent and rad.augment != drq.augment


def test_out_names_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []
    monkeypatch.setattr(trainer, "start", lambda config, folder, pictures, ranks: folders.append(folder) or 0)
    for flags in ([], ["--out", "elsewhere"]):
        assert cli.main(["train", "--task", "probe/both", *flags]) == 0
    assert folders == [Path("runs/probe-both-sac-crop-1"), Path("elsewhere")]


def test_the_algorithm_is_one_of_two() -> None:
    assert parse_run(["--algo", "sac"]).algo == "sac"
    assert parse_run(["--algo", "ppo"]).algo == "ppo"
    with pytest.raises(ValueError, match=r"^algo: "):
        parse_run(["--algo", "none"])
