"""Minutes that 100,000 frames of cartpole-swingup take: a plain eager version of RAD, and the presets rad and lean.

Measured are some agent steps with rendering, acting, storing and learning; the rest is computed from them. The random
policy's episodes, evaluations and checkpoints are left out on all sides. Each side runs in a fresh process.
"""

import contextlib
import dataclasses
import importlib
import itertools
import time
from dataclasses import dataclass
from typing import Any

from scripts.bench import Row, process
from scripts.bench.sac import CROP_PX, native_precisions

TASK = "dmc/cartpole-swingup"
FRAMES = 100_000
PRESETS = ("rad", "lean")


@dataclass(frozen=True)
class Job:
    """What one process measures."""

    side: str = "eager"  # or the preset, or stable-baselines3
    precision: str = "fp32"  # or bf16, of the library
    # Agent steps before anything is learned or timed, and those timed; the library times what `rad ablate` does.
    warmup_steps: int = 20
    steps: int = 10


def run() -> list[Row]:
    """Measure the eager version, then each preset in each precision that the processor computes itself.

    Returns:
        A row per preset and precision: `minutes` for all frames, `eager_minutes`, and `ratio`, the second over the
        first.
    """
    eager = _minutes(Job())
    rows: list[Row] = []
    for preset, precision in itertools.product(PRESETS, native_precisions()):
        minutes = _minutes(Job(preset, precision))
        row: Row = {"preset": preset, "precision": precision, "ratio": eager / minutes}
        rows.append(row | {"minutes": minutes, "eager_minutes": eager})
    return rows


def _minutes(job: Job) -> float:
    return FRAMES / process.measure("scripts.bench.minutes", job)["frames_per_s"] / 60


def work(job: Job) -> dict[str, float]:
    """Do a job in this process; return environment frames per second, of the library those of an evaluation too."""
    sides = {"eager": eager_frames_per_s, "stable-baselines3": sb3_frames_per_s}
    return {"frames_per_s": sides[job.side](job)} if job.side in sides else library_frames_per_s(job)


def library_frames_per_s(job: Job) -> dict[str, float]:
    """Time the loop of a preset, and of its evaluation, as `rad ablate` does before it starts."""
    import torch

    from rad.experiment.presets import preset
    from rad.training.measure import measure

    settings: Any = {"frames": FRAMES, "precision": job.precision, "threads": torch.get_num_threads()}
    cost = measure(dataclasses.replace(preset(job.side, TASK), **settings))
    return {"frames_per_s": cost.frames_per_s, "evaluation_frames_per_s": cost.play_frames_per_s}


def sb3_frames_per_s(job: Job) -> float:
    """Time Stable-Baselines3's loop on the same task, drawn as large as it is seen: it has no crop."""
    from rad.experiment.build import action_repeat, make_env
    from rad.experiment.presets import preset
    from scripts.bench.compared import sb3

    config: Any = dataclasses.replace(preset("rad", TASK), augment="none", image_size=CROP_PX)
    with contextlib.closing(make_env(config, "train")) as env:
        return action_repeat(config) * sb3.sac_steps_per_s(env, job.warmup_steps, job.steps)


def eager_frames_per_s(job: Job) -> float:
    """Time a plain loop: act, step, store both stacks, sample and update, one after the other."""
    import torch

    from rad.experiment.build import action_dim, action_repeat, make_env, obs_shape
    from rad.experiment.presets import preset

    eager: Any = importlib.import_module("tests.reference.sac_eager")
    config: Any = preset("rad", TASK)
    env = make_env(config, "train")
    agent = eager.EagerSAC((obs_shape(env)[0], CROP_PX, CROP_PX), action_dim(env))
    replay = eager.StackReplay(job.warmup_steps + job.steps, obs_shape(env), action_dim(env))
    border = (obs_shape(env)[1] - CROP_PX) // 2
    inner = slice(border, border + CROP_PX)
    obs, _ = env.reset()
    start = 0.0
    for step in range(job.warmup_steps + job.steps):
        if step == job.warmup_steps + 1:  # the first update takes what is made once
            start = time.perf_counter()
        with torch.no_grad():
            action = agent.actor(torch.from_numpy(obs[..., inner, inner]).float() / 255)[0].numpy()
        next_obs, reward, *_ = env.step(action)
        replay.add(obs[0], action[0], reward[0], 0.99, next_obs[0])
        obs = next_obs
        if step >= job.warmup_steps:
            agent.update(*replay.sample(config.agent.batch_size, CROP_PX))
    seconds = time.perf_counter() - start
    env.close()
    return (job.steps - 1) * action_repeat(config) / seconds
