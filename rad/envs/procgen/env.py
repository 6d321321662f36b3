"""The sixteen games of Procgen from pixels: `procgen/<game>`."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from rad.envs.base import MAX_SIZE, Frame
from rad.envs.checks import require, require_between
from rad.envs.procgen.games import GAMES
from rad.envs.procgen.levels import MAX_LEVEL, LevelRange, Levels, LevelSet
from rad.envs.procgen.native import LevelSetNative, Native, Pictures, Reading
from rad.envs.procgen.options import IMAGE_SIZE, NUM_ACTIONS, ProcgenOptions, check_actions, checked_levels
from rad.settings import SettingError

Step = tuple[Frame, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


def names() -> tuple[str, ...]:
    """Return the names of the games."""
    return tuple(GAMES)


class ProcgenEnv(VectorEnv[Any, Any, Any]):
    """N environments of one game, stepped by one native call; no Python per environment.

    Observations: uint8 [N, 3K, 64, 64], K frames, oldest first; at the start the first frame K times. Their memory is
    channels-last, as Procgen draws them. Actions: integers [N], 0 to 14. Rewards: float64 [N].

    An episode that ends is followed by the next one in the same step, and Procgen never draws its last picture: there
    is no `final_obs`. Nor does it distinguish time limits: all ends are `terminated`, none `truncated`, as in all
    published results. `infos` holds:

    - `level_seed`: int32 [N], level of the observation;
    - `prev_level_seed`: int32 [N], level that the step was made in;
    - `prev_level_complete`: bool [N], the step reached the level's goal;
    - `timed_out`: bool [N], the episode ended at the game's time limit, short of the goal, or was lost in that step;
    - with `tells_state`, `state`: a list of N, each Procgen's own state of the observation, uint8 [bytes];
    - where an episode ended, `episode`, `_episode`, `is_success` and `_is_success` as in `rad.envs.make`.

    Each level is checked against the split. Unlike in other suites environment i is not seeded with `seed + i`: Procgen
    draws N generators from one seed.

    Args are those of `rad.envs.make`, with `seed` from 0 to 2^31 - 1, and `options` that are checked: their
    `start_level` and `num_levels` are not read here but where the split is made.

    Raises:
        ValueError: an argument is impossible; the text lists what is allowed.
        ModuleNotFoundError: Procgen is not installed.
    """

    action_repeat = 1
    render_mode = "rgb_array"
    tells_state: Any = False
    _started: bool

    def __init__(
        self,
        game: str,
        num_envs: int,
        seed: int,
        frame_stack: int,
        options: ProcgenOptions,
        split: Levels | None = None,
        num_threads: int = 0,
    ) -> None:
        self.game, self.num_envs, self.options, self._num_threads = game, num_envs, options, num_threads
        self.split = checked_levels(game, options, split)
        self._shape = (3 * frame_stack, IMAGE_SIZE, IMAGE_SIZE)
        self.single_observation_space = gymnasium.spaces.Box(0, 255, self._shape, np.uint8)
        self.single_action_space = gymnasium.spaces.Discrete(NUM_ACTIONS)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        # 15 is video.frames_per_second in env.py of openai/procgen.
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": 15.0, "autoreset_mode": AutoresetMode.SAME_STEP}
        self._native = self._make(seed)
        self._forget()

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        """Start an episode in all environments; a `seed` must be an integer, and there are no options."""
        if seed is not None:
            native = self._make(seed)
            self._native.close()
            self._native = native
        elif self._started:
            self._native.restart()
        self._forget()
        self._started = True
        reading = self._read()
        self._stack(reading.frames, np.ones(self.num_envs, np.bool_))
        return self.observation, {"level_seed": reading.level_seed} | self._states()

    def step(self, actions: Any) -> Step:
        """Do one step of all environments, raising what its halves do."""
        self.step_async(actions)
        return self.step_wait()

    def step_async(self, actions: Any) -> None:
        """Begin a step, which native threads simulate, if there are any, until `step_wait`.

        Raises:
            ValueError: an action is unknown.
            RuntimeError: no episode is running.
        """
        if not self._started:
            raise RuntimeError("no episode is running; call reset() first")
        self._native.act(check_actions(actions, self.num_envs))

    def step_wait(self) -> Step:
        """Finish the step that was begun; a RuntimeError tells of a level outside the split."""
        reading = self._read()
        self._stack(reading.frames, reading.first)
        self._return += reading.reward
        self._length += 1
        infos = self._infos(reading)
        self._return[reading.first] = 0.0
        self._length[reading.first] = 0
        return self.observation, reading.reward, reading.first, np.zeros(self.num_envs, np.bool_), infos

    @property
    def observation(self) -> Frame:
        """A copy of the current observations, uint8 [N, 3K, H, W]; zeros before the first reset."""
        return self._images.copy().transpose(0, 3, 1, 2)

    def render(self) -> tuple[Frame, ...]:
        """Return the newest frame of each environment, uint8 [64, 64, 3], once there was a reset."""
        if not self._started:
            raise RuntimeError("nothing to render yet; call reset() first")
        return tuple(self._images[..., -3:].copy())

    def render_frame(self, size: int = 240) -> Sequence[Frame]:
        """Draw each environment for people, uint8 [size, size, 3], when it is read, without changing the episodes."""
        require_between("size", size, 1, MAX_SIZE)
        return Pictures(self.num_envs, lambda index: self._viewer.draw(self._native.blob(index), size))

    @functools.cached_property
    def _viewer(self) -> Native:
        """Another environment, which is given the states to draw; they include levels and options."""
        return Native(self.game, 1, 0, self.options, LevelRange("any", 0, 1), human=True)

    def call(self, name: str, *args: Any, **kwargs: Any) -> Sequence[Any]:
        """Call a method that returns one entry per environment."""
        return getattr(self, name)(*args, **kwargs)

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Return an attribute, one entry per environment."""
        value = getattr(self, name)
        return tuple(value) if name in ("resume_state", "observation") else (value,) * self.num_envs

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute that has one entry per environment."""
        setattr(self, name, values)

    @property
    def resume_state(self) -> list[dict[str, Any]]:
        """State for an exact resume, one entry per environment: Procgen's state and the current stack.

        Raises:
            ValueError: on setting, a state is damaged, or of another game, options or version of Procgen: the native
                code would end the process. Nothing has changed then.
        """
        return [
            self._identity()
            | {
                "started": self._started,
                "native": self._native.state(index),
                "observation": self._images[index].transpose(2, 0, 1).copy(),  # as other suites keep it
                "episode_return": float(self._return[index]),
                "episode_length": int(self._length[index]),
            }
            for index in range(self.num_envs)
        ]

    @resume_state.setter
    def resume_state(self, states: Sequence[Mapping[str, Any]]) -> None:
        for state in states:
            self._check_state(state)
        for index, state in enumerate(states):
            self._native.set_state(index, state["native"])
            self._images[index] = np.transpose(state["observation"], (1, 2, 0))
            self._return[index], self._length[index] = state["episode_return"], state["episode_length"]
        self._started = all(state["started"] for state in states)

    def close_extras(self, **kwargs: Any) -> None:
        """Free the native environments."""
        self._native.close()
        if "_viewer" in vars(self):
            self._viewer.close()

    def _make(self, seed: Any) -> Native:
        if not isinstance(seed, (int, np.integer)) or not 0 <= seed <= MAX_LEVEL:  # both are int32
            raise SettingError("seed", seed, f"from 0 to {MAX_LEVEL} for procgen tasks")
        if isinstance(self.split, LevelSet):
            return LevelSetNative(self.game, self.num_envs, int(seed), self.options, self.split)
        return Native(self.game, self.num_envs, int(seed), self.options, self.split, num_threads=self._num_threads)

    def _forget(self) -> None:
        self._started = False
        channels, height, width = self._shape
        self._images: Frame = np.zeros((self.num_envs, height, width, channels), np.uint8)
        self._return, self._length = np.zeros(self.num_envs), np.zeros(self.num_envs, np.int64)

    def _read(self) -> Reading:
        reading = self._native.read()
        outside = np.flatnonzero(~self.split.contains(reading.level_seed))
        if outside.size:
            level = reading.level_seed[outside[0]]
            raise RuntimeError(f"level {level} of environment {outside[0]} lies outside the split {self.split}")
        return reading

    def _stack(self, frames: Frame, first: NDArray[np.bool_]) -> None:
        self._images[..., :-3] = self._images[..., 3:]
        self._images[..., -3:] = frames
        self._images[first] = np.tile(frames[first], self._shape[0] // 3)

    def _infos(self, reading: Reading) -> dict[str, Any]:
        at_limit = self._length >= GAMES[self.game].time_limit
        infos: dict[str, Any] = {
            "level_seed": reading.level_seed,
            "prev_level_seed": reading.prev_level_seed,
            "prev_level_complete": reading.prev_level_complete,
            "timed_out": reading.first & at_limit & ~reading.prev_level_complete,
            **self._states(),
        }
        if reading.first.any():
            infos |= {"episode": {"r": self._return.copy(), "l": self._length.copy()}, "_episode": reading.first.copy()}
            infos |= {"is_success": reading.prev_level_complete, "_is_success": reading.first.copy()}
        return infos

    def _states(self) -> dict[str, Any]:
        states = map(self._native.state, range(self.num_envs))
        return {"state": [state["blob"] for state in states]} if self.tells_state else {}

    def _check_state(self, state: Mapping[str, Any]) -> None:
        came = dict(state) | {"observation": list(np.shape(state["observation"]))}
        for name, value in (self._identity() | {"observation": list(self._shape)}).items():
            require(came[name] == value, f"{name} of the state", repr(value), came[name])
        self._native.check_state(state["native"])

    def _identity(self) -> dict[str, Any]:
        """Return what must be equal for a state to fit."""
        options = self.options.scene() | {"split": str(self.split)}
        return {"task": f"procgen/{self.game}", "version": metadata.version("procgen-mirror"), "options": options}


make = ProcgenEnv
