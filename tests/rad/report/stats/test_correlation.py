"""Rank correlations by hand, and intervals that hold what they should."""

import numpy as np
import pytest

from rad.report.stats.correlation import LEAST_PAIRS, spearman, spearman_interval


def test_by_hand() -> None:
    """Ranks 1 2 3 4 against 2 1 3 4: 1 - 6 * 2 / 60; with a tie, ranks 1.5 1.5 3 4: 4.5 / sqrt(4.5 * 5)."""
    assert spearman([1, 2, 3, 9], [2, 1, 3, 4]) == pytest.approx(0.8)
    assert spearman([1, 2, 3, 9], [9, 8, 7, 1]) == pytest.approx(-1.0)
    assert spearman([1, 1, 2, 7], [1, 2, 3, 4]) == pytest.approx(4.5 / np.sqrt(22.5))
    assert spearman([1, 1, 1], [1, 2, 3]) == 0.0


def test_an_interval_about_the_correlation() -> None:
    values = np.arange(10.0)
    assert spearman_interval(values, values**3) == (pytest.approx(1.0), pytest.approx(1.0), pytest.approx(1.0))
    noisy = spearman_interval(values, values + np.random.default_rng(0).normal(0, 5, 10))
    assert -1 < noisy.low < noisy.value < noisy.high < 1
    assert noisy == spearman_interval(values, values + np.random.default_rng(0).normal(0, 5, 10))


def test_it_holds_zero_where_there_is_nothing() -> None:
    rng, held = np.random.default_rng(1), 0
    for _ in range(40):
        interval = spearman_interval(*rng.random((2, 20)))
        held += interval.low <= 0 <= interval.high
    assert held >= 34


@pytest.mark.parametrize("second", [[1.0, 2.0, 3.0], [1.0] * LEAST_PAIRS])
def test_too_few_pairs_or_a_side_that_never_varies(second: list[float]) -> None:
    with pytest.raises(ValueError, match="pairs must be at least 4, of different values"):
        spearman_interval(range(len(second)), second)
