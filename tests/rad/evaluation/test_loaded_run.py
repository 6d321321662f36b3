"""Loading a run, on other devices too, and playing several splits one after the other."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from rad.evaluation import loaded_run
from rad.evaluation.play import Episodes
from rad.runtime import device
from tests.integration.runs import tiny


def test_the_first_split_is_recorded_and_the_episodes_of_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    recorders, counts = [], []

    def evaluate(env: Any, policy: Any, episodes: int, *, action_repeat: int, recorder: Any, played: Any) -> Episodes:
        recorders.append(recorder)
        for count in (1, 2):
            played(count)
        return Episodes(np.array([[1.0], [2.0]]), np.ones((2, 1)), None)

    monkeypatch.setattr(loaded_run, "evaluate", evaluate)
    config = tiny(eval_envs=2, eval_episodes=1)
    recorder: Any = "recorder"
    episodes = loaded_run.play_splits(config, None, ("train", ""), recorder=recorder, played=counts.append)
    assert list(episodes) == ["train", ""] and episodes[""].returns.tolist() == [[1.0], [2.0]]
    assert recorders == ["recorder", None] and counts == [1, 2, 3, 4]


@pytest.mark.parametrize(("name", "precision"), [("cpu", "fp32"), ("cuda", "tf32")])
def test_a_run_of_tf32_is_fp32_on_a_cpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, precision: str
) -> None:
    made: list[Any] = []
    (tmp_path / "config.json").touch()
    monkeypatch.setattr(loaded_run, "read_config", lambda folder: tiny(precision="tf32"))
    monkeypatch.setattr(loaded_run, "resolve_device", torch.device)
    monkeypatch.setattr(loaded_run.checkpoint, "exists", lambda folder: True)
    monkeypatch.setattr(loaded_run.checkpoint, "load", lambda folder, only, frames: (8, {"agent": {}}))
    agent = SimpleNamespace(load_state_dict=lambda state: None)
    monkeypatch.setattr(loaded_run, "untrained_agent", lambda config: made.append(config) or agent)
    assert loaded_run.load(tmp_path, name).config == made[0]
    assert (made[0].device, made[0].precision) == (name, precision)


def test_whoever_makes_an_agent_sets_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, repeating = [], []
    monkeypatch.setattr(device, "set_deterministic", lambda target: repeating.append(str(target)))
    monkeypatch.setattr(device, "set_precision", lambda target, precision: calls.append((str(target), precision)))
    agent = loaded_run.untrained_agent(tiny(device="cpu", precision="bf16"))
    assert calls == [("cpu", agent.precision)] == [("cpu", "bf16")]
    assert repeating == ["cpu"]
