"""How long a frame takes in each quality and before videos, and how far a quality is from the paper's picture."""

from __future__ import annotations

import time

import numpy as np

from rad.envs.base import QUALITIES, Frame
from rad.envs.dmc.appearances import SPLITS, TRAIN, Appearance
from rad.envs.dmc.task import DMCSimulator
from scripts.bench import Row

TASKS = ("cartpole-swingup", "walker-walk", "cheetah-run")
SHOWN = (TRAIN, "video-easy", "video-hard")
PAPER = (TRAIN, "paper")

Scene = tuple[str, str]
"""Names of a split and of a render quality."""


def run(tasks: tuple[str, ...] = TASKS, size: int = 84, frames: int = 40) -> list[Row]:
    """Draw the same states in all qualities and on all splits, turn by turn.

    Tasks are `<domain>-<task>` of dm_control's suite, frames `size` pixels high and wide. `frames` of them are timed
    per task and scene; the first one, which builds the scene, comes before.

    Returns:
        One row per task, split and quality: `task`, `split`, `quality`, `ms_per_frame` (median wall time of drawing
        alone, with the video's frame), `speedup` over the unchanged task in `paper`, and `ratio_to_train`, the
        speed relative to that of `train` in the same quality. For `train` also `mean_abs_diff_255`, the mean
        difference of a pixel value from `paper`, of 255.
    """
    return [row for task in tasks for row in _rows(task, size, frames)]


def _rows(task: str, size: int, frames: int) -> list[Row]:
    scenes = [(split, quality) for split in SHOWN for quality in QUALITIES]
    simulators = {scene: _simulator(task, size, *scene) for scene in scenes}
    times: dict[Scene, list[float]] = {scene: [] for scene in scenes}
    differences: dict[Scene, list[float]] = {scene: [] for scene in scenes}
    shape = (frames, *(simulators[PAPER].action_space.shape or ()))
    for step, action in enumerate(np.random.default_rng(0).uniform(-1.0, 1.0, shape).astype(np.float32)):
        truth = np.zeros(())
        for scene, simulator in simulators.items():
            simulator.advance(action)
            drawn, seconds = _timed_frame(simulator, step)
            truth = drawn.astype(np.float64) if scene == PAPER else truth
            times[scene].append(seconds)
            differences[scene].append(float(np.abs(drawn - truth).mean()))
    for simulator in simulators.values():
        simulator.close()
    medians = {scene: float(np.median(values)) for scene, values in times.items()}
    return [_row(task, scene, medians, differences) for scene in scenes]


def _simulator(task: str, size: int, split: str, quality: str) -> DMCSimulator:
    appearance = None if split == TRAIN else Appearance(SPLITS[split])
    simulator = DMCSimulator(task, size, 0, render_quality=quality, split=appearance)
    simulator.begin()
    _timed_frame(simulator, 0)
    return simulator


def _timed_frame(simulator: DMCSimulator, step: int) -> tuple[Frame, float]:
    start = time.perf_counter()
    simulator.show(0, 0, step)
    frame = simulator.frame()
    return frame, time.perf_counter() - start


def _row(task: str, scene: Scene, medians: dict[Scene, float], differences: dict[Scene, list[float]]) -> Row:
    split, quality = scene
    row: Row = {
        "task": f"dmc/{task}",
        "split": split,
        "quality": quality,
        "ms_per_frame": 1000.0 * medians[scene],
        "speedup": medians[PAPER] / medians[scene],
        "ratio_to_train": medians[TRAIN, quality] / medians[scene],
    }
    return row | ({"mean_abs_diff_255": float(np.mean(differences[scene]))} if split == TRAIN else {})
