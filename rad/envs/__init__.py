"""Environments: pixels in, actions out, as Gymnasium vector environments.

Tasks are named `<suite>/<name>`: `dmc/<domain>-<task>`, `gym/<id>`, `probe/<name>`,
`procgen/<game>`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from rad.envs.base import QUALITIES, check_size, refuse_scene_options
from rad.envs.dmc.appearances import Look
from rad.envs.pixel_env import PixelEnv
from rad.envs.procgen import env as procgen_suite
from rad.envs.procgen.native import IMAGE_SIZE
from rad.envs.procgen.options import ProcgenOptions
from rad.envs.workers import leave_signals_to_parent

_MODULES = {
    "dmc": "rad.envs.dmc.task",
    "gym": "rad.envs.gym",
    "probe": "rad.envs.probe",
    "procgen": "rad.envs.procgen.env",
}
SUITES = tuple(_MODULES)
DEFAULT_IMAGE_SIZE, DEFAULT_FRAME_STACK = 84, 3  # Table 3 of CURL (Srinivas et al. 2020)
_MAX_SEED = 2**32 - 1  # of NumPy's RandomState


def make(
    task: str,
    *,
    num_envs: int = 1,
    seed: int = 0,
    image_size: int | None = None,
    frame_stack: int | None = None,
    action_repeat: int | None = None,
    camera_id: int = 0,
    render_quality: str = "paper",
    parallel: bool = False,
    procgen: ProcgenOptions | None = None,
    look: Look | None = None,
) -> VectorEnv:
    """Make a vector environment of `num_envs` copies of a task.

    Observations: uint8 [N, 3K, H, W], K frames, oldest first. Actions: float32 [N, A] in [-1, 1], or int64
    [N] for a discrete task; NaN and infinity are refused, other values outside are clipped. Rewards: float64
    [N], the sum over the repeated simulator steps.

    The random state is seeded here, environment i with `seed + i`: `reset()` gives the same start as
    `reset(seed=seed)`, and later resets go on from there.

    An environment whose episode ends is reset in the same step. Then `infos` has, for the environments i with
    `infos["_" + key][i]` true (the other entries mean nothing):

    - `final_obs`: object array [N], the last observation of the episode, uint8 [3K, H, W]. Store this one,
      not the returned observation, which belongs to the next episode;
    - `episode`: `{"r": [N], "l": [N]}`, the return and the length in agent steps;
    - `is_success`: bool [N], whether the episode reached its goal; only where the suite tells;
    - `final_info`: the info of the last step, which holds the same `episode`.

    Returned arrays are copies (90 kB per environment and step at 100 px): they may be kept.
    `get_attr("action_repeat")`, `call("render_frame", size)` (uint8 [size, size, 3] each) and Gymnasium's
    vector wrappers work, except RecordEpisodeStatistics, whose keys are already there.

    A `procgen` task has no `final_obs` and no `final_info`, draws its levels in another way from `seed`, and has
    infos of its own: see `rad.envs.procgen.env.ProcgenEnv`.

    Args:
        task: `<suite>/<name>`, see `check_task`.
        num_envs: N, at least 1.
        seed: non-negative.
        image_size: H and W, px; None for `image_size_for(task)`. Procgen has 64 only.
        frame_stack: K, at least 1; None for `frame_stack_for(task)`.
        action_repeat: simulator steps per agent step, at least 1; None for `action_repeat_for(task)`. Procgen
            has 1 only.
        camera_id: a camera of the model, -1 for the free one (dmc only).
        render_quality: `paper`, `near` or `fast` (dmc only, see `rad.envs.dmc.task.DMCSimulator`).
        parallel: one process per environment instead of all in this one. Processes are spawned, so a script
            needs its `if __name__ == "__main__"`. Procgen has `num_threads` instead.
        procgen: options of a procgen task; None for the training levels of the mode easy.
        look: what is changed in the look of a dmc task; None for nothing. Episode e of an environment with seed s
            looks the same whenever it is played, and starts from the same state under any look.

    Raises:
        ValueError: If an argument is impossible; the text names it.
        ModuleNotFoundError: If a package that the task needs is missing.
        OSError: If no OpenGL back-end works.
    """
    check_task(task)
    size = image_size_for(task) if image_size is None else image_size
    stack = frame_stack_for(task) if frame_stack is None else frame_stack
    repeat = action_repeat_for(task) if action_repeat is None else action_repeat
    _check_numbers(num_envs, seed, stack, repeat)
    check_size("image_size", size)
    if render_quality not in QUALITIES:
        raise ValueError(f"unknown render_quality {render_quality!r}; known: {', '.join(QUALITIES)}")
    if suite_of(task) == "procgen":
        _refuse_for_procgen(size, repeat, camera_id, render_quality, parallel)
        name = task.partition("/")[2]
        return procgen_suite.ProcgenEnv(name, num_envs, seed, stack, procgen or ProcgenOptions())
    if procgen is not None:
        raise ValueError(f"procgen options have no meaning for {task}; allowed: None")
    if look is not None and suite_of(task) != "dmc":
        raise ValueError(f"look {look.split.name} has no meaning for {task}; allowed: None")
    scene = (size, camera_id, render_quality)
    own = {} if look is None else {"look": look}
    builders = [partial(_make_one, task, seed + i, scene, own, stack, repeat) for i in range(num_envs)]
    if parallel:
        return AsyncVectorEnv(builders, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP)
    return SyncVectorEnv(builders, autoreset_mode=AutoresetMode.SAME_STEP)


def suite_of(task: str) -> str:
    """Return the suite that a task's name begins with, known or not."""
    return task.partition("/")[0]


