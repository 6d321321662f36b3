"""From a simulator to the environment that agents see: repeated actions, stacked frames, exact resume."""

from __future__ import annotations

import importlib
import multiprocessing
import signal
import warnings
from collections import deque
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rad.envs.base import (
    MAX_SIZE,
    Frame,
    Mask,
    ObjectFrames,
    Simulator,
    check_action,
    random_state,
    set_random_state,
)
from rad.envs.checks import require, require_between

GRACE_S = 30  # what job schedulers leave between SIGTERM and SIGKILL


class PixelEnv(gymnasium.Env[Frame, Any]):
    """Gymnasium environment over a `Simulator`.

    Observation: uint8 [3K, H, W], the last K = `frame_stack` frames, oldest first; at the start the first one K times.
    An action is repeated for `action_repeat` simulator steps, or fewer where the episode ends in between; the reward is
    the sum over these steps, and only the last one is drawn.

    `reset(seed=None)` continues the random state, which the constructor seeded: so the first reset is that of
    `reset(seed=seed)`. Where an episode has ended, `info["episode"]` holds `r`, the return, and `l`, the length in
    agent steps: in the info of its last step, and again in that of the next reset, so that it is at the top level of a
    vector environment's infos. So is `is_success` where the suite has it.
    """

    render_mode = "rgb_array"

    def __init__(self, simulator: Simulator, frame_stack: int, action_repeat: int, seed: int) -> None:
        self.simulator = simulator
        self.action_repeat = action_repeat
        self.action_space = simulator.action_space
        self._shape = (3 * frame_stack, simulator.size, simulator.size)
        self.observation_space = gymnasium.spaces.Box(0, 255, self._shape, np.uint8)
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": simulator.fps / action_repeat}
        self._frame_stack = frame_stack
        self._frames: deque[Frame] = deque(maxlen=frame_stack)
        self._seed_with(seed)
        self._forget()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frame, dict[str, Any]]:
        """Start an episode; there are no options."""
        super().reset(seed=seed)
        info = self._episode_info() if self._over and self._actions else {}
        if seed is not None:
            self._seed_with(seed)
        self._begin()
        self._fill()
        return self.observation, info

    def step(self, action: Any) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        """Do one agent step.

        Raises:
            ValueError: the action is not finite, has another shape, or is outside a discrete space.
            RuntimeError: no episode is running.
        """
        if self._over:
            raise RuntimeError("no episode is running; call reset() first")
        reward, terminated, truncated = self._advance(check_action(action, self.simulator.action_space))
        self._frames.append(self._draw())
        return self.observation, reward, terminated, truncated, self._episode_info() if self._over else {}

    @property
    def observation(self) -> Frame:
        """The current observation, uint8 [3K, H, W]; zeros before the first reset."""
        if not self._frames:
            return np.zeros(self._shape, np.uint8)
        return np.concatenate(self._frames)

    def render(self) -> Frame:
        """Return the newest frame, uint8 [H, W, 3].

        Raises:
            RuntimeError: there was no reset yet.
        """
        if not self._frames:
            raise RuntimeError("nothing to render yet; call reset() first")
        return np.ascontiguousarray(self._frames[-1].transpose(1, 2, 0))

    def render_frame(self, size: int = 240) -> Frame:
        """Draw the current state at `size` px, uint8 [size, size, 3], without disturbing the episode.

        Raises:
            ValueError: `size` is impossible.
        """
        require_between("size", size, 1, MAX_SIZE)
        return np.ascontiguousarray(self.simulator.frame(size).transpose(1, 2, 0))

    @property
    def renderer(self) -> str:
        """Vendor and name of the OpenGL renderer that draws the frames, if the simulator knows one; else empty."""
        return getattr(self.simulator, "renderer", "")

    def robot_mask(self) -> Mask:
        """Tell of each pixel of the newest frame whether it shows the robot, as `Simulator.robot_mask`: bool [H, W]."""
        return self.simulator.robot_mask()

    def object_frames(self, change: str = "removed") -> ObjectFrames:
        """Draw the newest frame with one object changed at a time, as `Simulator.object_frames`."""
        return self.simulator.object_frames(change)

    def close(self) -> None:
        """Free the simulator. Safe to call twice."""
        self.simulator.close()

    @property
    def resume_state(self) -> dict[str, Any]:
        """State for an exact resume: the random state at the start of the episode and the actions since.

        Setting it resets and replays, drawing only the frames of the current stack where drawing changes nothing. A
        replay with another return (another version of the simulator) gives a warning.

        Raises:
            ValueError: on setting, the state is of another task or action repeat.
        """
        return {
            "task": self.simulator.task,
            "action_repeat": self.action_repeat,
            "random": self._random_at_start,
            "seed": self._seed,
            "episode": self._episode,
            "started": bool(self._frames),
            "actions": np.array(self._actions),  # [t, A] or [t]
            "episode_return": self._return,
        }

    @resume_state.setter
    def resume_state(self, state: Mapping[str, Any]) -> None:
        for name, value in (("task", self.simulator.task), ("action_repeat", self.action_repeat)):
            require(state[name] == value, f"{name} of the state", repr(value), state[name])
        set_random_state(self.simulator.random, state["random"])
        self._frames.clear()
        self._forget()
        # The replay begins the episode again.
        self._seed, self._episode = state["seed"], state["episode"] - int(state["started"])
        if state["started"]:
            self._replay(state["actions"])
        if self._return != state["episode_return"]:
            text = "differs from the saved one: the run continues, but not bit-exactly"
            warnings.warn(f"the replayed episode of {state['task']} {text}", stacklevel=2)

    def _seed_with(self, seed: int) -> None:
        self.simulator.random.seed(seed)
        self._seed, self._episode = seed, -1

    def _forget(self) -> None:
        self._random_at_start = random_state(self.simulator.random)
        self._actions: list[Any] = []
        self._return = 0.0
        self._over = True

    def _begin(self) -> None:
        self._forget()
        self._episode += 1
        self.simulator.begin()
        self._over = False

    def _fill(self) -> None:
        self._frames.extend([self._draw()] * self._frame_stack)

    def _draw(self) -> Frame:
        self.simulator.show(self._seed, self._episode, len(self._actions))
        return self.simulator.frame()

    def _advance(self, action: Any) -> tuple[float, bool, bool]:
        self._actions.append(action)
        total = 0.0
        for _ in range(self.action_repeat):
            reward, terminated, truncated = self.simulator.advance(action)
            total += reward
            if terminated or truncated:
                break
        self._return += total
        self._over = terminated or truncated
        return total, terminated, truncated

    def _replay(self, actions: NDArray[Any]) -> None:
        undrawn = -1 if self.simulator.replay_draws else len(actions) - self._frame_stack
        self._begin()
        if undrawn < 0:
            self._fill()
        for index, action in enumerate(actions):
            self._advance(action)
            if index >= undrawn:
                self._frames.append(self._draw())

    def _episode_info(self) -> dict[str, Any]:
        """Return the infos of an episode that has ended."""
        info: dict[str, Any] = {"episode": {"r": self._return, "l": len(self._actions)}}
        return info if self.simulator.success is None else info | {"is_success": self.simulator.success}


def make_env(
    module: str, name: str, size: int, seed: int, scene: Mapping[str, Any], frame_stack: int, action_repeat: int
) -> PixelEnv:
    """Make an environment in the process that runs it, by the `build` of a suite's module."""
    leave_signals_to_parent()
    simulator = importlib.import_module(module).build(name, size, seed, **scene)
    return PixelEnv(simulator, frame_stack, action_repeat, seed)


def leave_signals_to_parent() -> None:
    """Outlive, in a worker process, the signals on which the run saves its state; elsewhere do nothing.

    A terminal and a job scheduler signal all processes at once, and a run cannot save environments that are gone.
    SIGINT and SIGUSR1 are ignored. SIGTERM, which is also how a pool ends a worker, takes effect GRACE_S seconds later.
    """
    if multiprocessing.parent_process() is None:
        return
    for number in (signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: signal.alarm(GRACE_S))
