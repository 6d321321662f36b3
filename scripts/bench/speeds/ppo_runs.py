"""PPO's whole loop, simulation, inference and update: the library, the plain eager version, and other libraries.

Each side has a process of its own, and all sides take turns with a rollout and what is learned from it.
"""

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from scripts.bench import ppo, process
from scripts.bench.compared import LIBRARIES, NOT_INSTALLED, installed
from scripts.bench.sac import native_precisions
from scripts.bench.speeds.measured import Measured, rounds_within

MODULE = "scripts.bench.speeds.ppo_runs"
LIMIT_S = 150.0  # of one task, starting apart
# Environments and passes as published, with rollouts of 512 and 256 steps in all, so that a round is short.
JOBS = (
    ppo.Job(task="procgen/coinrun", num_envs=64, num_steps=8),
    ppo.Job(task="gym/LunarLander-v3", num_envs=16, num_steps=16),
)
PACKAGES = {"procgen/coinrun": "procgen", "gym/LunarLander-v3": "Box2D"}
TINY: dict[str, Any] = {"num_envs": 2, "num_steps": 2, "num_minibatches": 1, "num_epochs": 1}

Job = ppo.Job


def measure(repeats: int, short: bool = False) -> list[Measured]:
    """Measure all tasks and sides: agent steps and frames per second, and seconds per 1,000 steps of each part."""
    return [row for job in JOBS for row in _of_task(dataclasses.replace(job, **(TINY if short else {})), repeats)]


def _of_task(job: Job, repeats: int) -> list[Measured]:
    package = PACKAGES[job.task]
    if find_spec(package) is None:
        return [Measured({"task": job.task, "side": "", "missing": f"{package} {NOT_INSTALLED}"}, [])]
    from rad.experiment.build import action_repeat
    from rad.experiment.presets import preset

    print(f"{job.task}, {job.num_envs} environments", file=sys.stderr, flush=True)
    repeat = action_repeat(preset("ppo", job.task))
    sides = (*native_precisions(), "eager", *LIBRARIES)
    rounds = _rounds([dataclasses.replace(job, side=side) for side in sides if installed(side)], repeats)
    return [
        Measured({"task": job.task, "side": side}, [_numbers(job, repeat, seconds[side]) for seconds in rounds])
        if installed(side)
        else Measured({"task": job.task, "side": side, "missing": NOT_INSTALLED}, [])
        for side in sides
    ]


def _rounds(jobs: list[Job], repeats: int) -> list[dict[str, dict[str, float]]]:
    """Return the seconds of a rollout by side, of each round."""
    import torch

    with contextlib.ExitStack() as stack:
        workers = {job.side: stack.enter_context(contextlib.closing(process.Worker(MODULE))) for job in jobs}
        jobs = [dataclasses.replace(job, threads=torch.get_num_threads()) for job in jobs]
        for job in jobs:
            workers[job.side].measure(dataclasses.replace(job, rollouts=0))  # a first rollout, not timed
        return rounds_within(LIMIT_S, repeats, lambda: {job.side: workers[job.side].measure(job) for job in jobs})


def _numbers(job: Job, repeat: int, seconds: dict[str, float]) -> dict[str, float]:
    """Return the numbers of a row from the seconds of a rollout, whose steps have `repeat` frames each."""
    steps = job.num_envs * job.num_steps
    per_1000 = {part: 1000 * seconds[part] / steps for part in ppo.PARTS}
    return {"steps_per_s": steps / seconds["whole"], "frames_per_s": repeat * steps / seconds["whole"], **per_1000}


def work(job: Job) -> dict[str, float]:
    """Time one more rollout in this process; with `rollouts` 0 only make the loop ready."""
    loop = _warm(dataclasses.replace(job, rollouts=1))
    return next(loop) if job.rollouts else {}


@functools.lru_cache(maxsize=1)
def _warm(job: Job) -> Iterator[Any]:
    loop = ppo.rollouts(job)
    next(loop)
    return loop
