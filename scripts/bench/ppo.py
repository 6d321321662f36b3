"""PPO's whole loop on Procgen, simulation, inference and update, against a plain eager float32 version of the same.

Each side runs in a fresh process. The eager version runs twice: with the allocator as it comes, and tuned as the
library's own processes are.
"""

import collections
import contextlib
import dataclasses
import importlib
import itertools
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from scripts.bench import Row, adding, process

PARTS = ("simulation", "inference", "update")
EAGER = ("eager", "eager tuned")
PRECISIONS = ("fp32", "bf16")  # of the library
SIDES = (*EAGER, *PRECISIONS)
# The modules whose `rollouts` are those of other libraries, which `rad bench all` measures too.
LIBRARIES = {
    "stable-baselines3": "scripts.bench.compared.sb3",
    "torchrl": "scripts.bench.compared.torchrl_ppo",
}
# What bf16 on two CPU cores with AVX512-BF16 has to reach.
TARGETS = {"eager": 3.0, "eager tuned": 1.6}


@dataclass(frozen=True)
class Job:
    """What one process measures: Procgen's published batch and minibatch in a rollout a quarter as long."""

    side: str = "eager"  # one of `SIDES` or `LIBRARIES`
    task: str = "procgen/coinrun"
    num_envs: int = 64
    num_steps: int = 64  # agent steps of each environment per rollout
    num_minibatches: int = 2  # per epoch
    num_epochs: int = 3
    rollouts: int = 2  # that are timed, after one that is not
    threads: int = 0  # of torch; 0 for its own choice


def run() -> list[Row]:
    """Measure all sides one after the other.

    Returns:
        A row per side: `side`, `steps_per_s` (agent steps of all environments per second of the whole loop), seconds
        per 1,000 steps of simulation, inference and update, and how many times slower each eager side is
        (`ratio_to_eager`, `ratio_to_tuned`) with the targets for bf16.

    Raises:
        ModuleNotFoundError: Procgen is not installed.
    """
    job = Job()
    seconds = {side: process.measure("scripts.bench.ppo", dataclasses.replace(job, side=side)) for side in SIDES}
    total = {side: parts["whole"] for side, parts in seconds.items()}
    steps = job.num_envs * job.num_steps * job.rollouts
    return [
        {
            "side": side,
            "steps_per_s": steps / total[side],
            **{f"{part}_s_per_1000": 1000 * seconds[side][part] / steps for part in PARTS},
            "ratio_to_eager": total["eager"] / total[side],
            "target_ratio_to_eager": TARGETS["eager"] if side == "bf16" else None,
            "ratio_to_tuned": total["eager tuned"] / total[side],
            "target_ratio_to_tuned": TARGETS["eager tuned"] if side == "bf16" else None,
        }
        for side in SIDES
    ]


def work(job: Job) -> dict[str, float]:
    """Do a job in this process; return seconds of simulation, inference, update and of the whole loop."""
    with contextlib.closing(rollouts(job)) as loop:
        next(loop)
        timed = [next(loop) for _ in range(job.rollouts)]
    return {part: sum(seconds[part] for seconds in timed) for part in (*PARTS, "whole")}


def rollouts(job: Job) -> Generator[dict[str, float]]:
    """Yield the seconds of simulation, inference, update and of the whole loop, of one rollout after the other."""
    from rad.runtime import device

    if job.side not in ("eager", *LIBRARIES):
        device.tune_allocator()
    if job.threads:
        device.set_threads(job.threads)
    from rad.experiment.algorithms import algorithm_of
    from rad.experiment.build import make_env
    from rad.experiment.presets import preset

    config: Any = preset("ppo", job.task)
    batches = {name: getattr(job, name) for name in ("num_steps", "num_minibatches", "num_epochs")}
    agent_config = dataclasses.replace(config.agent, **batches)
    precision = job.side if job.side in PRECISIONS else "fp32"
    parts = {"augment": "none", "encoder": "impala", "num_envs": job.num_envs, "agent": agent_config}
    config = dataclasses.replace(config, **parts, precision=precision)
    groups = algorithm_of(config).groups if job.side in PRECISIONS else 1
    with contextlib.closing(make_env(config, "train", num_envs=job.num_envs, groups=groups)) as env:
        if job.side in PRECISIONS:
            yield from library(job, config, env)
        elif job.side in LIBRARIES:
            yield from importlib.import_module(LIBRARIES[job.side]).rollouts(job, env)
        else:
            eager: Any = importlib.import_module("tests.reference.ppo_eager")
            yield from eager.run(env, job.num_steps, job.num_minibatches, job.num_epochs)


def library(job: Job, config: Any, env: Any) -> Iterator[dict[str, float]]:
    """Run the loop of `rad train`."""
    from rad.experiment.algorithms import algorithm_of, make_agent

    agent: Any = make_agent(config, env)
    spent = dict.fromkeys(PARTS, 0.0)
    watched = [("inference", agent, "actor_step"), ("inference", agent, "value"), ("update", agent, "update")]
    for group in env.groups:
        watched += [("simulation", group, "step_async"), ("simulation", group, "step_wait")]
    for part, owner, name in watched:
        setattr(owner, name, adding(getattr(owner, name), spent, part))
    loop = algorithm_of(config).make_learning(config, env, agent).steps
    while True:
        spent.update(dict.fromkeys(PARTS, 0.0))
        start = time.perf_counter()
        collections.deque(itertools.islice(loop, job.num_steps), maxlen=0)
        yield spent | {"whole": time.perf_counter() - start}
