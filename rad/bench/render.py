"""How long a frame takes in each render quality, and how far it is from the paper's picture."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from rad.envs.dmc import DMCSimulator
from rad.envs.simulator import QUALITIES, Frame

TASKS = ("cartpole-swingup", "walker-walk", "cheetah-run")

Row = dict[str, str | float]


def run(tasks: tuple[str, ...] = TASKS, size: int = 84, frames: int = 40) -> list[Row]:
    """Draw the same states in all qualities, turn by turn.

    Args:
        tasks: `<domain>-<task>` of dm_control's suite.
        size: height and width of a frame, px.
        frames: frames that are timed, per task and quality; the first one, which builds the scene, comes before.

    Returns:
        One row per task and quality: `task`, `quality`, `ms_per_frame` (median wall time of drawing alone),
        `mean_abs_diff_255` (mean difference of a pixel value from `paper`, of 255) and `speedup` over `paper`.
    """
    return [row for task in tasks for row in _rows(task, size, frames)]


def _rows(task: str, size: int, frames: int) -> list[Row]:
    simulators = {quality: DMCSimulator(task, size, 0, quality, seed=0) for quality in QUALITIES}
    times: dict[str, list[float]] = {quality: [] for quality in QUALITIES}
    differences: dict[str, list[float]] = {quality: [] for quality in QUALITIES}
    for simulator in simulators.values():
        simulator.begin()
        simulator.frame()
    for action in _actions(simulators["paper"], frames):
        truth = np.zeros(())
        for quality, simulator in simulators.items():
            simulator.advance(action)
            drawn, seconds = _timed_frame(simulator)
            truth = drawn.astype(np.float64) if quality == "paper" else truth
            times[quality].append(seconds)
            differences[quality].append(float(np.abs(drawn - truth).mean()))
    for simulator in simulators.values():
        simulator.close()
    return [_row(task, quality, times, differences) for quality in QUALITIES]


def _actions(simulator: DMCSimulator, count: int) -> Any:
    shape = simulator.action_space.shape or ()
    return np.random.default_rng(0).uniform(-1.0, 1.0, (count, *shape)).astype(np.float32)


def _timed_frame(simulator: DMCSimulator) -> tuple[Frame, float]:
    start = time.perf_counter()
    frame = simulator.frame()
    return frame, time.perf_counter() - start


def _row(task: str, quality: str, times: dict[str, list[float]], differences: dict[str, list[float]]) -> Row:
    seconds = float(np.median(times[quality]))
    return {
        "task": f"dmc/{task}",
        "quality": quality,
        "ms_per_frame": 1000.0 * seconds,
        "mean_abs_diff_255": float(np.mean(differences[quality])),
        "speedup": float(np.median(times["paper"])) / seconds,
    }
