import pytest
import torch

from rad.experiment.config import RunConfig
from rad.training import measure
from tests.integration.runs import tiny, tiny_ppo


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
    assert cost.device_bytes == 0


def test_the_memory_of_a_gpu_grows_with_what_a_longer_run_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.max_memory_reserved", lambda target: 10**9)
    assert measure._on_gpu(torch.device("cuda"), 1.0) == 10**9 + measure.CUDA_BYTES
    assert measure._on_gpu(torch.device("cuda"), 16.0) == 16 * 10**9 + measure.CUDA_BYTES
    assert measure._on_gpu(torch.device("cpu"), 16.0) == 0
