"""One SAC update against batch size, image size, encoder, threads and what the replay holds, one at a time.

Each side has a process of its own, and all sides take turns with pairs of updates.
"""

import contextlib
import dataclasses
import functools
import sys
from typing import Any

from scripts.bench import process, sac, wall_s
from scripts.bench.compared import LIBRARIES, installed
from scripts.bench.speeds.measured import Measured, rounds_within

MODULE = "scripts.bench.speeds.sac_updates"
LIMIT_S = 80.0  # of one row, building apart
SMALL, FULL = 1_000, 100_000  # transitions; full is the preset's capacity, of which only the library's replay has 3 GB
TINY: dict[str, Any] = {"batch_size": 4, "hidden_dim": 8, "side_px": 44, "crop_px": 40}

Job = sac.Job


def measure(repeats: int, short: bool = False) -> list[Measured]:
    """Measure all rows: `labels` as `points` has them, and milliseconds of an update by side."""
    sides = [side for side in (*sac.native_precisions(), "eager", *LIBRARIES) if installed(side)]
    with contextlib.ExitStack() as stack:
        workers = {side: stack.enter_context(contextlib.closing(process.Worker(MODULE))) for side in sides}
        return [_measured(labels, workers, repeats, short) for labels in points()]


def points() -> list[dict[str, Any]]:
    """Return what is varied around a batch of 128, 84 pixels, RAD's encoder, torch's threads and a small replay."""
    import torch

    from rad.runtime import device

    threads = torch.get_num_threads()
    base = {"batch": 128, "image": 84, "encoder": "pixel", "threads": threads, "replay": SMALL}
    axes: dict[str, Any] = {
        "batch": (32, 64, 256, 512),
        "image": (64,),
        "encoder": ("pixel:strides=2-2-2-1", "nature", "impala"),
        "threads": tuple({1, 2} - {threads}) if device.usable_cpus() > 1 else (),
        "replay": (FULL,),
    }
    varied = [base | {axis: value} for axis, values in axes.items() for value in values]
    return [base, *varied]


def job_of(side: str, labels: dict[str, Any], short: bool) -> Job:
    """Return what the process of a side measures; other sides than the library keep a small replay."""
    is_library = side in sac.PRECISIONS
    sizes = {"batch_size": labels["batch"], "crop_px": labels["image"], "side_px": labels["image"] + 16}
    job = Job(side, transitions=labels["replay"] if is_library else SMALL, action_dim=1, **sizes)
    job = dataclasses.replace(job, encoder=labels["encoder"], threads=labels["threads"])
    return dataclasses.replace(job, **TINY, transitions=job.transitions // 20) if short else job


def _measured(labels: dict[str, Any], workers: dict[str, process.Worker], repeats: int, short: bool) -> Measured:
    print(", ".join(f"{name} {value}" for name, value in labels.items()), file=sys.stderr, flush=True)
    jobs = {side: job_of(side, labels, short) for side in workers}
    for side, job in jobs.items():
        workers[side].measure(dataclasses.replace(job, pairs=0))  # builds it

    def one_round() -> dict[str, float]:
        return {side: workers[side].measure(job)["ms"] for side, job in jobs.items()}

    return Measured(labels, rounds_within(LIMIT_S, repeats, one_round))


def work(job: Job) -> dict[str, float]:
    """Time a pair of updates in this process, after a first one; with `pairs` 0 only make them ready."""
    if job.threads:
        from rad.runtime import device

        device.set_threads(job.threads)
    update = _warm(dataclasses.replace(job, pairs=1))
    return {"ms": 500 * (wall_s(update) + wall_s(update))} if job.pairs else {}


@functools.lru_cache(maxsize=1)
def _warm(job: Job) -> sac.Update:
    update = sac.update_of(job)
    update()  # the actor's too
    return update
