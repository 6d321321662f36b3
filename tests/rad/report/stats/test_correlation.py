"""Rank correlations by hand, and intervals that hold what they should."""

import numpy as np
import pytest
from numpy.typing import ArrayLike

from rad.report.stats.bootstrap import Estimate
from rad.report.stats.correlation import LEAST_PAIRS, spearman, spearman_interval


def test_by_hand() -> None:
    """Ranks 1 2 3 4 against 2 1 3 4: 1 - 6 * 2 / 60; with a tie, ranks 1.5 1.5 3 4: 4.5 / sqrt(4.5 * 5)."""
    assert spearman([1, 2, 3, 9], [2, 1, 3, 4]) == pytest.approx(0.8)
    assert spearman([1, 2, 3, 9], [9, 8, 7, 1]) == pytest.approx(-1.0)
    assert spearman([1, 1, 2, 7], [1, 2, 3, 4]) == pytest.approx(4.5 / np.sqrt(22.5))
    assert spearman([1, 1, 1], [1, 2, 3]) == 0.0


def test_many_values_fit_into_memory() -> None:
    """The pixels of a map are thousands: nothing may grow with the square of their number."""
    values = np.random.default_rng(0).random(300_000).round(4)  # with ties
    assert spearman(values, values**3) == pytest.approx(1.0) and abs(spearman(values, values[::-1])) < 0.01


def test_an_interval_about_the_correlation() -> None:
    values = np.arange(10.0)
    assert interval(values, values**3) == (pytest.approx(1.0), pytest.approx(1.0), pytest.approx(1.0))
    noisy = interval(values, values + np.random.default_rng(0).normal(0, 5, 10))
    assert -1 < noisy.low < noisy.value < noisy.high < 1
    assert noisy == interval(values, values + np.random.default_rng(0).normal(0, 5, 10))


def test_it_holds_zero_where_there_is_nothing() -> None:
    rng, held = np.random.default_rng(1), 0
    for _ in range(40):
        found = interval(*rng.random((2, 20)))
        held += found.low <= 0 <= found.high
    assert held >= 34


@pytest.mark.parametrize("second", [[1.0, 2.0, 3.0], [1.0] * LEAST_PAIRS])
def test_too_few_pairs_or_a_side_that_never_varies(second: list[float]) -> None:
    assert spearman_interval(range(len(second)), second) is None


def test_within_groups_by_hand() -> None:
    """Ranks 1 2 3 | 4 5 6 against 5 4 6 | 2 1 3, less the groups' means: -1 0 1 against 0 -1 1 in each: 2 / (2 * 2)."""
    first, second, groups = [1, 2, 3, 10, 11, 12], [5, 4, 6, 2, 1, 3], ["a"] * 3 + ["b"] * 3
    assert spearman(first, second, groups) == pytest.approx(0.5)
    assert spearman(first, second) < 0, "over all, the groups' difference decides"
    mixed = [0, 3, 1, 4, 2, 5]
    assert spearman(*([values[i] for i in mixed] for values in (first, second, groups))) == pytest.approx(0.5)
    assert spearman([1, 2], [1, 2], ["a", "b"]) == 0.0, "a group of one says nothing"


def test_what_differs_between_groups_has_no_part() -> None:
    rng = np.random.default_rng(2)
    groups, held = ["a"] * 5 + ["b"] * 5 + ["c"] * 5, 0
    offsets = np.repeat([0.0, 5.0, 10.0], 5)
    for _ in range(40):
        first, second = rng.random((2, 15)) + offsets
        found = interval(first, second, groups)
        held += found.low <= 0 <= found.high
        assert interval(first, second).low > 0, "over all, it correlates"
    assert held >= 33


@pytest.mark.parametrize(
    ("first", "groups"),
    [([1, 2, 3, 4, 5], list("aabbc")), ([1, 1, 1, 2, 2, 2], list("aaabbb"))],
    ids=["two pairs beyond the means", "one value in each group"],
)
def test_too_few_pairs_within_groups(first: list[int], groups: list[str]) -> None:
    assert spearman_interval(first, range(len(first)), groups) is None
    assert spearman_interval(range(6), [2, 1, 3, 5, 4, 6], list("aaabbc")) is not None


def interval(first: ArrayLike, second: ArrayLike, groups: list[str] | None = None) -> Estimate:
    estimate = spearman_interval(first, second, groups)
    assert estimate is not None
    return estimate
