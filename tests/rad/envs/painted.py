"""Gymnasium environments that draw themselves with NumPy, registered on import: a dot walks over a field."""

from typing import Any

import gymnasium
import numpy as np

HEIGHT, WIDTH = 60, 90


class Painted(gymnasium.Env):
    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, continuous: bool, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)
        if continuous:
            self.action_space = gymnasium.spaces.Box(
                np.array([-2.0, 0.0], np.float32), np.array([2.0, 10.0], np.float32)
            )
        else:
            self.action_space = gymnasium.spaces.Discrete(3, start=-1)
        self.last_action: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.place = self.np_random.uniform(0, 1, 2).astype(np.float32)
        return self.place.copy(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action if np.ndim(action) else np.int64(action))
        self.last_action = action
        self.place = (self.place + 0.1 * np.mean(action) + self.np_random.normal(0, 0.05, 2)).astype(np.float32) % 1
        reward = float(self.place[0])
        return self.place.copy(), reward, reward > 0.97, False, {}

    def render(self) -> Any:
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        picture[..., 2] = 255 * np.linspace(0, 1, WIDTH)
        row, column = int(self.place[0] * (HEIGHT - 20)), int(self.place[1] * (WIDTH - 20))
        picture[row : row + 20, column : column + 20, 0] = 255
        return picture


class Fading(Painted):
    """Is darker with each picture of an episode."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.light = 255
        return super().reset(seed=seed)

    def render(self) -> Any:
        self.light -= 10
        return np.minimum(super().render(), self.light)


class Telling(Painted):
    """Ends after three steps, and tells that its goal is the third."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.steps = 0
        return super().reset(seed=seed)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        place, reward, *_ = super().step(action)
        return place, reward, self.steps == 3, False, {"is_success": float(self.steps == 3)}


class Blind(Painted):
    """Has no pictures."""

    def render(self) -> Any:
        return None


class Needy(Painted):
    """Asks for a package when it draws, as Gymnasium's own do."""

    def render(self) -> Any:
        raise gymnasium.error.DependencyNotInstalled("nopackage is not installed, run `pip install nopackage`")


class Odd(Painted):
    """Has a kind of action that is not supported."""

    def __init__(self, continuous: bool, render_mode: str | None = None) -> None:
        super().__init__(continuous, render_mode)
        self.action_space = gymnasium.spaces.MultiBinary(3)


def _register(name: str, entry: str, continuous: bool) -> None:
    entry_point = f"tests.rad.envs.painted:{entry}"
    gymnasium.register(name, entry_point, max_episode_steps=12, kwargs={"continuous": continuous})


_register("Painted-v0", "Painted", False)
_register("PaintedBox-v0", "Painted", True)
_register("PaintedFading-v0", "Fading", False)
_register("PaintedTelling-v0", "Telling", False)
_register("PaintedBlind-v0", "Blind", False)
_register("PaintedNeedy-v0", "Needy", False)
_register("PaintedOdd-v0", "Odd", False)
