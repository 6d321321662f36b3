"""Procgen's native library: all environments of a game stepped by one call.

It ends the process on bad arguments and damaged states, and does not check actions: callers check first.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rad.envs.base import Frame, random_state, set_random_state
from rad.envs.checks import require
from rad.envs.procgen.levels import LevelRange, LevelSet
from rad.envs.procgen.options import ProcgenOptions

_MAX_STATE_BYTES = 2**20  # MAX_STATE_SIZE in env.py; a state takes 20 to 40 kB
_RESET = -1  # the action that ends an episode


class Reading(NamedTuple):
    """The results of a step; an episode that ends is followed by the next one at once."""

    frames: Frame  # uint8 [N, H, W, 3], a copy; where `first`, of the next episode: the last picture is never drawn
    reward: NDArray[np.float64]  # [N]
    first: NDArray[np.bool_]  # [N], the step ended an episode
    level_seed: NDArray[np.int32]  # [N], level of the episode that `frames` shows
    prev_level_seed: NDArray[np.int32]  # [N], level that the step was made in
    prev_level_complete: NDArray[np.bool_]  # [N], the step reached the level's goal


class Native:
    """N environments of one game, on levels that follow each other; all arguments are checked before.

    Environment i draws its levels from the i-th number of a generator with the seed, 0 to 2^31 - 1. `num_threads`
    native threads step them, at most one for each, 0 for the caller's; they change nothing but the speed. Only an
    environment that is made with `human` can `draw`.

    Raises:
        ModuleNotFoundError: Procgen is not installed.
    """

    def __init__(
        self,
        game: str,
        num_envs: int,
        seed: int,
        options: ProcgenOptions,
        levels: LevelRange,
        *,
        num_threads: int = 0,
        human: bool = False,
    ) -> None:
        self._env = _library()(
            num=num_envs,
            env_name=game,
            rand_seed=seed,
            start_level=levels.start_level,
            num_levels=levels.num_levels,
            num_threads=min(num_threads, num_envs),
            render_mode="rgb_array" if human else None,
            **options.native(),
        )

    def act(self, actions: NDArray[np.int32]) -> None:
        """Do one step with actions [N], each 0 to 14."""
        self._env.act(actions)

    def restart(self) -> None:
        """End all episodes and begin the next ones."""
        self._env.act(np.full(self._env.num, _RESET, np.int32))

    def read(self) -> Reading:
        """Wait for the step and return its results."""
        reward, observed, first = self._env.observe()  # copies
        info = self._env._info  # get_info() would build a dictionary per environment
        return Reading(
            frames=observed["rgb"],
            reward=reward.astype(np.float64),
            first=first,
            level_seed=info["level_seed"].copy(),
            prev_level_seed=info["prev_level_seed"].copy(),
            prev_level_complete=info["prev_level_complete"].astype(np.bool_),
        )

    def draw(self, blob: bytes, size: int) -> Frame:
        """Return the picture of a state, uint8 [size, size, 3], resized from 512 px (area interpolation)."""
        import cv2

        self.set_blob(0, blob)
        self._env.observe()
        return np.asarray(cv2.resize(self._env._info["rgb"][0], (size, size), interpolation=cv2.INTER_AREA), np.uint8)

    def state(self, index: int) -> dict[str, Any]:
        """Return the state of one environment as arrays and plain values."""
        blob = self.blob(index)
        return {"blob": np.frombuffer(blob, np.uint8).copy(), "sha256": hashlib.sha256(blob).hexdigest()}

    def check_state(self, state: Mapping[str, Any]) -> None:
        """Raise a ValueError if a state is damaged."""
        digest = hashlib.sha256(np.asarray(state["blob"], np.uint8).tobytes()).hexdigest()
        require(digest == state["sha256"], "sha256 of the state", f"{state['sha256']}, as saved", digest)

    def set_state(self, index: int, state: Mapping[str, Any]) -> None:
        """Set what `state` returned of an environment with the same game and options, once it is checked."""
        self.set_blob(index, np.asarray(state["blob"], np.uint8).tobytes())

    def blob(self, index: int) -> bytes:
        """Return the native state of one environment."""
        buffer = self._env._ffi.new("char[]", _MAX_STATE_BYTES)
        length = self._env.call_c_func("get_state", index, buffer, _MAX_STATE_BYTES)
        return bytes(self._env._ffi.buffer(buffer, length))

    def set_blob(self, index: int, blob: bytes) -> None:
        """Set a native state of the same game, which includes options, levels and random state."""
        self._env.call_c_func("set_state", index, blob, len(blob))

    def close(self) -> None:
        """Free the environments. Safe to call twice."""
        self._env.close()


class LevelSetNative(Native):
    """N environments of one game on any set of levels, which Procgen itself cannot draw from.

    It keeps the native state at the start of each level that was drawn, and replaces each episode that Procgen begins
    by one: 1.2 ms for a new level and 0.1 ms later, and 37 kB per level of CoinRun. Environment i draws from a
    generator with the seed `seed + i`.
    """

    def __init__(self, game: str, num_envs: int, seed: int, options: ProcgenOptions, levels: LevelSet) -> None:
        self._levels = levels.levels
        self._level = functools.cache(functools.partial(start_of_level, game, options))
        self._random = [np.random.RandomState(seed + index) for index in range(num_envs)]
        super().__init__(game, num_envs, seed, options, LevelRange("first", self._levels[0], 1))
        self._begin(range(num_envs))

    def read(self) -> Reading:
        """Wait for the step, begin episodes on levels of the set, and return the results."""
        reading = super().read()
        if not reading.first.any():
            return reading
        self._begin(np.flatnonzero(reading.first))
        started = super().read()
        return reading._replace(frames=started.frames, level_seed=started.level_seed)

    def state(self, index: int) -> dict[str, Any]:
        """Return the state of one environment, with that of its generator."""
        return super().state(index) | {"random": random_state(self._random[index])}

    def set_state(self, index: int, state: Mapping[str, Any]) -> None:
        """Set what `state` returned."""
        super().set_state(index, state)
        set_random_state(self._random[index], state["random"])

    def _begin(self, indices: Iterable[int]) -> None:
        for index in indices:
            level = self._levels[self._random[index].randint(len(self._levels))]
            self.set_blob(index, self._level(level))


def start_of_level(game: str, options: ProcgenOptions, level: int) -> bytes:
    """Return the native state at the first frame of a level."""
    with contextlib.closing(Native(game, 1, 0, options, LevelRange("level", level, 1))) as native:
        return native.blob(0)


class Pictures(Sequence[Any]):
    """`count` pictures, each drawn by `draw` from its index whenever it is read."""

    def __init__(self, count: int, draw: Callable[[int], Frame]) -> None:
        self._indices, self._draw = range(count), draw

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: Any) -> Any:
        return self._draw(self._indices[index])


@functools.cache
def _library() -> Any:
    """Import Procgen without the messages of its old dependency."""
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            from procgen.env import ProcgenGym3Env
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"procgen tasks need a package that is missing: {error}; see `rad doctor`") from error
    return ProcgenGym3Env
