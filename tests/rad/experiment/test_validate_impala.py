"""What is checked before a run of IMPALA."""

from pathlib import Path
from typing import Any

import pytest

from rad.experiment import cluster, validate
from rad.settings import SettingError
from tests.integration.runs import tiny_impala

# Run, agent, what must be named and said.
WRONG: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"optimizer": "sgd"}, "optimizer", "must be rmsprop or adam, got 'sgd'"),
    ({"frames": 11}, {}, "frames", "must be at least 12, one rollout of 4 environments and 3 steps, got 11"),
    ({"augment": "ucb:flip,grayscale"}, {}, "augment", "ucb chooses by the returns of the rollout before"),
    ({"actors": -1}, {}, "actors", "must be from 0 to 1024, got -1"),
    ({"max_lag": -1}, {}, "max_lag", "must be at least 0, got -1"),
    ({"max_lag": 2}, {}, "max_lag", "has an effect only with actors of 1 or more, got 2"),
    ({"order": "arrival"}, {}, "order", "only with actors of 1 or more, got arrival"),
    ({"address": "auto"}, {}, "address", "only with actors of 1 or more, got auto"),
    ({"actors": 3, "max_lag": 2}, {}, "max_lag", "must be 0 or at least 3, the lag in fixed order, got 2"),
    ({"actors": 2, "parallel_envs": True}, {}, "parallel_envs", "is for runs without actors"),
    ({"actors": 2, "address": "localhost:1"}, {}, "address", "auto or HOST:PORT of a Ray cluster"),
]


@pytest.mark.parametrize(("run", "agent", "flag", "said"), WRONG, ids=[f"{case[2]}-{case[0]}" for case in WRONG])
def test_what_is_wrong_is_named_in_one_line(run: dict, agent: dict, flag: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        validate.check(tiny_impala(agent, **run), Path("runs/none"))
    text = str(error.value)
    assert text.startswith(f"{flag}: ") and said in text and "\n" not in text


def test_what_is_just_right_passes() -> None:
    for config in (
        tiny_impala(frames=12),
        tiny_impala(task="probe/both", num_envs=2, parallel_envs=True),
        tiny_impala(actors=3, max_lag=3),
        tiny_impala(actors=3, max_lag=1, order="arrival"),
    ):
        validate.check(config, Path("runs/none"))


def test_without_ray_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(field: str) -> None:
        raise SettingError(field, "ray is not installed: pip install 'rad-rl[cluster]'")

    monkeypatch.setattr(cluster, "load", missing)
    with pytest.raises(ValueError, match=r"^address: ray is not installed: pip install"):
        validate.check(tiny_impala(actors=2, address="local"), Path("runs/none"))


def test_rollouts_of_all_actors_must_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    # 4 observations of 4 environments with 3 x 16 x 16 bytes take 12,288; two actors and the learner hold one each
    monkeypatch.setattr(validate.device, "free_memory_bytes", lambda: 36_863)
    with pytest.raises(ValueError, match="num_steps: 3 steps of 4 environments of 16x16 pixels need "):
        validate.check(tiny_impala(actors=2), Path("runs/none"))
    monkeypatch.setattr(validate.device, "free_memory_bytes", lambda: 36_864)
    validate.check(tiny_impala(actors=2), Path("runs/none"))
