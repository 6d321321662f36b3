import doctest

import pytest

from rad.experiment.config import RunConfig
from rad.training import measure
from rad.training.measure import Cost, workers
from tests.integration.runs import tiny, tiny_ppo

GB = 10**9


def test_the_examples() -> None:
    failed, tried = doctest.testmod(measure)
    assert tried == 1 and not failed


@pytest.mark.parametrize(
    ("jobs", "cores", "free", "cost", "gpus", "result"),
    [
        (3, 8, 100, Cost(1.0, GB), 0, 3),
        (9, 4, 100, Cost(1.0, GB), 0, 4),
        (9, 8, 10, Cost(1.0, 3 * GB), 0, 3),
        (9, 8, 1, Cost(1.0, 3 * GB), 0, 1),
        (9, 0, 100, None, 0, 1),
        (9, 8, 0, None, 0, 8),
        (9, 8, 100, Cost(1.0, GB, 4 * GB, 10 * GB), 1, 2),
        (9, 8, 100, Cost(1.0, GB, 4 * GB, 10 * GB), 3, 6),
    ],
)
def test_as_many_as_fit(jobs: int, cores: int, free: int, cost: Cost | None, gpus: int, result: int) -> None:
    assert workers(jobs, cores, free * GB, cost, gpus) == result


def test_a_process_that_evaluates_takes_a_core_of_its_own() -> None:
    assert measure.cores_of(tiny(threads=1)) == 1
    assert measure.cores_of(tiny(threads=2, eval_workers=1)) == 3
    assert measure.cores_of(tiny(threads=1, num_envs=4, parallel_envs=True)) == 4


@pytest.mark.parametrize("config", [tiny(frames=10_000), tiny(warmup_steps=1), tiny_ppo({"num_steps": 64})])
@pytest.mark.slow
def test_a_run_is_measured_without_being_made(config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure.device, "tune_allocator", lambda: True)
    cost = measure.measure(config)
    assert cost.frames_per_s > 0 and cost.bytes > 50_000_000
    assert (cost.device_bytes, cost.device_free_bytes) == (0, 0)
