"""Ranges of numbers: the kinds that there are, and those of the fields that every run has."""

import math
from collections.abc import Callable
from typing import Any

from rad.settings import SettingError

Bound = tuple[Callable[[Any], bool], str]

AT_LEAST_0: Bound = (lambda value: value >= 0, "at least 0")
AT_LEAST_1: Bound = (lambda value: value >= 1, "at least 1")
POSITIVE: Bound = (lambda value: 0 < value < math.inf, "above 0")
RATE: Bound = (lambda value: 0 < value <= 1, "above 0 and at most 1")
SHARE: Bound = (lambda value: 0 <= value <= 1, "from 0 to 1")
SIDE: Bound = (lambda value: value == 0 or 16 <= value <= 1024, "0 (the default) or from 16 to 1024")
WEIGHT: Bound = (lambda value: 0 <= value < math.inf, "at least 0 and finite")
FINITE: Bound = (math.isfinite, "finite")
WIDTH: Bound = (lambda value: 1 <= value <= 2**16, "from 1 to 65,536")  # what is larger is a typo


def check_bound(field: str, value: Any, bound: Bound) -> None:
    """Check a number against its range.

    Raises:
        SettingError: it is outside.
    """
    allowed, words = bound
    if not allowed(value):
        raise SettingError(field, value, words)


RUN_BOUNDS: dict[str, Bound] = {
    "camera_id": (lambda value: value >= -1, "at least -1"),
    "seed": (lambda value: 0 <= value < 2**63, "from 0 to 2^63 - 1"),
    "image_size": SIDE,
    "video_size": (lambda value: 16 <= value <= 1024, "from 16 to 1024"),
    "threads": (lambda value: 0 <= value <= 1024, "from 0 to 1024"),
    **dict.fromkeys(("action_repeat", "eval_every", "eval_workers", "checkpoint_every"), AT_LEAST_0),
    **dict.fromkeys(("frames", "frame_stack", "num_envs", "eval_envs", "eval_episodes", "log_every"), AT_LEAST_1),
}
