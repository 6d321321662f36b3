"""How returns of different tasks are made comparable: as scores, of which 1 is the best that is possible."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rad.envs.suites import score_range


def normalize(returns: ArrayLike, task: str, options: Mapping[str, Any] | None = None) -> NDArray[np.float64]:
    """Scale returns of a task to scores: R / 1000 on dmc, (R - R_min) / (R_max - R_min) on procgen.

    Args:
        returns: undiscounted returns, any shape.
        task: a task of a suite with a published range of returns.
        options: of its suite, by name; of procgen `distribution_mode`, easy or hard, for nothing is published for the
            other modes, and `score_constants`, paper or train-procgen, which differ in jumper and leaper of easy; name
            them with the score.

    Raises:
        ValueError: If there are no such constants.

    Source: section 2.2 of Cobbe et al. 2020 for procgen.

    Example:
        >>> float(normalize(20.5, "procgen/bigfish", {"distribution_mode": "easy"}))
        0.5
    """
    low, high = score_range(task, options or {})
    return (np.asarray(returns, np.float64) - low) / (high - low)
