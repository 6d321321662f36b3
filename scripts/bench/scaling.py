"""How fast PPO gets with ranks and IMPALA with actors: a model of measured costs up to 64, and this machine beside it.

The model counts one core for each process and is explained in docs/scaling.md.
"""

import contextlib
import dataclasses
import functools
import itertools
import json
import multiprocessing
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from statistics import median
from typing import Any

from scripts.bench import Row, ppo, process, wall_s

COUNTS = (1, 2, 4, 8, 16, 32, 64)
HERE = {"ranks": (1, 2), "actors": (1, 2, 4)}  # that are also measured, on this machine
TASK = "procgen/coinrun"
FRAMES = {"ranks": 12_288, "actors": 6_400}  # of a whole run on this machine: 3 rollouts, or 10 and more
ETHERNET: Any = {"latency_s": 50e-6, "bytes_per_s": 1.25e9}  # assumed of machines beside each other: 10 Gbit/s


@dataclass(frozen=True)
class Costs:
    """Seconds of one core, per agent step where nothing else is said.

    Attributes:
        simulation, inference, update: of PPO, which learns from each step in several epochs.
        steps, gradient_steps: agent steps and gradient steps of one rollout of PPO.
        weight_bytes: of the gradient that is averaged.
        latency_s, bytes_per_s: of a message between two processes.
        act, learn, carry: of IMPALA: to make a step, to learn from it, and to bring it to the learner.
    """

    simulation: float
    inference: float
    update: float
    steps: int
    gradient_steps: int
    weight_bytes: int
    latency_s: float
    bytes_per_s: float
    act: float
    learn: float
    carry: float


@dataclass(frozen=True)
class Job:
    """What one process measures."""

    side: str = "exchange"  # or impala
    weight_bytes: int = 4
    num_envs: int = 32
    trajectories: int = 3
    messages: int = 20


def run() -> list[Row]:
    """Measure the costs in processes of one thread, put them into the model, and measure whole runs beside it.

    Returns:
        A row for each kind and number of processes: `kind` (ranks or actors), `processes`, `model_steps_per_s` on one
        machine and `over_ethernet`, with `ETHERNET` between processes, `bound_by`, and `here_steps_per_s`, measured.

    Raises:
        ModuleNotFoundError: Procgen is not installed.
    """
    costs = measure(ppo.Job(side="fp32", threads=1), Job("impala"))
    print(f"costs: {json.dumps(dataclasses.asdict(costs))}", file=sys.stderr, flush=True)
    over_ethernet = dataclasses.replace(costs, **ETHERNET)
    return [
        {
            "kind": kind,
            "processes": count,
            "model_steps_per_s": rate(costs, count),
            "over_ethernet": rate(over_ethernet, count),
            "bound_by": bound(costs, count),
            "here_steps_per_s": here(kind, count) if count in HERE[kind] else None,
        }
        for kind, rate, bound in (("ranks", ranks_rate, ranks_bound), ("actors", actors_rate, actors_bound))
        for count in COUNTS
    ]


def all_reduce_s(costs: Costs, ranks: int) -> float:
    """Return the seconds in which a ring of processes averages its gradients: 2 (N - 1) messages of 1/N each."""
    return 2 * (ranks - 1) * (costs.latency_s + costs.weight_bytes / ranks / costs.bytes_per_s)


def ranks_rate(costs: Costs, ranks: int) -> float:
    """Return the agent steps per second of PPO: each rank has its share of the steps, and all exchange gradients."""
    work = (costs.simulation + costs.inference + costs.update) / ranks
    return 1 / (work + costs.gradient_steps * all_reduce_s(costs, ranks) / costs.steps)


def ranks_bound(costs: Costs, ranks: int) -> str:
    """Name what takes most of the time."""
    exchange = costs.gradient_steps * all_reduce_s(costs, ranks) / costs.steps
    return "exchange" if exchange * ranks_rate(costs, ranks) > 0.5 else "work of the ranks"


def actors_rate(costs: Costs, actors: int) -> float:
    """Return the agent steps per second of IMPALA: those of the actors, or of the learner if it is slower."""
    return min(actors / (costs.act + costs.carry), 1 / (costs.learn + costs.carry))


def actors_bound(costs: Costs, actors: int) -> str:
    """Name which of the two is slower."""
    return "actors" if actors / (costs.act + costs.carry) < 1 / (costs.learn + costs.carry) else "learner"


