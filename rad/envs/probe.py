"""Tiny pixel tasks that are learned in seconds, each needing one more ability of the learner: `probe/<name>`.

A learner that fails one probe and passes those before it lacks the ability that the probe adds. Frames are one plain
color, so that no crop, flip or rotation changes their meaning. No simulator is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from rad.envs.base import Frame, Simulator, UnitRange
from rad.envs.checks import require_known

Color = tuple[int, int, int]

GRAY: Color = (128, 128, 128)
DARK: Color = (40, 40, 40)
BRIGHT: Color = (215, 215, 215)
# Equal luma: 299 R + 587 G + 114 B is 101,015 for both, so that they are equal in grayscale.
RED: Color = (225, 40, 90)
GREEN: Color = (8, 155, 67)


@dataclass(frozen=True)
class Case:
    """One kind of episode.

    Attributes:
        colors: shown at the start of each step; the episode terminates after as many steps.
        reward: of the last step where the action does not matter; earlier steps give 0.
        target: the best last action, or None where it does not matter. Continuous actions a earn 1 - 4 (a - target)^2;
            of discrete ones, 1 is right for a positive target and 0 for a negative one, and right earns 1, wrong -1.
    """

    colors: tuple[Color, ...]
    reward: float = 1.0
    target: float | None = None


@dataclass(frozen=True)
class ProbeSpec:
    """What a probe needs and pays.

    Attributes:
        needs: the ability that it adds.
        cases: kinds of episodes, equally likely.
        discrete: two discrete actions instead of one in [-1, 1].
        optimal_return: mean return of the best policy, undiscounted.
        random_return: mean return of uniform random actions.
        blind_return: mean return of the best policy that does not see.
    """

    needs: str
    cases: tuple[Case, ...]
    discrete: bool
    optimal_return: float
    random_return: float
    blind_return: float

    def values(self, gamma: float) -> tuple[float, ...]:
        """Return the optimal value of each case's first frame under discount `gamma`."""
        return tuple(gamma ** (len(case.colors) - 1) * case.reward for case in self.cases)


def _aims(first: Color, second: Color) -> tuple[Case, ...]:
    return Case((first,), target=-0.5), Case((second,), target=0.5)


_CASES = {
    "value": ("a constant value", (Case((GRAY,)),)),
    "observation": ("a value that depends on the image", (Case((DARK,), -1.0), Case((BRIGHT,), 1.0))),
    "discounting": ("a reward one step later", (Case((DARK, BRIGHT)),)),
    "action": ("an action that matters", (Case((GRAY,), target=0.5),)),
    "both": ("an action that depends on the image", _aims(DARK, BRIGHT)),
    "color": ("an action that depends on hue alone", _aims(RED, GREEN)),
}
# (optimal, random, blind) returns. Continuous: the mean of 1 - 4 (a -+ 1/2)^2 over a uniform in [-1, 1] is
# 1 - 4 (1/3 + 1/4) = -4/3, and a = 0 is the best without sight: 1 - 4/4 = 0.
_RETURNS = {"value": (1.0, 1.0, 1.0), "observation": (0.0, 0.0, 0.0), "discounting": (1.0, 1.0, 1.0)}
_CONTINUOUS = {**_RETURNS, "action": (1.0, -4 / 3, 1.0), "both": (1.0, -4 / 3, 0.0), "color": (1.0, -4 / 3, 0.0)}
_DISCRETE = {**_RETURNS, "action": (1.0, 0.0, 1.0), "both": (1.0, 0.0, 0.0), "color": (1.0, 0.0, 0.0)}

PROBES: dict[str, ProbeSpec] = {
    **{name: ProbeSpec(*_CASES[name], False, *_CONTINUOUS[name]) for name in _CASES},
    **{f"{name}-discrete": ProbeSpec(*_CASES[name], True, *_DISCRETE[name]) for name in _CASES},
}


def names() -> tuple[str, ...]:
    """Return the names of all probes."""
    return tuple(PROBES)


def check(name: str) -> None:
    """Raise a ValueError with the known names unless `name` is one of them."""
    require_known("task", name, PROBES, prefix="probe/")


def action_repeat(name: str) -> int:
    """Return 1: a repeated action would skip frames."""
    return 1


class ProbeSimulator(Simulator):
    """The probe `name` of the table `PROBES`, with frames of `size` px."""

    fps = 2.0

    def __init__(self, name: str, size: int, seed: int) -> None:
        self.task, self.size, self.random = f"probe/{name}", size, np.random.RandomState(seed)
        self._spec = PROBES[name]
        self.action_space = gymnasium.spaces.Discrete(2) if self._spec.discrete else UnitRange([-1.0], [1.0]).space
        self._case, self._step = self._spec.cases[0], 0

    def begin(self) -> None:
        """Draw a kind of episode."""
        self._case = self._spec.cases[self.random.randint(len(self._spec.cases))]
        self._step = 0

    def advance(self, action: Any) -> tuple[float, bool, bool]:
        """Go to the next color, or terminate and pay."""
        self._step += 1
        if self._step < len(self._case.colors):
            return 0.0, False, False
        return self._pay(action), True, False

    def _pay(self, action: Any) -> float:
        target = self._case.target
        if target is None:
            return self._case.reward
        if self._spec.discrete:
            return 1.0 if (action == 1) == (target > 0) else -1.0
        return 1.0 - 4.0 * (float(action[0]) - target) ** 2

    def frame(self, size: int | None = None) -> Frame:
        """Draw the color of the current step; at the end the last one stays."""
        size = size or self.size
        color = self._case.colors[min(self._step, len(self._case.colors) - 1)]
        return np.tile(np.array(color, np.uint8)[:, None, None], (1, size, size))

    def close(self) -> None:
        """Do nothing."""


build = ProbeSimulator
