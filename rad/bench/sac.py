"""One SAC update, sampling and crop included, against a plain eager float32 version of the same algorithm.

Each side runs in a fresh process, because the allocator's settings hold for a process: the library's own
processes set them as `rad train` does, the eager version takes the allocator as it comes.
"""

import dataclasses
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from rad.bench import process

EAGER = "tests/reference/sac_eager.py"
PRECISIONS = ("fp32", "bf16")
CROP_PX = 84

# What two CPU cores with AVX512-BF16 have to reach.
TARGETS = {("fp32", 128): 1.25, ("bf16", 128): 2.2, ("fp32", 512): 3.0, ("bf16", 512): 6.0}

Row = dict[str, Any]
Update = Callable[[], object]


@dataclass(frozen=True)
class Job:
    """What one process measures.

    Attributes:
        side: fp32 or bf16 of the library, or eager.
        batch_size: transitions per update.
        action_dim: size of the action.
        hidden_dim: width of the heads.
        transitions: held by the replay.
        warmup: updates before the first that is timed.
        pairs: pairs of updates that are timed; every second update is the actor's too.
        side_px: height and width of the stored frames.
        crop_px: height and width of what the encoder sees.
    """

    side: str = "eager"
    batch_size: int = 128
    action_dim: int = 6
    hidden_dim: int = 1024
    transitions: int = 4_000
    warmup: int = 4
    pairs: int = 6
    side_px: int = 100
    crop_px: int = CROP_PX


def run(jobs: tuple[Job, ...] = (Job(batch_size=128), Job(batch_size=512))) -> list[Row]:
    """Measure the eager version and the library in both precisions, one after the other, for each job.

    Returns:
        A row per job and precision: `batch`, `precision`, `ratio` (eager time over the library's), `target`
        (what the ratio should reach on two cores), milliseconds and page faults per update of both sides.

    Raises:
        ModuleNotFoundError: the eager version is not there.
    """
    process.check_source(EAGER, "sac")
    return [row for job in jobs for row in _rows(job)]


def _rows(job: Job) -> list[Row]:
    eager, *ours = [
        process.measure("rad.bench.sac", dataclasses.replace(job, side=side)) for side in ("eager", *PRECISIONS)
    ]
    return [
        {
            "batch": job.batch_size,
            "precision": precision,
            "ratio": eager["ms"] / own["ms"],
            "target": TARGETS.get((precision, job.batch_size)),
            "ms": own["ms"],
            "eager_ms": eager["ms"],
            "page_faults": own["page_faults"],
            "eager_page_faults": eager["page_faults"],
        }
        for precision, own in zip(PRECISIONS, ours)
    ]


def work(job: Job) -> dict[str, float]:
    """Do a job in this process."""
    update = eager_update(job) if job.side == "eager" else library_update(job)
    return time_updates(update, job.warmup, job.pairs)


def library_update(job: Job) -> Update:
    """Return one update of `SACAgent` on batches of `Replay`, with the allocator tuned."""
    from rad.runtime import device

    device.tune_allocator()
    import torch

    import augment
    from rad.agents.sac import SACAgent, SACConfig
    from rad.bench.stream import add, make_replay, random_steps

    replay = make_replay(job.transitions, job.action_dim, job.side_px)
    for step in random_steps(job.transitions, job.action_dim, side_px=job.side_px):
        add(replay, step)
    config = SACConfig(batch_size=job.batch_size, hidden_dim=job.hidden_dim)
    stored = (9, job.side_px, job.side_px)
    agent = SACAgent(stored, job.action_dim, config, augment.make("crop", job.crop_px), precision=job.side)
    generator = torch.Generator().manual_seed(0)
    return lambda: agent.update(replay.sample(job.batch_size, generator))


def eager_update(job: Job) -> Update:
    """Return one update of the plain version, on batches of its own plain buffer."""
    from rad.bench.stream import random_steps

    eager: Any = importlib.import_module("tests.reference.sac_eager")
    replay = eager.StackReplay(job.transitions, (9, job.side_px, job.side_px), job.action_dim)
    for step in random_steps(job.transitions, job.action_dim, side_px=job.side_px):
        replay.add(step.obs, step.action, step.reward, 0.99, step.next_obs)
    agent = eager.EagerSAC((9, job.crop_px, job.crop_px), job.action_dim, hidden_dim=job.hidden_dim)
    return lambda: agent.update(*replay.sample(job.batch_size, job.crop_px))


def time_updates(update: Update, warmup: int, pairs: int) -> dict[str, float]:
    """Time pairs of updates; return the median milliseconds and the mean page faults of one update."""
    for _ in range(warmup):
        update()
    faults, seconds = page_faults(), []
    for _ in range(pairs):
        start = time.perf_counter()
        update()
        update()
        seconds.append((time.perf_counter() - start) / 2)
    return {"ms": 1000 * median(seconds), "page_faults": (page_faults() - faults) / (2 * pairs)}


def page_faults() -> int:
    """Return the page faults of this process so far that needed no disk: memory handed out anew."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


if __name__ == "__main__":
    print(json.dumps(work(Job(**json.loads(sys.argv[1])))))
