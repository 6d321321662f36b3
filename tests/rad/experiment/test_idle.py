"""A run is said to learn nothing exactly where its loop makes no update."""

import re

import pytest

from rad.experiment.algorithms.off_policy import idle
from tests.integration.runs import tiny
from tests.rad.loops.test_off_policy import Run


@pytest.mark.parametrize("updates_per_step", [1.0, 0.5, 0.3])
@pytest.mark.parametrize(("warmup_steps", "num_envs", "repeat"), [(4, 1, 1), (5, 2, 1), (4, 1, 4), (6, 3, 2)])
def test_it_agrees_with_the_loop(updates_per_step: float, warmup_steps: int, num_envs: int, repeat: int) -> None:
    fields = {"warmup_steps": warmup_steps, "updates_per_step": updates_per_step}
    made = [len(one.updates) for one in Run(*[[99]] * num_envs, **fields).steps(16)]
    first = next(number for number, updates in enumerate(made) if updates)  # of the steps of all environments
    texts = [
        idle(tiny(frames=frames, num_envs=num_envs, action_repeat=repeat, **fields))
        for frames in range(1, 16 * num_envs * repeat)
    ]
    most = first * num_envs * repeat  # frames without an update
    assert [bool(text) for text in texts] == [True] * most + [False] * (len(texts) - most)
    assert {re.findall(r"more than (\d+) frames", text)[0] for text in texts[:most]} == {str(most)}
