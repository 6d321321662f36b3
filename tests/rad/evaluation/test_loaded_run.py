"""Several splits are played one after the other."""

from typing import Any

import numpy as np
import pytest

from rad.evaluation import loaded_run
from rad.evaluation.play import Episodes
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
    episodes = loaded_run.play_splits(config, lambda env: None, ("train", ""), recorder=recorder, played=counts.append)
    assert list(episodes) == ["train", ""] and episodes[""].returns.tolist() == [[1.0], [2.0]]
    assert recorders == ["recorder", None] and counts == [1, 2, 3, 4]
