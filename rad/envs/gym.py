"""Any Gymnasium environment from pixels: `gym/<id>`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rad.envs import gl
from rad.envs.base import Frame, Simulator, UnitRange


def names() -> tuple[str, ...]:
    """Return the ids that are registered now; more exist behind `module:id`."""
    return tuple(gymnasium.registry)


def check(name: str) -> None:
    """Raise a ValueError unless `name` is a registered id; `module:id` imports the module first."""
    module, _, name_in_module = name.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
        gymnasium.spec(name_in_module)
    except (gymnasium.error.Error, ImportError, TypeError) as error:  # TypeError: of a module that begins with a dot
        raise ValueError(f"unknown task 'gym/{name}'; allowed: an id registered in gymnasium. {error}") from error


class GymSimulator(Simulator):
    """A Gymnasium environment, a registered id or `module:id`, drawn by its `rgb_array` mode.

    Pictures are resized to squares (area interpolation). A state is drawn once, whatever the sizes, since drawing may
    change the next picture: the sparks of LunarLander fade with each one, not with time. Box actions are in [-1, 1],
    scaled to the environment's bounds; discrete ones count from 0. Each episode starts with `reset(seed=...)` of a seed
    drawn from `random`: an exact resume therefore needs an environment that is deterministic given seed and actions.

    Raises:
        ValueError: the environment cannot render or has another kind of action space.
        ModuleNotFoundError: a package that the environment needs is missing.
    """

    replay_draws = True

    def __init__(self, name: str, size: int, seed: int) -> None:
        gl.load_triton_first()  # the environment may draw with OpenGL
        keep_sdl_quiet()
        self.task, self.size, self.random = f"gym/{name}", size, np.random.RandomState(seed)
        self._picture: Any = None  # uint8 [H, W, 3] of the current state, once drawn
        try:
            self._env = gymnasium.make(name, render_mode="rgb_array", disable_env_checker=True)
            free_shapes()
            self._try_to_draw()
        except (gymnasium.error.DependencyNotInstalled, ImportError) as error:
            raise ModuleNotFoundError(f"{self.task} needs a package that is missing: {error}") from error
        except (gymnasium.error.Error, TypeError) as error:  # TypeError: it takes no render_mode
            raise ValueError(f"{self.task} cannot be made with pictures: {error}") from error
        self._set_actions(self._env.action_space)
        self.fps = float(self._env.metadata.get("render_fps", 30.0))

    def _set_actions(self, space: Any) -> None:
        if isinstance(space, gymnasium.spaces.Discrete):
            self.action_space = gymnasium.spaces.Discrete(int(space.n))
            self._to_native: Any = lambda action: int(action) + int(space.start)
        elif isinstance(space, gymnasium.spaces.Box):
            to_bounds = UnitRange(space.low, space.high)
            self.action_space = to_bounds.space
            self._to_native = lambda action: to_bounds(action).astype(space.dtype)
        else:
            raise ValueError(f"{self.task} has actions of {space}; allowed: Box or Discrete")

    def _try_to_draw(self) -> None:
        self._env.reset(seed=0)
        picture = self._render()
        if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.shape[2:] != (3,):
            kind = type(picture).__name__
            raise ValueError(f"{self.task} cannot render: rgb_array gives {kind}, not uint8 [H, W, 3]")

    def _render(self) -> Any:
        with quick_pixels(self._env.unwrapped):
            return self._env.render()

    def begin(self) -> None:
        """Start an episode."""
        self._picture = None
        self._env.reset(seed=int(self.random.randint(2**31)))

    def advance(self, action: Any) -> tuple[float, bool, bool]:
        """Do one step of the environment."""
        self._picture = None
        _, reward, terminated, truncated, info = self._env.step(self._to_native(action))
        self.success = bool(info["is_success"]) if "is_success" in info else None
        return float(reward), bool(terminated), bool(truncated) and not terminated

    def frame(self, size: int | None = None) -> Frame:
        """Draw the current state."""
        import cv2

        size = size or self.size
        if self._picture is None:
            self._picture = self._render()
        small = cv2.resize(self._picture, (size, size), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(small.transpose(2, 0, 1))

    def close(self) -> None:
        """Close the environment."""
        self._env.close()


build = GymSimulator


def keep_sdl_quiet() -> None:
    """Let SDL, which pygame draws with, look for no display where there is none: it would print an error about that."""
    if not os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"}:
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")


class _OwnedShape(property):
    """`b2FixtureDef.shape`, whose value stays the property of Python."""


def free_shapes() -> None:
    """Let Box2D, if it is loaded, free the shapes of fixture definitions, which its Python binding forgets.

    A body copies its shapes; the originals, 1.5 kB an episode of LunarLander, would stay. They are small, but they come
    to lie between the large blocks of the networks' tensors, which then cannot be used again: a run of PPO grew by
    0.2 GB a minute (Box2D 2.3.10, glibc 2.36). A definition keeps its shape, and gives it back as the object that it
    was, so that it lives as long as anything points to it.
    """
    definition: Any = getattr(sys.modules.get("Box2D"), "b2FixtureDef", None)
    if definition is None or isinstance(definition.shape, _OwnedShape):
        return
    shape = definition.shape

    def get_shape(self: Any) -> Any:
        kept = vars(self).get("kept_shape")
        return shape.__get__(self) if kept is None else kept

    def set_shape(self: Any, value: Any) -> None:
        owned = value is not None and value.thisown
        shape.__set__(self, value)
        self.kept_shape = value
        if owned:
            value.thisown = True

    definition.shape = _OwnedShape(get_shape, set_shape, doc=shape.__doc__)


_BGRX = (0xFF0000, 0xFF00, 0xFF)  # masks of red, green and blue in a surface's little-endian words


@contextmanager
def quick_pixels(env: Any) -> Iterator[None]:
    """Let pygame's `surfarray.pixels3d` return a copy while an environment of Gymnasium draws; same bytes.

    These environments end a drawing with `np.array(pixels3d(surface))`. The view of the surface has its colors in
    reverse order, and NumPy copies it byte by byte: 2.9 of the 3.8 ms that a picture of LunarLander takes on one core
    (AMD EPYC, pygame-ce 2.5.8). They only read the view; other environments might write to it and keep it.
    """
    surfarray: Any = getattr(sys.modules.get("pygame"), "surfarray", None)
    if surfarray is None or not type(env).__module__.startswith("gymnasium."):
        yield
        return
    view = surfarray.pixels3d
    surfarray.pixels3d = lambda surface: read(surface) if _is_bgrx(surface) else view(surface)
    try:
        yield
    finally:
        surfarray.pixels3d = view


def read(surface: Any) -> NDArray[np.uint8]:
    """Return a surface of 32-bit words of blue, green, red as uint8 [W, H, 3], RGB, a transposed copy."""
    import cv2

    width, height = surface.get_size()
    words = np.frombuffer(surface.get_buffer(), np.uint8).reshape(height, -1, 4)[:, :width]
    return np.asarray(cv2.cvtColor(words, cv2.COLOR_BGRA2RGB), np.uint8).transpose(1, 0, 2)


def _is_bgrx(surface: Any) -> bool:
    return surface.get_bitsize() == 32 and surface.get_masks()[:3] == _BGRX
