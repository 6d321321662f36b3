"""How fast a run will be and how much memory it takes, measured in a separate process by some updates."""

import dataclasses
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import torch
from gymnasium.vector import VectorEnv

from rad.evaluation.loaded_run import policy_of
from rad.evaluation.play import Policy
from rad.experiment.algorithms import Report, algorithm_of, make_agent
from rad.experiment.build import action_repeat, make_arms, make_env
from rad.experiment.config import RunConfig
from rad.experiment.config_file import from_json, to_json
from rad.runtime import device, plugins

UPDATES, PLAY_STEPS = 20, 20
LIMIT_S = 10.0  # of updates; on a slow machine a few are enough
CUDA_BYTES = 2**30  # that CUDA itself takes in each process: some hundred MB, rounded up


@dataclass(frozen=True)
class Cost:
    """What one run costs."""

    frames_per_s: float  # environment frames while it learns, evaluations apart
    bytes: int  # of memory at its end
    device_bytes: int = 0  # of its GPU, CUDA itself included; 0 without one
    play_frames_per_s: float = 0.0  # environment frames while it is evaluated


def in_process(config: RunConfig, environment: Mapping[str, str]) -> Cost:
    """Measure a run in a child process with these environment variables.

    Raises:
        ValueError: the run fails in its first updates; the text has the last line of the error.
    """
    command = [sys.executable, "-m", "rad.training.measure"]
    text = json.dumps(to_json(config))
    child = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)
    if child.returncode:
        why = (child.stderr.strip() or f"status {child.returncode}").splitlines()[-1]
        raise ValueError(f"the first updates of {config.task} with {config.augment} fail: {why}")
    return Cost(**json.loads(child.stdout.splitlines()[-1]))


def measure(config: RunConfig) -> Cost:
    """Make the parts of a run and time some updates."""
    device.tune_allocator()
    if config.threads:
        device.set_threads(config.threads)
    algorithm = algorithm_of(config)
    short = algorithm.shortened(config)
    with closing(make_env(short, "train", num_envs=short.envs_here, groups=algorithm.groups)) as env:
        agent = make_agent(short, env)
        with closing(algorithm.make_learning(short, env, agent)) as learning:
            rate = _steps_per_s(learning.steps) * action_repeat(config)
        play_rate = _play_steps_per_s(env, policy_of(agent, "mode", config.seed)) * action_repeat(config)
    stored = algorithm.stored(config, make_arms(config)[1])
    on_host = stored.bytes if stored.device.type == "cpu" else 0
    process = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in KiB on Linux
    workers = config.processes * 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    needed = (1 + config.eval_workers) * process + on_host + workers
    longer = stored.bytes / algorithm.stored(short, make_arms(config)[1]).bytes
    return Cost(rate, needed, _on_gpu(agent.device, longer), play_frames_per_s=play_rate)


def _steps_per_s(reports: Iterator[Report]) -> float:
    """Return the agent steps per second between the first update, which includes setup, and the last."""
    marks: list[tuple[float, int]] = []
    for report in reports:
        if report.updates:
            float(next(iter(report.updates[-1].values())))  # waits for the device
            marks.append((time.perf_counter(), report.agent_steps))
            if len(marks) > UPDATES or (len(marks) > 1 and marks[-1][0] - marks[0][0] > LIMIT_S):
                break
    (start_s, start_steps), (end_s, end_steps) = marks[0], marks[-1]
    return (end_steps - start_steps) / (end_s - start_s)


def _play_steps_per_s(env: VectorEnv, policy: Policy) -> float:
    """Return the agent steps per second of a policy without learning, after a first step, which includes setup."""
    env = getattr(env, "groups", (env,))[0]
    obs, _ = env.reset()
    obs, *_ = env.step(policy(obs))
    start_s = time.perf_counter()
    for _ in range(PLAY_STEPS):
        obs, *_ = env.step(policy(obs))
    return PLAY_STEPS * env.num_envs / (time.perf_counter() - start_s)


def _on_gpu(target: torch.device, longer: float) -> int:
    """Return the bytes that a run takes of its GPU, including CUDA itself; 0 without one.

    The run that was measured stores less by the factor `longer`, if its rollouts are shorter: their minibatches, and so
    the activations, are smaller by as much. Nearly all that this process has taken is one or the other.
    """
    return round(longer * torch.cuda.max_memory_reserved(target)) + CUDA_BYTES if target.type == "cuda" else 0


def cores_of(config: RunConfig) -> int:
    """Return the cores that a run keeps busy."""
    return config.cores(config.threads or device.usable_cpus()) + config.eval_workers


if __name__ == "__main__":
    plugins.load_inherited()
    print(json.dumps(dataclasses.asdict(measure(from_json(json.load(sys.stdin))))))
