"""A whole run, evaluations included, against its updates alone and its rendering alone: how well they overlap.

The environment and the evaluations have processes of their own. Each side runs in a fresh process.
"""

import contextlib
import dataclasses
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.bench import Row, process, sac

TASK = "dmc/cartpole-swingup"
PRESETS = ("rad", "lean")
EPISODE_FRAMES = 1_000  # of the task: an evaluation of one follows on as many frames of training
WARMUP = 10  # updates that are not timed
TARGET = 1.1  # on two cores


@dataclass(frozen=True)
class Job:
    """What one process measures: a side (updates, rendering or whole) of a preset, for so many episodes."""

    side: str = "whole"
    preset: str = "rad"
    episodes: int = 2
    frames: int = EPISODE_FRAMES  # between two evaluations; fewer than an episode has measure nothing


def run(episodes: int = 2, presets: tuple[str, ...] = PRESETS, frames: int = EPISODE_FRAMES) -> list[Row]:
    """Measure each preset, for `episodes` times `frames`.

    Returns:
        A row per preset: milliseconds per agent step of the updates alone, of rendering alone (the step of training and
        one of evaluation), of the whole run, and `ratio`, the whole over the larger of the two.
    """
    return [_row(preset, episodes, frames) for preset in presets]


def _row(preset: str, episodes: int, frames: int) -> Row:
    sides = ("updates", "rendering", "whole")
    ms = {side: process.measure("scripts.bench.overlap", Job(side, preset, episodes, frames))["ms"] for side in sides}
    ratio = ms["whole"] / max(ms["updates"], ms["rendering"])
    return {"preset": preset, "ratio": ratio, "target": TARGET, **{f"{side}_ms": ms[side] for side in sides}}


def work(job: Job) -> dict[str, float]:
    """Do a job in this process; return milliseconds per agent step."""
    import torch

    from rad.experiment.build import action_repeat
    from rad.experiment.presets import preset

    config: Any = dataclasses.replace(preset(job.preset, TASK), precision="fp32", threads=torch.get_num_threads())
    if job.side == "updates":
        size = sac.Job(side="fp32", preset=job.preset, action_dim=1, batch_size=config.agent.batch_size)
        timed = sac.time_updates(sac.library_update(size), size.warmup, size.pairs)
        return {"ms": timed["ms"] * config.updates_per_step}
    steps = job.frames // action_repeat(config)  # of an episode
    seconds = {"rendering": _rendering_s, "whole": _whole_s}[job.side](config, steps, job.episodes)
    return {"ms": 1e3 * seconds / (steps * job.episodes)}


def _rendering_s(config: Any, steps: int, episodes: int) -> float:
    """Time two episodes for each: one of training and one of evaluation."""
    from rad.experiment.build import make_env

    with contextlib.closing(make_env(config, "evaluation")) as env:
        env.reset()
        action = env.action_space.sample()
        env.step(action)
        start = time.perf_counter()
        for _ in range(2 * episodes * steps):
            env.step(action)
        return time.perf_counter() - start


def _whole_s(config: Any, steps: int, episodes: int) -> float:
    """Time training behind a first episode, with evaluations beside it, until the last of them has ended."""
    from rad.experiment.build import action_repeat
    from rad.experiment.config_file import to_json
    from rad.runtime.files import write_object
    from rad.runtime.run_dir import CONFIG_FILE
    from rad.training.trainer import Trainer

    marks: list[float] = []

    class Timed(Trainer):
        def record(self, report: Any, ended: Any) -> None:
            if report.agent_steps == (1 + episodes) * steps:
                self.evaluations.finish()
                marks.append(time.perf_counter())
            super().record(report, ended)
            if report.agent_steps == steps:
                marks.append(time.perf_counter())

    frames = steps * action_repeat(config)
    length = {"frames": (1 + episodes) * frames, "warmup_steps": steps - WARMUP}
    evaluations = {"eval_every": frames, "eval_episodes": 1, "eval_workers": 1}
    config = dataclasses.replace(config, **length, **evaluations, parallel_envs=True, checkpoint_every=0)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        write_object(Path(folder) / CONFIG_FILE, to_json(config))
        with Timed(config, Path(folder)) as trainer:
            trainer.run()
    return marks[1] - marks[0]
