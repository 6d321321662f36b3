"""A whole run, evaluations included, against its updates alone and its rendering alone: how well they overlap.

The environment and the evaluations have processes of their own. Each side runs in a fresh process.
"""

import contextlib
import dataclasses
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.bench import Row, process, sac

TASK = "dmc/cartpole-swingup"
PRESETS = ("rad", "lean")
EPISODE_FRAMES = 1_000  # of the task: an evaluation of one follows on as many frames of training
TARGET = 1.1  # on two cores
WARMUP = 10  # updates that are not timed


@dataclass(frozen=True)
class Job:
    """What one process measures.

    Attributes:
        side: updates, rendering or whole.
        preset: of the run.
        episodes: as long as so many episodes, with an evaluation of one episode for each.
    """

    side: str = "whole"
    preset: str = "rad"
    episodes: int = 2


def run(episodes: int = 2) -> list[Row]:
    """Measure each preset.

    Returns:
        A row per preset: milliseconds per agent step of the updates alone, of rendering alone (the step of training and
        one of evaluation), of the whole run, and `ratio`, the whole over the larger of the two.
    """
    return [_row(preset, episodes) for preset in PRESETS]


def _row(preset: str, episodes: int) -> Row:
    sides = ("updates", "rendering", "whole")
    ms = {side: process.measure("scripts.bench.overlap", Job(side, preset, episodes))["ms"] for side in sides}
    ratio = ms["whole"] / max(ms["updates"], ms["rendering"])
    return {"preset": preset, "ratio": ratio, "target": TARGET, **{f"{side}_ms": ms[side] for side in sides}}


def work(job: Job) -> dict[str, float]:
    """Do a job in this process; return milliseconds per agent step."""
    return {"ms": {"updates": updates_ms, "rendering": rendering_ms, "whole": whole_ms}[job.side](job)}


def updates_ms(job: Job) -> float:
    """Time the updates of an agent step, on a replay that is filled."""
    size = sac.Job(side="fp32", preset=job.preset, action_dim=1, batch_size=_config(job).agent.batch_size)
    timed = sac.time_updates(sac.library_update(size), size.warmup, size.pairs)
    return timed["ms"] * _config(job).updates_per_step


def rendering_ms(job: Job) -> float:
    """Time two steps of an environment, one of training and one of evaluation."""
    from rad.experiment.build import make_env

    with closing(make_env(_config(job), "evaluation")) as env:
        env.reset()
        action = env.action_space.sample()
        env.step(action)
        steps, start = job.episodes * _steps(job), time.perf_counter()
        for _ in range(steps):
            env.step(action)
    return 2 * 1e3 * (time.perf_counter() - start) / steps


def whole_ms(job: Job) -> float:
    """Time training from its first update on, with evaluations beside it, until the last of them has ended."""
    from rad.experiment.config_file import to_json
    from rad.runtime.files import write_object
    from rad.runtime.run_dir import CONFIG_FILE
    from rad.training.trainer import Trainer

    marks: list[float] = []
    first, steps = _steps(job), job.episodes * _steps(job)

    class Timed(Trainer):
        """Note the times behind the first episode, when an evaluation begins, and behind the others."""

        def _record(self, report: Any) -> None:
            if report.agent_steps == first + steps:
                self.evaluations.finish()
                marks.append(time.perf_counter())
            super()._record(report)
            if report.agent_steps == first:
                marks.append(time.perf_counter())

    length = {"frames": (1 + job.episodes) * EPISODE_FRAMES, "warmup_steps": first - WARMUP}
    evaluations = {"eval_every": EPISODE_FRAMES, "eval_episodes": 1, "eval_workers": 1}
    config = dataclasses.replace(
        _config(job), **length, **evaluations, parallel_envs=True, checkpoint_every=0, tensorboard=False
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        write_object(Path(folder) / CONFIG_FILE, to_json(config))
        with Timed(config, Path(folder)) as timed:
            timed.run()
    return 1e3 * (marks[1] - marks[0]) / steps


def _config(job: Job) -> Any:
    import torch

    from rad.experiment.presets import preset

    return dataclasses.replace(preset(job.preset, TASK), precision="fp32", threads=torch.get_num_threads())


def _steps(job: Job) -> int:
    from rad.experiment.build import action_repeat

    return EPISODE_FRAMES // action_repeat(_config(job))