def check_task(task: str) -> None:
    """Raise a ValueError with the known names unless `task` is one; draws nothing and builds no model."""
    suite, name = _split(task)
    suite.check(name)


def action_repeat_for(task: str) -> int:
    """Return the default action repeat of a task: the papers' for dmc, 1 elsewhere."""
    suite, name = _split(task)
    return int(suite.action_repeat(name))


def image_size_for(task: str) -> int:
    """Return the default side of an image, px: what Procgen draws, and 84 elsewhere."""
    return IMAGE_SIZE if suite_of(task) == "procgen" else DEFAULT_IMAGE_SIZE


def frame_stack_for(task: str) -> int:
    """Return the default number of stacked frames: 1 for procgen, and 3 elsewhere."""
    return procgen_suite.FRAME_STACK if suite_of(task) == "procgen" else DEFAULT_FRAME_STACK


def task_names(suite: str) -> tuple[str, ...]:
    """Return the full names of a suite's tasks.

    Raises:
        ValueError: If the suite is unknown.
    """
    return tuple(f"{suite}/{name}" for name in _module(suite, suite).names())


def env_state(venv: VectorEnv) -> dict[str, Any]:
    """Return the state of an environment from `make`, between two steps, for an exact resume.

    It holds, per environment, the random state at the start of the running episode and the actions since (for
    procgen: the simulator's own state), as plain values and arrays; episode statistics follow from them. Model
    and settings are not in it: make the environment anew with the same arguments.
    """
    pool: Any = venv
    return {"envs": list(pool.get_attr("resume_state"))}


def load_env_state(venv: VectorEnv, state: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Set what `env_state` returned: reset, replay the actions undrawn, draw the frames of the present stack.

    What follows is bit-identical to the run that was saved, given the same versions of the simulator.

    Returns:
        The present observations, uint8 [N, 3K, H, W]; zeros where no episode had started.

    Raises:
        ValueError: If the state is of another number of environments, task or action repeat; for procgen also of
            other options or another version, or damaged.
    """
    states = list(state["envs"])
    if len(states) != venv.num_envs:
        raise ValueError(f"the state holds {len(states)} environments; allowed: {venv.num_envs}, as was made")
    pool: Any = venv
    pool.set_attr("resume_state", states)
    return np.stack(pool.get_attr("observation"))


def _make_one(
    task: str, seed: int, scene: tuple[int, int, str], own: dict[str, Look], frame_stack: int, action_repeat: int
) -> PixelEnv:
    leave_signals_to_parent()
    suite, name = _split(task)
    return PixelEnv(suite.build(name, *scene, seed, **own), frame_stack, action_repeat, seed)


def _refuse_for_procgen(size: int, repeat: int, camera_id: int, render_quality: str, parallel: bool) -> None:
    refuse_scene_options("procgen", camera_id, render_quality)
    fixed = {
        "image_size": (size, IMAGE_SIZE),
        "action_repeat": (repeat, 1),
        "parallel": (parallel, False),
    }
    for name, (came, allowed) in fixed.items():
        if came != allowed:
            raise ValueError(f"{name} {came} is impossible for procgen tasks; allowed: {allowed}")


def _split(task: str) -> tuple[Any, str]:
    suite, _, name = task.partition("/")
    return _module(suite, task), name


def _module(suite: str, task: str) -> Any:
    if suite not in _MODULES:
        raise ValueError(f"unknown suite of task {task!r}; known: {', '.join(SUITES)}, as in dmc/walker-walk")
    return importlib.import_module(_MODULES[suite])


def _check_numbers(num_envs: int, seed: int, frame_stack: int, action_repeat: int | None) -> None:
    counts = {"num_envs": num_envs, "frame_stack": frame_stack, "action_repeat": action_repeat}
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ValueError(f"{name} {count} is impossible; allowed: 1 and more")
    if not 0 <= seed <= _MAX_SEED - num_envs:
        raise ValueError(f"seed {seed} is impossible; allowed: 0 to {_MAX_SEED - num_envs}")
