"""Rank correlation of paired values, over all or within groups, and its interval over pairs such as agents."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rad.report.stats.bootstrap import CONFIDENCE, Estimate

Array = NDArray[np.float64]
Places = NDArray[np.intp]

LEAST_PAIRS = 4  # of three, every second order has a correlation of 0.5 or more, up or down
SAMPLES = 2_000


def spearman(first: ArrayLike, second: ArrayLike, groups: Sequence[str] | None = None) -> float:
    """Return Spearman's rank correlation of paired values, in -1..1; ties share the mean of their ranks.

    With `groups`, a name for each pair, it is the one within them: of the ranks over all pairs, less the mean rank of
    the pair's group, so that what differs from group to group has no part in it. Where a side's ranks are all equal,
    over all or within each group, the correlation is 0.
    """
    correlation = float(_correlations(_pairs(first, second), _members(np.size(first), groups)))
    return 0.0 if np.isnan(correlation) else correlation


def spearman_interval(first: ArrayLike, second: ArrayLike, groups: Sequence[str] | None = None) -> Estimate | None:
    """Return `spearman` with its 95 % interval: pairs are drawn with replacement, as many as there are in each group.

    Draws in which a side does not vary are left out. Few pairs make the interval too narrow: None is returned for fewer
    than `LEAST_PAIRS`, of G groups for fewer than `LEAST_PAIRS - 1 + G`, and where a side has one value only, over all
    or in each group.
    """
    pairs = _pairs(first, second)
    members = _members(pairs.shape[1], groups)
    correlation = float(_correlations(pairs, members))
    if pairs.shape[1] - len(members) < LEAST_PAIRS - 1 or np.isnan(correlation):
        return None
    rng, places = np.random.default_rng(0), np.empty((SAMPLES, pairs.shape[1]), np.intp)
    for group in members:
        places[:, group] = group[rng.integers(len(group), size=(SAMPLES, len(group)))]
    drawn = _correlations(pairs[:, places], members)
    low, high = np.nanquantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).tolist()
    return Estimate(correlation, low, high)


def _pairs(first: ArrayLike, second: ArrayLike) -> Array:
    return np.stack([np.asarray(first, np.float64), np.asarray(second, np.float64)])


def _members(count: int, groups: Sequence[str] | None) -> list[Places]:
    """Return the places of each group's pairs; all are one group where none is given."""
    if groups is None:
        return [np.arange(count)]
    return [np.flatnonzero([group == name for group in groups]) for name in dict.fromkeys(groups)]


def _correlations(pairs: Array, members: Sequence[Places]) -> Array:
    """Return the correlations [...] of pairs [2, ..., N]; NaN where a side does not vary."""
    ranks = _centered_ranks(pairs)
    for group in members:
        ranks[..., group] -= ranks[..., group].mean(-1, keepdims=True)
    a, b = ranks
    scale = np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    return np.divide((a * b).sum(-1), scale, out=np.full_like(scale, np.nan), where=scale > 1e-9)


def _centered_ranks(values: Array) -> Array:
    """Return the ranks along the last axis less their mean; equal values share the mean of their ranks."""
    order = values.argsort(-1)
    ordered = np.take_along_axis(values, order, -1)
    starts = np.insert(ordered[..., 1:] != ordered[..., :-1], 0, True, axis=-1)  # of equal values
    places = np.arange(values.shape[-1])
    first = np.maximum.accumulate(np.where(starts, places, 0), -1)
    ends = np.roll(starts, -1, -1)
    last = np.minimum.accumulate(np.where(ends, places, places[-1])[..., ::-1], -1)[..., ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last - places[-1]) / 2, -1)
    return ranks
