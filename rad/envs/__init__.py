"""Environments: pixels in, actions out, as Gymnasium vector environments.

Tasks are named `<suite>/<name>`: `dmc/<domain>-<task>`, `gym/<id>`, `probe/<name>`, `procgen/<game>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rad.envs.checks import require, require_between, require_known
from rad.envs.options import SuiteOptions
from rad.envs.suites import DEFAULT_IMAGE_SIZE, check_scene, name_in_suite, suite_of
from rad.settings import SettingError, setting

# gymnasium is imported where environments are made, so that the table of the suites can be read without it.
if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

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
    options: SuiteOptions | None = None,
    split: Any = None,
    num_threads: int = 0,
    groups: int = 1,
) -> VectorEnv:
    """Make a vector environment of `num_envs` copies of a task.

    Observations: uint8 [N, 3K, H, W], K frames, oldest first. Actions: float32 [N, A] in [-1, 1], or int64
    [N] for a discrete task; NaN and infinity are refused, other values outside are clipped. Rewards: float64
    [N], the sum over the repeated simulator steps.

    The random state is seeded here, environment i with `seed + i`: `reset()` gives the same start as
    `reset(seed=seed)`, and later resets continue from there.

    An environment whose episode ends is reset in the same step. Then `infos` has, for the environments i with
    `infos["_" + key][i]` true (the other entries are unused):

    - `final_obs`: object array [N], the last observation of the episode, uint8 [3K, H, W]. Store this one, not the
      returned observation, which belongs to the next episode;
    - `episode`: `{"r": [N], "l": [N]}`, the return and the length in agent steps;
    - `is_success`: bool [N], whether the episode reached its goal; only where the suite tells;
    - `final_info`: the info of the last step, which holds the same `episode`.

    A step has two halves, `step_async(action)` and `step_wait()`, between which processes simulate (see `parallel`).

    Returned arrays are copies (90 kB per environment and step at 100 px): they may be kept.
    `get_attr("action_repeat")`, `call("render_frame", size)` (uint8 [size, size, 3] each) and Gymnasium's
    vector wrappers work, except RecordEpisodeStatistics, whose keys are already there.

    A `procgen` task has no `final_obs` and no `final_info`, draws its levels in another way from `seed`, and has other
    infos: see `rad.envs.procgen.env.ProcgenEnv`.

    Args:
        task: `<suite>/<name>`, see `check_task`.
        num_envs: N, at least 1.
        seed: non-negative.
        image_size: H and W, px; None for the only one of the suite, or 84. Other arguments with one value in a suite
            are listed in `rad.envs.suites`.
        frame_stack: K, at least 1; None for the suite's.
        action_repeat: simulator steps per agent step, at least 1; None for `action_repeat_for(task)`.
        camera_id: a camera of the model, -1 for the free one (dmc only).
        render_quality: `paper`, `near` or `fast` (dmc only, see `rad.envs.dmc.task.DMCSimulator`).
        parallel: one process per environment instead of all in this one. Processes are spawned, so a script
            needs its `if __name__ == "__main__"`. Procgen has `num_threads` instead.
        options: of the suite, such as `ProcgenOptions`; None for its defaults.
        split: what the suite's `split` returned; None for the task as it is, or the levels to train on. In dmc an
            appearance: it and the initial state of an episode follow from the environment's seed and the episode's
            index, and the initial state is the same in all.
        num_threads: native threads of a suite that steps all environments in one call; 0 for the caller's.
        groups: at least 1; several make a `rad.envs.pools.Grouped` of as many vector environments, at most `num_envs`,
            of sizes that differ by one at most. Environment i is the same then, and env_state too.

    Raises:
        SettingError: an argument is impossible.
        ModuleNotFoundError: a package that the task needs is missing.
        OSError: no OpenGL back-end works.
    """
    from rad.envs.base import MAX_SIZE, QUALITIES
    from rad.envs.pixel_env import make_env
    from rad.envs.pools import make_native, make_pool

    check_task(task)
    suite, options = suite_of(task), options or suite_of(task).options()
    size = suite.only.get("image_size", DEFAULT_IMAGE_SIZE) if image_size is None else image_size
    stack = suite.frame_stack if frame_stack is None else frame_stack
    repeat = action_repeat_for(task) if action_repeat is None else action_repeat
    _check_numbers(num_envs, seed, stack, repeat, num_threads)
    require_between("groups", groups, 1)
    require_between("image_size", size, 1, MAX_SIZE)
    require_known("render_quality", render_quality, QUALITIES)
    scene = {"camera_id": camera_id, "render_quality": render_quality, "split": split}
    check_scene(task, image_size=size, action_repeat=repeat, parallel=parallel, **scene)
    if type(options) is not suite.options:
        raise SettingError("options", options, f"{suite.options.__name__} for {task}")
    options.check(name_in_suite(task))
    if suite.steps_all:
        name, rest = name_in_suite(task), (seed, stack, options, split, num_threads)
        return make_native(lambda count: suite.load().make(name, count, *rest), num_envs, groups)
    scene = {name: value for name, value in scene.items() if name not in suite.only}
    if suite.options is not SuiteOptions:
        scene["options"] = options
    # A process that runs one environment gets the module of the suite, which its own table may lack.
    build = partial(make_env, suite.module, name_in_suite(task))
    return make_pool([partial(build, size, seed + i, scene, stack, repeat) for i in range(num_envs)], parallel, groups)


def check_task(task: str) -> None:
    """Raise a SettingError with the known names unless `task` is one; draws nothing and builds no model."""
    module, name = suite_of(task).load(), name_in_suite(task)
    with setting("task"):
        if hasattr(module, "check"):
            module.check(name)
        else:
            require_known("task", name, module.names(), prefix=f"{task.partition('/')[0]}/")


def action_repeat_for(task: str) -> int:
    """Return the default action repeat of a task: the papers' for dmc, 1 elsewhere."""
    module = suite_of(task).load()
    return int(module.action_repeat(name_in_suite(task))) if hasattr(module, "action_repeat") else 1


