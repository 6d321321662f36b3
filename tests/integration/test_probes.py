"""SAC solves every probe, and the color probe shows that the augmentation is in the path."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rad import envs
from rad.envs.probe import PROBES
from rad.evaluation.loaded_run import load
from rad.runtime.metrics_file import read_rows
from rad.training.trainer import start
from tests.integration.runs import tiny
from tests.rad.envs.probe_returns import returns_of, values

LEARNING = {"batch_size": 32, "hidden_dim": 64, "init_temperature": 0.05, "alpha_lr": 1e-3}


def train(run: Path, task: str, augment: str = "none", gamma: float = 0.99) -> None:
    config = tiny(
        LEARNING | {"gamma": gamma},
        task=task,
        augment=augment,
        frames=1_200,
        warmup_steps=200,
        eval_every=0,
        eval_episodes=40,
    )
    assert start(config, run) == 0


def final_return(run: Path) -> float:
    return [row for row in read_rows(run / "metrics.jsonl") if row["kind"] == "eval"][-1]["episode_return_mean"]


@pytest.mark.parametrize("name", ["action", "both"])
def test_the_policy_reaches_the_optimum(name: str, tmp_path: Path) -> None:
    train(tmp_path / "run", f"probe/{name}")
    assert final_return(tmp_path / "run") > returns_of(name).optimal - 0.1


@pytest.mark.parametrize("name", ["value", "observation", "discounting"])
def test_the_critic_learns_the_values(name: str, tmp_path: Path) -> None:
    gamma = 0.5 if name == "discounting" else 0.99  # so that a discount forgotten, 1.0, is seen
    train(tmp_path / "run", f"probe/{name}", gamma=gamma)
    agent = load(tmp_path / "run").agent
    for case, value in zip(PROBES[name].cases, values(name, gamma)):
        frame = np.tile(np.array(case.colors[0], np.uint8)[:, None, None], (1, 1, 16, 16))
        with torch.no_grad():
            features = agent.encoder(agent.views.eval_view(torch.from_numpy(frame)))
            q, _ = agent.critic(features, torch.zeros(1, 1))
        assert float(q) == pytest.approx(value, abs=0.15)


def test_color_is_learnable_with_flip_and_not_with_grayscale(tmp_path: Path) -> None:
    returns = returns_of("color")
    train(tmp_path / "flip", "probe/color", "flip:p=0.5")
    train(tmp_path / "gray", "probe/color", "grayscale:p=1")
    assert final_return(tmp_path / "flip") > returns.optimal - 0.1
    assert final_return(tmp_path / "gray") < returns.blind + 0.3


def test_the_probes_of_continuous_actions_are_all_covered() -> None:
    tested = {"action", "both", "value", "observation", "discounting", "color"}
    assert {name for name in PROBES if not name.endswith("-discrete")} == tested
    assert set(envs.task_names("probe")) == {f"probe/{name}" for name in PROBES}
