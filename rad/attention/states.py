"""States to compare runs on: the same moments of a task, from episodes of all runs, as each of the runs sees them."""

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rad.evaluation.loaded_run import LoadedRun, policy_of
from rad.experiment.build import action_repeat, make_env, tells_robot, view_of
from rad.experiment.config import RunConfig
from rad.experiment.splits import levels_of
from rad.runtime.seeding import seed_for
from rad.settings import SettingError


class Episodes(NamedTuple):
    """What a run did, so that it can be replayed."""

    seed: int  # of the environment
    actions: list[NDArray[Any]]  # [1, ...] each, one per agent step, from the first reset on
    rewards: list[float]  # one per agent step
    ends: list[int]  # numbers of the steps that ended an episode
    fps: float  # agent steps per second at the speed of the simulator


class ObjectStates(NamedTuple):
    """How moments would look with one object changed at a time."""

    names: tuple[str, ...]  # of the objects
    masks: NDArray[np.bool_]  # bool [B, O, H, W], which pixels of the newest frame show it; each shows one at most
    obs: NDArray[np.uint8]  # uint8 [B, O, C, H, W], changed in every frame of the stack


class States(NamedTuple):
    """Moments as one run sees them."""

    obs: NDArray[np.uint8]  # uint8 [B, C, H, W], as the environment gives them
    # Bool [B, H, W], the robot's pixels in the newest frame; None where the suite cannot tell.
    masks: NDArray[np.bool_] | None
    objects: ObjectStates | None = None  # on request


def collect_states(
    runs: Sequence[LoadedRun],
    size: int,
    seed: int,
    split: str,
    change: str = "",
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> list[States]:
    """Play each run, and show the states of all of them to every run; `check_alike` says which runs allow it.

    An equal share of the states is from each run, evenly spread over its steps; the first runs give one more where the
    number does not divide. The seed is of the initial states and of sampled actions. With a `change`, as of
    `rad.envs.base.Simulator.object_frames`, the states are also drawn with each object changed. `tell` is called with a
    line about each run as it is played.

    Returns:
        For each run the same states in the same order: those of the first run's episodes, then the second's.
    """
    shares = [size // len(runs) + (number < size % len(runs)) for number in range(len(runs))]
    parts: list[list[States]] = [[] for _ in runs]
    for number, (run, share) in enumerate(zip(runs, shares)):
        tell(f"states from run {number + 1} of {len(runs)}")
        episodes = play_episodes(run, share, seed_for(seed, f"bank {number}", bits=31), split)
        steps = [int((i + 0.5) * len(episodes.actions) / share) for i in range(share)]  # evenly spread
        seen: dict[Hashable, States] = {}  # agents that see alike, as seeds of a method do, need one replay
        for part, viewer in zip(parts, runs):
            view = view_of(viewer.config)
            if view not in seen:
                seen[view] = replay(viewer.config, episodes, steps, split, change)
            part.append(seen[view])
    return [_joined(part) for part in parts]


def check_alike(configs: Sequence[RunConfig], split: str) -> None:
    """Check that runs can be shown the same states.

    Raises:
        SettingError: they differ in what is simulated.
    """
    settings: dict[str, list[str]] = {
        "task": [config.task for config in configs],
        "action_repeat": [str(action_repeat(config)) for config in configs],
        "camera_id": [str(config.camera_id) for config in configs],
        f"the levels of split {split}": [levels_of(config, split) for config in configs],
        "options": [str(config.suite.scene()) for config in configs],
    }
    for name, values in settings.items():
        if len(different := dict.fromkeys(values)) > 1:
            raise SettingError("RUN", f"runs differ in {name}: {', '.join(different)}; allowed: one for all")


def play_episodes(run: LoadedRun, least_steps: int, seed: int, split: str) -> Episodes:
    """Play whole episodes of a run's own policy until there are enough agent steps, and at least one episode."""
    config = dataclasses.replace(run.config, seed=seed)
    env: Any = make_env(config, "bank", split=split)
    actions: list[NDArray[Any]] = []
    rewards: list[float] = []
    ends: list[int] = []
    with closing(env):
        policy = policy_of(run.agent, config.eval_policy, seed)
        obs, _ = env.reset()
        fps = env.get_attr("metadata")[0]["render_fps"]
        while not ends or ends[-1] + 1 < least_steps:
            actions.append(policy(obs))
            obs, reward, terminated, truncated, _ = env.step(actions[-1])
            rewards.append(float(reward[0]))
            if terminated[0] or truncated[0]:
                ends.append(len(rewards) - 1)
    return Episodes(seed, actions, rewards, ends, fps)


def replay(config: RunConfig, episodes: Episodes, steps: Sequence[int], split: str, change: str = "") -> States:
    """Replay the actions of another run, and return what this run would have seen before each of some steps, in order.

    Raises:
        RuntimeError: the rewards differ, and so would the states.
    """
    env: Any = make_env(dataclasses.replace(config, seed=episodes.seed), "bank", split=split)
    obs_of: list[NDArray[np.uint8]] = []
    masks: list[NDArray[np.bool_]] = []
    changed: dict[int, Any] = {}  # by step
    shown = frozenset(steps)
    with closing(env):
        obs, _ = env.reset()
        stacks = {step: stack_of(step, episodes.ends, obs.shape[1] // 3) for step in steps} if change else {}
        redrawn = {moment for stack in stacks.values() for moment in stack}
        for step, (action, reward) in enumerate(zip(episodes.actions, episodes.rewards)):
            if step in shown:
                obs_of.append(obs[0])
                masks.extend([env.call("robot_mask")[0]] if tells_robot(config) else [])
            if step in redrawn:
                changed[step] = env.call("object_frames", change)[0]
            obs, rewards, _, _, _ = env.step(action)
            if float(rewards[0]) != reward:
                raise RuntimeError(f"step {step} gave a reward of {rewards[0]} where it was {reward} before")
    objects = _object_states([[changed[moment] for moment in stack] for stack in stacks.values()]) if change else None
    return States(np.stack(obs_of), np.stack(masks) if masks else None, objects)


def stack_of(step: int, ends: Iterable[int], frame_stack: int) -> list[int]:
    """Return the steps before which the frames of an observation were drawn, oldest first.

    The observation is that before `step`; `ends` are the steps that ended an episode. A frame from before its episode
    is the episode's first.

    Example:
        >>> stack_of(6, [4, 9], 3)
        [5, 5, 6]
    """
    start = max((end + 1 for end in ends if end < step), default=0)
    return [max(start, step - age) for age in reversed(range(frame_stack))]


def _object_states(stacks: Sequence[Sequence[Any]]) -> ObjectStates:
    """Put the `ObjectFrames` of each state, oldest first, into stacks."""
    newest = [stack[-1] for stack in stacks]
    obs = [np.concatenate([drawn.frames for drawn in stack], axis=1) for stack in stacks]
    return ObjectStates(newest[0].names, np.stack([drawn.masks for drawn in newest]), np.stack(obs))


def _joined(parts: Sequence[States]) -> States:
    masks = [part.masks for part in parts if part.masks is not None]
    changed = [part.objects for part in parts if part.objects is not None]
    objects = None
    if changed:
        seen, obs = (np.concatenate([getattr(part, name) for part in changed]) for name in ("masks", "obs"))
        objects = ObjectStates(changed[0].names, seen, obs)
    return States(np.concatenate([part.obs for part in parts]), np.concatenate(masks) if masks else None, objects)
