"""Normalized scores, which make returns of different tasks comparable: 1 is the best possible."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rad.envs.suites import score_range


def normalize(returns: ArrayLike, task: str, options: Mapping[str, Any] | None = None) -> NDArray[np.float64]:
    """Scale returns of a task to scores: R / 1000 on dmc, (R - R_min) / (R_max - R_min) on procgen.

    Returns are undiscounted. Options of procgen are `distribution_mode`, easy or hard, as nothing is published for the
    other modes, and `score_constants`, paper or train-procgen, which differ in jumper and leaper of easy; name them
    with the score.

    Raises:
        ValueError: no range of returns is published for the task with these options.

    Source: section 2.2 of Cobbe et al. 2020 for procgen.

    Example:
        >>> float(normalize(20.5, "procgen/bigfish", {"distribution_mode": "easy"}))
        0.5
    """
    low, high = score_range(task, options or {})
    return (np.asarray(returns, np.float64) - low) / (high - low)
