"""Returns of ordered pairs of augmentations as a matrix."""

import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rad.report.stats.results import NONE, Result

LEAST_PAIRS = 0.6  # of the ordered pairs; with fewer a matrix is mostly empty


class PairMatrix(NamedTuple):
    """Returns of pairs of N augmentations."""

    names: list[str]
    iqms: NDArray[np.float64]  # [N, N], of row+column, of one alone on the diagonal; NaN where there is no run
    none: float | None  # without augmentation
    runs: list[int]  # how many a pair has, the different numbers in order


def pair_matrix(results: Sequence[Result]) -> PairMatrix | None:
    """Return the returns of the pairs `a+b` of a task.

    Its augmentations are those that are part of a pair. None unless all augmentations of the task are single or such
    pairs, and most of the pairs are there.
    """
    plain = [result for result in results if not result.group.variant and " " not in result.group.augment]
    iqms = {result.group.augment: result.iqm.value for result in plain if result.iqm}
    chains = {augment: augment.split("+") for augment in sorted(iqms, key=lambda augment: "+" in augment)}
    paired = {part for parts in chains.values() if len(parts) > 1 for part in parts}
    names = [name for name in dict.fromkeys(part for parts in chains.values() for part in parts) if name in paired]
    wanted = [first if first == second else f"{first}+{second}" for first, second in product(names, repeat=2)]
    num_pairs = sum("+" in text and text in iqms for text in wanted)
    has_longer = any(len(parts) > 2 for parts in chains.values())
    if not names or has_longer or num_pairs < LEAST_PAIRS * len(names) * (len(names) - 1):
        return None
    matrix = np.array([iqms.get(text, math.nan) for text in wanted]).reshape(len(names), len(names))
    runs = {len(result.returns) for result in plain if result.group.augment in wanted} - {0}
    return PairMatrix(names, matrix, iqms.get(NONE), sorted(runs))
