"""Small runs on probe environments, seconds long, and what they leave."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from rad.experiment.algorithms.impala import IMPALARun
from rad.experiment.algorithms.ppo import PPORun
from rad.experiment.algorithms.sac import SACRun
from rad.experiment.config import RunConfig
from rad.experiment.config_file import to_json
from rad.experiment.presets import preset
from rad.runtime import checkpoint
from rad.runtime.metrics_file import read_rows
from rad.runtime.run_dir import CHECKPOINTS
from rad.training.trainer import Trainer

RUN = {
    "task": "probe/both",
    "augment": "none",
    "frames": 60,
    "image_size": 16,
    "frame_stack": 1,
    "encoder": "pixel:num_layers=2:num_filters=8",
    "warmup_steps": 20,
    "eval_every": 20,
    "eval_episodes": 2,
    "checkpoint_every": 20,
    "log_every": 10,
    "video_size": 16,
    "threads": 1,
    "tensorboard": False,
}
FOR_PPO = {"num_envs": 4, "eval_envs": 2, "eval_episodes": 1}
PPO_AGENT = {"num_steps": 5, "num_minibatches": 2, "num_epochs": 2, "hidden_dim": 16}
AGENT = {"batch_size": 16, "hidden_dim": 32, "projection_dim": 8}
GAME = {
    "task": "procgen/bossfight",
    "image_size": 64,
    "encoder": "impala",
    "frames": 40,
    "crop": "pad",
    "video_size": 64,
}


def tiny(agent: dict[str, Any] | None = None, **run: Any) -> SACRun:
    """Return the configuration of a run of seconds; arguments replace its fields."""
    base = preset("rad")
    config = dataclasses.replace(base.agent, **(AGENT | (agent or {})))
    return dataclasses.replace(base, **(RUN | run), agent=config)


def tiny_ppo(agent: dict[str, Any] | None = None, **run: Any) -> PPORun:
    """Return the configuration of a run of PPO of seconds; arguments replace its fields."""
    base = PPORun()
    fields = {name: value for name, value in RUN.items() if hasattr(base, name)}
    config = dataclasses.replace(base.agent, **(PPO_AGENT | (agent or {})))
    return dataclasses.replace(base, **(fields | FOR_PPO | run), agent=config)


def tiny_impala(agent: dict[str, Any] | None = None, **run: Any) -> IMPALARun:
    """Return the configuration of a run of IMPALA of seconds; arguments replace its fields."""
    base = IMPALARun(task="probe/both-discrete")
    fields = {name: value for name, value in RUN.items() if hasattr(base, name)} | {"task": base.task}
    config = dataclasses.replace(base.agent, **({"num_steps": 3, "hidden_dim": 16} | (agent or {})))
    return dataclasses.replace(base, **(fields | FOR_PPO | run), agent=config)


def tiny_game(agent: dict[str, Any] | None = None, **run: Any) -> PPORun:
    """Return the configuration of a run of PPO of seconds on a Procgen game; arguments replace its fields."""
    return tiny_ppo(agent, **(GAME | run))


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the logged rows without the times."""
    return [{**row, "time_s": 0.0} for row in read_rows(folder / "metrics.jsonl")]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a run's newest checkpoint."""
    state = checkpoint.load(folder / CHECKPOINTS)[1]["agent"]
    parts = [part for part in ("encoder", "actor", "critic", "head") if part in state]
    return {f"{part}.{name}": value for part in parts for name, value in state[part].items()}


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    """Tell whether all weights are equal to the last bit."""
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


class Killed(Exception):
    """A run's end."""


def run_until(config: RunConfig, folder: Path, agent_steps: int) -> None:
    """Run like a process that is killed after `agent_steps`."""

    class Doomed(Trainer):
        def record(self, report: Any, episodes: Any) -> None:
            super().record(report, episodes)
            if report.agent_steps == agent_steps:
                raise Killed

    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(to_json(config)))
    try:
        with Doomed(config, folder) as trainer:
            trainer.run()
    except Killed:
        return
    raise AssertionError(f"the run ended before {agent_steps} agent steps")
