"""Each part measures what its labels say, in turns; no test looks at a speed."""

import dataclasses
from typing import Any, ClassVar

import pytest

from rad.runtime import device
from scripts.bench import minutes, process, sac
from scripts.bench.speeds import ppo_runs, sac_runs, sac_updates


class Worker:
    """In the place of a process: notes the jobs that it is given."""

    jobs: ClassVar[list[Any]] = []
    answer: ClassVar[dict[str, float]] = {}

    def __init__(self, module: str) -> None:
        self.module = module

    def measure(self, job: Any) -> dict[str, float]:
        Worker.jobs.append(job)
        return Worker.answer

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(process, "Worker", Worker)
    monkeypatch.setattr(device, "has_fast_bf16", lambda which: False)
    for part in (sac_updates, sac_runs, ppo_runs):
        monkeypatch.setattr(part, "installed", lambda side: side != "torchrl")
    monkeypatch.setattr(Worker, "jobs", [])
    return Worker.jobs


def test_one_axis_of_the_update_is_varied_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 2)
    monkeypatch.setattr(device, "usable_cpus", lambda: 2)
    base, *varied = sac_updates.points()
    assert base == {"batch": 128, "image": 84, "encoder": "pixel", "threads": 2, "replay": 1_000}
    changes = [{name: value for name, value in point.items() if value != base[name]} for point in varied]
    assert changes == [
        *({"batch": size} for size in (32, 64, 256, 512)),
        {"image": 64},
        *({"encoder": name} for name in ("pixel:strides=2-2-2-1", "nature", "impala")),
        {"threads": 1},
        {"replay": 100_000},
    ]


def test_all_sides_take_turns_with_pairs_of_updates(jobs: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Worker, "answer", {"ms": 2.0})
    rows = sac_updates.measure(2)
    assert [row.labels for row in rows] == sac_updates.points()
    assert rows[0].rounds == [{"fp32": 2.0, "eager": 2.0, "stable-baselines3": 2.0}] * 2
    sides = ["fp32", "eager", "stable-baselines3"]
    assert [job.side for job in jobs[:9]] == sides * 3
    assert [job.pairs > 0 for job in jobs[:9]] == [False] * 3 + [True] * 6  # first they are made ready
    full = [job for job in jobs if job.transitions == 100_000]
    assert {job.side for job in full} == {"fp32"}, "only the library's replay is filled"
    small_images = [job for job in jobs if job.crop_px == 64]
    assert {(job.side_px, job.batch_size) for job in small_images} == {(80, 128)}


@pytest.mark.parametrize("side", ["fp32", "eager"])
def test_an_update_is_made_once_and_timed_in_pairs(side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[sac.Job] = []

    def make(job: sac.Job) -> sac.Update:
        calls.append(job)
        return lambda: calls.append("update")

    monkeypatch.setattr(sac, "update_of", make)
    sac_updates._warm.cache_clear()
    job = sac.Job(side)
    assert sac_updates.work(dataclasses.replace(job, pairs=0)) == {}
    assert len(calls) == 2  # made, and warm
    assert set(sac_updates.work(job)) == {"ms"}
    assert calls[2:] == ["update"] * 2
    sac_updates._warm.cache_clear()


def test_the_tiny_update_of_the_library_and_the_eager_version_run() -> None:
    for side in ("fp32", "eager"):
        job = sac_updates.job_of(side, sac_updates.points()[0], short=True)
        assert job.batch_size == 4
        assert sac_updates.work(job)["ms"] > 0
    sac_updates._warm.cache_clear()


def test_whole_runs_are_of_all_sides_and_what_is_missing_is_named(
    jobs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dm_control", reason="the runs are of a DeepMind Control task")
    monkeypatch.setattr(Worker, "answer", {"frames_per_s": 8.0})
    monkeypatch.setattr(sac_runs, "installed", lambda side: side != "stable-baselines3")
    rows = sac_runs.measure(2)
    assert [(row.labels["side"], len(row.rounds), row.missing) for row in rows] == [
        ("rad", 2, ""),
        ("lean", 2, ""),
        ("eager", 2, ""),
        ("stable-baselines3", 0, "not installed"),
    ]
    assert isinstance(jobs[0], minutes.Job)


def test_ppo_has_a_row_for_each_task_and_side(jobs: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"simulation": 1.0, "inference": 2.0, "update": 3.0, "whole": 8.0}
    monkeypatch.setattr(Worker, "answer", seconds)
    monkeypatch.setattr(ppo_runs, "find_spec", lambda name: None if name == "procgen" else name)
    missing, *rows = ppo_runs.measure(2)
    assert missing.missing == "procgen not installed"
    assert [row.labels["side"] for row in rows] == ["fp32", "eager", "stable-baselines3", "torchrl"]
    assert rows[-1].missing == "not installed"
    assert len(rows[0].rounds) == 2
    # 16 environments, 16 steps, 3 frames each
    assert rows[0].rounds[0] == {
        "steps_per_s": 32.0, "frames_per_s": 96.0, "simulation": 1000 / 256, "inference": 2000 / 256,
        "update": 3000 / 256,
    }  # fmt: skip
    assert [job.rollouts > 0 for job in jobs] == [False] * 3 + [True] * 6


@pytest.mark.slow
def test_a_worker_does_one_job_after_the_other_and_quotes_what_fails() -> None:
    job = sac_updates.job_of("fp32", sac_updates.points()[0], short=True)
    worker = process.Worker(sac_updates.MODULE)
    try:
        assert all(worker.measure(job)["ms"] > 0 for _ in range(2))
        with pytest.raises(RuntimeError, match=r"measuring fp32 ended with 1: ValueError: .*crop"):
            worker.measure(dataclasses.replace(job, crop_px=60))
    finally:
        worker.close()