def task_names(suite: str) -> tuple[str, ...]:
    """Return the full names of a suite's tasks.

    Raises:
        SettingError: the suite is unknown.
    """
    return tuple(f"{suite}/{name}" for name in suite_of(suite).load().names())


def renderer(task: str, venv: VectorEnv) -> str:
    """Return vendor and name of the OpenGL renderer of an environment from `make`; empty for suites that have none."""
    pool: Any = venv
    return "" if suite_of(task).steps_all else str(pool.get_attr("renderer")[0])


def env_state(venv: VectorEnv) -> dict[str, Any]:
    """Return the state of an environment from `make`, between two steps, for an exact resume.

    It holds, per environment, the random state at the start of the running episode and the actions since (for procgen
    the simulator's state), as plain values and arrays. Model and settings are not in it: make the environment with the
    same arguments.
    """
    pool: Any = venv
    return {"envs": list(pool.get_attr("resume_state"))}


def load_env_state(venv: VectorEnv, state: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Set what `env_state` returned: reset, replay the actions undrawn, draw the frames of the current stack.

    Later steps are bit-identical to the saved run's, given the same version of the simulator.

    Returns:
        The current observations, uint8 [N, 3K, H, W]; zeros where no episode had started.

    Raises:
        ValueError: the state is of another number of environments, task or action repeat; for procgen also of other
            options or another version, or damaged.
    """
    states = list(state["envs"])
    require(len(states) == venv.num_envs, "environments of the state", str(venv.num_envs), len(states))
    pool: Any = venv
    pool.set_attr("resume_state", states)
    return np.stack(pool.get_attr("observation"))


def _check_numbers(num_envs: int, seed: int, frame_stack: int, action_repeat: int, num_threads: int) -> None:
    require_between("num_envs", num_envs, 1)
    require_between("frame_stack", frame_stack, 1)
    require_between("action_repeat", action_repeat, 1)
    require_between("num_threads", num_threads, 0)
    require_between("seed", seed, 0, _MAX_SEED - num_envs)
