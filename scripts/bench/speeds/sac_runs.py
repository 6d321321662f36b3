"""Whole runs of SAC on cartpole-swingup, evaluations apart: the presets, the plain eager version, another library."""

import itertools
import sys
from importlib.util import find_spec
from typing import Any

from scripts.bench import Row, minutes, process
from scripts.bench.compared import NOT_INSTALLED, installed
from scripts.bench.sac import native_precisions
from scripts.bench.speeds.measured import Measured, rounds_within, rows_of

LIMIT_S = 300.0
OTHERS = ("eager", "stable-baselines3")


def measure(repeats: int, short: bool = False) -> list[Measured]:
    """Measure each side in a fresh process: `frames_per_s`, and of the library `evaluation_frames_per_s`."""
    if find_spec("dm_control") is None:
        return [Measured({"side": minutes.TASK, "precision": "", "missing": f"dm_control {NOT_INSTALLED}"}, [])]
    steps: Any = {"warmup_steps": 3, "steps": 3} if short else {}
    ours = itertools.product(["lean"] if short else minutes.PRESETS, native_precisions())
    jobs = [minutes.Job(side, precision, **steps) for side, precision in [*ours, *((side, "fp32") for side in OTHERS)]]
    here = [job for job in jobs if installed(job.side)]
    absent = [
        {"side": job.side, "precision": job.precision, "missing": NOT_INSTALLED} for job in jobs if job not in here
    ]
    rows = rows_of(rounds_within(LIMIT_S, repeats, lambda: [_row(job) for job in here]))
    return [*rows, *(Measured(labels, []) for labels in absent)]


def _row(job: minutes.Job) -> Row:
    print(f"{minutes.TASK}, {job.side} in {job.precision}", file=sys.stderr, flush=True)
    return {"side": job.side, "precision": job.precision, **process.measure("scripts.bench.minutes", job)}
