"""The interface of a suite: a simulated task that steps without pictures and draws one on request."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rad.envs.checks import require

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]
ActionSpace = gymnasium.spaces.Box | gymnasium.spaces.Discrete

MAX_SIZE = 2048  # px
QUALITIES = ("paper", "near", "fast")


class ObjectFrames(NamedTuple):
    """A state, drawn with one of its objects changed at a time."""

    names: tuple[str, ...]  # of the objects
    masks: Mask  # bool [O, H, W], which pixels show the object unchanged; each shows one at most
    frames: NDArray[np.uint8]  # uint8 [O, 3, H, W], by object


class Simulator(abc.ABC):
    """One simulated task.

    All randomness comes from `random`, so that `begin` followed by the same actions repeats an episode exactly. Drawing
    a state twice gives the same frame. Discrete actions count from 0, continuous ones are in [-1, 1].

    Attributes:
        task: full name, `<suite>/<name>`.
        size: height and width of an observation, px.
        action_space: Box[-1, 1] float32 or Discrete.
        fps: simulator steps per second of a video at natural speed.
        random: the source of all randomness.
        success: whether the goal was reached, after the last step; None where the suite does not tell.
        replay_draws: whether drawing a state may change later frames, so that a replay has to draw too.
    """

    task: str
    size: int
    action_space: ActionSpace
    fps: float
    random: np.random.RandomState  # dm_control's tasks draw from this kind, so all suites do
    success: bool | None = None
    replay_draws: bool = False

    @abc.abstractmethod
    def begin(self) -> None:
        """Start an episode from the present state of `random`."""

    @abc.abstractmethod
    def advance(self, action: Any) -> tuple[float, bool, bool]:
        """Do one simulator step with an action that `check_action` has passed.

        Returns:
            reward, terminated (the future counts for nothing), truncated (the episode was cut).
        """

    @abc.abstractmethod
    def frame(self, size: int | None = None) -> Frame:
        """Draw the present state: uint8 [3, size, size], RGB; `size` in px, by default the observation's."""

    def robot_mask(self) -> Mask:
        """Tell of each pixel of the present `frame` whether it shows the robot: bool [size, size].

        Raises:
            ValueError: the suite does not know which pixels show what.
        """
        raise ValueError(f"task must be of dmc to know the robot's pixels, got {self.task}")

    def object_frames(self, change: str = "removed") -> ObjectFrames:
        """Draw the present state with one object changed at a time: `removed`, `recolored` or `moved`.

        Raises:
            ValueError: the suite cannot change single objects, or the change is unknown.
        """
        raise ValueError(f"task must be of dmc to change single objects, got {self.task}")

    def show(self, seed: int, episode: int, step: int) -> None:
        """Set the moment that `frame` draws, for suites whose appearance does not follow from the simulation's state.

        That is an agent `step` of an `episode`, which is counted since the environment was seeded with `seed`.
        """
        return

    @abc.abstractmethod
    def close(self) -> None:
        """Free what the simulator holds. Safe to call twice."""


class UnitRange:
    """Maps actions in [-1, 1] to a task's bounds `low` and `high` of any one shape, entry by entry.

    Entries without real bounds (infinite, or +-1e10 as in dm_control's lqr) are passed on unchanged; with one bound,
    they are moved so that this end of [-1, 1] meets it.
    """

    _UNBOUNDED = 1e6

    def __init__(self, low: ArrayLike, high: ArrayLike) -> None:
        low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        has_low, has_high = low > -self._UNBOUNDED, high < self._UNBOUNDED
        self._low = np.where(has_low, low, np.where(has_high, high - 2.0, -1.0))
        self._high = np.where(has_high, high, np.where(has_low, low + 2.0, 1.0))
        self.space = gymnasium.spaces.Box(-1.0, 1.0, low.shape, np.float32)

    def __call__(self, action: ArrayLike) -> NDArray[np.float64]:
        """Return the task's action."""
        return self._low + (np.asarray(action, np.float64) + 1.0) / 2.0 * (self._high - self._low)


def check_action(action: Any, space: ActionSpace) -> Any:
    """Return `action` as a member of `space`.

    Continuous actions outside the box are clipped to it, since a squashed policy may round past 1. NaN and infinity are
    errors: dm_control clips infinity silently, which would hide a policy that has diverged.

    Raises:
        ValueError: the action is not finite, has another shape, or is no member of a discrete space.
    """
    if isinstance(space, gymnasium.spaces.Discrete):
        whole = np.ndim(action) == 0 and np.issubdtype(np.asarray(action).dtype, np.integer)
        require(bool(whole and 0 <= int(action) < space.n), "action", f"an integer from 0 to {space.n - 1}", action)
        return int(action)
    array = np.asarray(action, dtype=np.float32)
    require(array.shape == space.shape, "action", f"of shape {list(space.shape)}", list(array.shape))
    require(bool(np.isfinite(array).all()), "action", "finite numbers in [-1, 1]", array.tolist())
    return np.clip(array, space.low, space.high)


def random_state(random: np.random.RandomState) -> dict[str, Any]:
    """Return the state of `random` as plain values and one array."""
    _, keys, position, has_gauss, gauss = random.get_state(legacy=True)
    return {"keys": np.array(keys), "position": position, "has_gauss": has_gauss, "gauss": gauss}


def set_random_state(random: np.random.RandomState, state: Mapping[str, Any]) -> None:
    """Set what `random_state` returned."""
    keys = np.asarray(state["keys"], np.uint32)
    random.set_state(("MT19937", keys, state["position"], state["has_gauss"], state["gauss"]))