def measure(of_ppo: ppo.Job, of_impala: Job) -> Costs:
    """Measure all costs, each kind in a process of its own."""
    steps = of_ppo.num_envs * of_ppo.num_steps
    parts = process.measure("scripts.bench.ppo", of_ppo)
    impala = process.measure("scripts.bench.scaling", of_impala)
    weight_bytes = int(impala.pop("weight_bytes"))
    exchange = process.measure(
        "scripts.bench.scaling", dataclasses.replace(of_impala, side="exchange", weight_bytes=weight_bytes)
    )
    per_step = {name: parts[name] / (steps * of_ppo.rollouts) for name in ppo.PARTS}
    gradient_steps = of_ppo.num_epochs * of_ppo.num_minibatches
    return Costs(
        **per_step, **impala, **exchange, steps=steps, gradient_steps=gradient_steps, weight_bytes=weight_bytes
    )


def work(job: Job) -> dict[str, float]:
    """Do a job in this process; return numbers by the names of `Costs`."""
    return {"impala": impala_costs, "exchange": exchange_costs}[job.side](job)


def impala_costs(job: Job) -> dict[str, float]:
    """Measure acting, learning and carrying, seconds per agent step, and the bytes of the weights."""
    from rad.experiment.algorithms import impala_actors, make_agent
    from rad.experiment.build import make_env
    from rad.experiment.presets import preset
    from rad.runtime import device

    device.tune_allocator()
    device.set_threads(1)
    config: Any = dataclasses.replace(preset("impala", TASK), num_envs=job.num_envs)
    actor = impala_actors.RemoteActor(config, 0)
    with contextlib.closing(actor.env), contextlib.closing(make_env(config, "train", num_envs=job.num_envs)) as env:
        agent: Any = make_agent(config, env)
        policy = agent.policy_state(), 0
        arrays, trajectory = actor.collect(policy), impala_actors.make_source(config, env, agent).next(agent).trajectory
        calls: dict[str, Callable[[], object]] = {
            "act": lambda: actor.collect(policy),
            "learn": lambda: float(agent.update(trajectory)["grad_norm"]),
            "carry": lambda: ForkingPickler.loads(ForkingPickler.dumps(arrays)),  # as a pipe does
        }
        steps = job.num_envs * config.agent.num_steps
        seconds = {name: _median_s(call, job.trajectories) / steps for name, call in calls.items()}
    parameters = itertools.chain(agent.encoder.parameters(), agent.head.parameters())
    return seconds | {"weight_bytes": sum(value.nbytes for value in parameters)}


def exchange_costs(job: Job) -> dict[str, float]:
    """Measure, between two processes of this machine, the latency of a message and the bytes per second of a long one.

    Averaging takes two messages of half the bytes each way.
    """
    with tempfile.TemporaryDirectory() as folder:
        arguments = str(Path(folder) / "meeting"), (4, job.weight_bytes), job.messages
        other = multiprocessing.get_context("spawn").Process(target=average, args=(1, *arguments))
        other.start()
        short, long = average(0, *arguments)
        other.join()
    return {"latency_s": short / 2, "bytes_per_s": job.weight_bytes / max(long - short, 1e-9)}


def average(rank: int, meeting: str, sizes: tuple[int, ...], messages: int) -> list[float]:
    """Average tensors of so many bytes with the other process; return the median seconds of each size."""
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    tensors = [torch.zeros(max(size // 4, 1)) for size in sizes]
    seconds = [_median_s(functools.partial(dist.all_reduce, tensor), messages) for tensor in tensors]
    dist.destroy_process_group()
    return seconds


def _median_s(call: Callable[[], object], times: int) -> float:
    """Return the median seconds of a call, after one that is not counted."""
    call()
    return median(wall_s(call) for _ in range(times))


def here(kind: str, count: int, frames: int = 0) -> float:
    """Train on this machine with so many ranks or actors; return the agent steps per second between two updates."""
    frames = frames or FRAMES[kind]
    flags = ["--task", TASK, "--frames", str(frames), "--threads", "1", "--precision", "fp32", "--augment", "none"]
    flags += ["--eval-every", "0", "--eval-episodes", "1", "--eval-envs", "1", "--log-every", "1", "--no-tensorboard"]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        train = ["rad.cli", "train", *flags, "--out", str(out)]
        if kind == "ranks":
            torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(count), "-m"]
            words = [*(torchrun if count > 1 else []), *train, "--algo", "ppo", "--num-steps", "64"]
        else:
            words = [*train, "--algo", "impala", "--actors", str(count), "--order", "arrival"]
        command = [sys.executable, "-m", *words]
        done = subprocess.run(command, cwd=process.CHECKOUT, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
            raise RuntimeError(f"{count} {kind} ended with {done.returncode}: {lines[-1]}")
        rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    trained = [row for row in rows if row["kind"] == "train"]
    first, last = trained[0], trained[-1]
    return (last["agent_steps"] - first["agent_steps"]) / (last["time_s"] - first["time_s"])
