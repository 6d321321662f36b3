"""One SAC update on a GPU whose kernels are started one by one, and the same recorded as a CUDA graph."""

import dataclasses
import time
from typing import Any

from scripts.bench import Row, process
from scripts.bench.sac import Job, library_update

PRECISIONS = ("fp32", "tf32", "bf16")
JOBS = (Job(), Job(preset="lean", batch_size=256), Job(batch_size=512))


def run(jobs: tuple[Job, ...] = JOBS, updates: int = 100, device: str = "cuda") -> list[Row]:
    """Time updates of each job in each precision, sampling and crop included; each side has a process of its own.

    `updates` are timed together, after `warmup` others, until the last has been computed.

    Returns:
        A row per job and precision: `preset`, `precision`, `batch`, `ratio` (started one by one over recorded), and
        milliseconds per update of both.

    Raises:
        ValueError: this machine has no such device.
    """
    from rad.runtime.device import resolve_device

    resolve_device(device)
    timed = [dataclasses.replace(job, device=device, warmup=10, pairs=updates // 2) for job in jobs]
    return [_row(dataclasses.replace(job, side=precision)) for job in timed for precision in PRECISIONS]


def _row(job: Job) -> Row:
    single, recorded = (
        process.measure("scripts.bench.capture", dataclasses.replace(job, capture=capture))["ms"]
        for capture in (False, True)
    )
    names = {"preset": job.preset, "precision": job.side, "batch": job.batch_size}
    return names | {"ratio": single / recorded, "ms": recorded, "one_by_one_ms": single}


def work(job: Job) -> dict[str, float]:
    """Do a job in this process."""
    import torch

    from rad.runtime import device

    target = device.resolve_device(job.device)
    device.set_precision(target, job.side)
    device.set_deterministic(target)
    if job.threads:
        torch.set_num_threads(job.threads)
    update: Any = library_update(job)
    for _ in range(job.warmup):
        row = update()
    float(row["critic_loss"])  # waits for the device
    start_s = time.perf_counter()
    for _ in range(2 * job.pairs):
        row = update()
    float(row["critic_loss"])
    return {"ms": 1000 * (time.perf_counter() - start_s) / (2 * job.pairs)}
