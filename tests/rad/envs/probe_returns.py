"""Mean returns of the probes, undiscounted: of the best, of uniform random actions, and of the best blind policy.

Continuous: the mean of 1 - 4 (a -+ 1/2)^2 over a uniform in [-1, 1] is 1 - 4 (1/3 + 1/4) = -4/3, and a = 0 is the best
without sight: 1 - 4/4 = 0.
"""

from typing import NamedTuple

from rad.envs.probe import PROBES


class Returns(NamedTuple):
    optimal: float
    random: float
    blind: float


_WITHOUT_ACTIONS = {"value": (1.0, 1.0, 1.0), "observation": (0.0, 0.0, 0.0), "discounting": (1.0, 1.0, 1.0)}
_BEST_AND_BLIND = {"action": (1.0, 1.0), "both": (1.0, 0.0), "color": (1.0, 0.0)}


def returns_of(name: str) -> Returns:
    kind = name.removesuffix("-discrete")
    if kind in _WITHOUT_ACTIONS:
        return Returns(*_WITHOUT_ACTIONS[kind])
    optimal, blind = _BEST_AND_BLIND[kind]
    return Returns(optimal, 0.0 if PROBES[name].discrete else -4 / 3, blind)


def values(name: str, gamma: float) -> tuple[float, ...]:
    """Return the optimal value of each case's first frame under discount `gamma`."""
    return tuple(gamma ** (len(case.colors) - 1) * case.reward for case in PROBES[name].cases)
