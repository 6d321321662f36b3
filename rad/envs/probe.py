"""Tiny pixel tasks that are learned in seconds, each needing one more ability of the learner: `probe/<name>`.

A learner that fails one probe and passes those before it lacks the ability that the probe adds. Frames are one plain
color, so that no crop, flip or rotation changes their meaning. No simulator is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from rad.envs.base import Frame, Simulator, UnitRange

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


class ProbeSpec(NamedTuple):
    """What a probe is: its kinds of episodes, equally likely, and two discrete actions or one in [-1, 1]."""

    cases: tuple[Case, ...]
    discrete: bool


_CASES = {  # the comment is the ability that a probe adds
    "value": (Case((GRAY,)),),  # a constant value
    "observation": (Case((DARK,), -1.0), Case((BRIGHT,), 1.0)),  # a value that depends on the image
    "discounting": (Case((DARK, BRIGHT)),),  # a reward one step later
    "action": (Case((GRAY,), target=0.5),),  # an action that matters
    "both": (Case((DARK,), target=-0.5), Case((BRIGHT,), target=0.5)),  # an action that depends on the image
    "color": (Case((RED,), target=-0.5), Case((GREEN,), target=0.5)),  # an action that depends on hue alone
}
PROBES = {f"{name}{kind}": ProbeSpec(cases, bool(kind)) for kind in ("", "-discrete") for name, cases in _CASES.items()}


def names() -> tuple[str, ...]:
    """Return the names of all probes."""
    return tuple(PROBES)


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
