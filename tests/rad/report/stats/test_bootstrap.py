"""Intervals where they can be known: constants, two values, shifted copies; and how often they are right."""

from typing import Any

import numpy as np
import pytest

from rad.report.stats import bootstrap
from rad.report.stats.bootstrap import difference_interval, mean_interval


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_constants_have_an_interval_without_width() -> None:
    assert mean_interval([2.5] * 7) == (2.5, 2.5)
    assert mean_interval([0.1]) == (0.1, 0.1)
    assert difference_interval([3.0, 3.0], [1.0], paired=False) == (2.0, 2.0)


def test_the_interval_of_two_values() -> None:
    # Of draws of two from {0, 1}, the means 0, 1/2 and 1 have the shares 1/4, 1/2 and 1/4.
    assert mean_interval([0.0, 1.0], confidence=0.9) == (0.0, 1.0)
    assert mean_interval([0.0, 1.0], confidence=0.4) == (0.5, 0.5)


def test_both_ends_leave_out_as_much() -> None:
    # The means of many values are normal: 1.96 standard errors to both sides, 1.28 for 80 %.
    values = normal(0, 400)
    error = values.std() / 20
    for confidence, width in ((0.95, 1.96), (0.8, 1.2816)):
        low, high = mean_interval(values, confidence=confidence, samples=40_000)
        assert low == pytest.approx(values.mean() - width * error, abs=0.05 * error)
        assert high == pytest.approx(values.mean() + width * error, abs=0.05 * error)


def test_pairs_drop_the_chance_that_they_share() -> None:
    first = np.arange(12.0).reshape(3, 4)
    assert difference_interval(first, first - 5, paired=True) == (5.0, 5.0)
    low, high = difference_interval(first, first - 5, paired=False)
    assert low < 3.5 and high > 6.5
    # Two independent means: the error is that of one times the root of two.
    one_low, one_high = mean_interval(first)
    assert high - low == pytest.approx((one_high - one_low) * 2**0.5, rel=0.05)


def test_the_difference_is_first_minus_second() -> None:
    for paired in (True, False):
        low, high = difference_interval([10.0, 11.0, 12.0], [1.0, 2.0, 2.0], paired=paired)
        assert 7 < low < 29 / 3 - 0.1 and high < 12


def test_unpaired_values_may_differ_in_number() -> None:
    low, high = difference_interval(normal(0, 40) + 3, normal(1, 10), paired=False)
    assert 1 < low < 3 < high < 5


def test_a_shape_makes_no_difference() -> None:
    values = normal(0, 12)
    assert mean_interval(values) == mean_interval(values.reshape(3, 4)) == mean_interval(list(values))


def test_the_seed_decides_and_nothing_else() -> None:
    values, other = normal(0, 9), normal(1, 9)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    for interval in (
        lambda **options: mean_interval(values, samples=99, **options),
        lambda **options: difference_interval(values, other, paired=True, samples=99, **options),
        lambda **options: difference_interval(values, other, paired=False, samples=99, **options),
    ):
        assert interval() == interval(seed=0) != interval(seed=1)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_samples_and_confidence_reach_the_difference() -> None:
    values, other = normal(0, 9), normal(1, 9)
    for paired in (True, False):
        usual = difference_interval(values, other, paired=paired)
        assert usual != difference_interval(values, other, paired=paired, samples=50)
        low, high = difference_interval(values, other, paired=paired, confidence=0.5)
        assert usual[0] < low < high < usual[1]


def test_draws_in_blocks_are_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = bootstrap._means("values", normal(0, 7), 100, np.random.default_rng(0))
    monkeypatch.setattr(bootstrap, "BLOCK", 20)
    in_blocks = bootstrap._means("values", normal(0, 7), 100, np.random.default_rng(0))
    assert len(drawn) == len(in_blocks) == 100 and len(set(in_blocks)) > 90


def coverage(interval: Any, truth: float) -> float:
    ends = [interval(seed) for seed in range(1_000)]
    return float(np.mean([low <= truth <= high for low, high in ends]))


@pytest.mark.slow
def test_the_true_mean_is_inside_as_often_as_is_said() -> None:
    # The share of 1,000 cases has a standard error of 0.7 %.
    result = coverage(lambda seed: mean_interval(normal(seed, 50) + 3, samples=500), 3)
    assert 0.925 < result < 0.97
    result = coverage(lambda seed: mean_interval(normal(seed, 50) + 3, samples=500, confidence=0.6), 3)
    assert 0.55 < result < 0.65


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.slow
def test_the_true_difference_is_inside_as_often_as_is_said(paired: bool) -> None:
    def of_case(seed: int) -> tuple[float, float]:
        shared, own = normal(seed, 50), normal(seed + 10_000, 50)
        return difference_interval(shared + 2, (shared if paired else 0) + own, paired=paired, samples=500)

    assert 0.925 < coverage(of_case, 2) < 0.97


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mean_interval([]), "values must be at least 1 number, got none"),
        (lambda: difference_interval([], [1.0], paired=False), "first must be at least 1 number"),
        (lambda: difference_interval([1.0], [], paired=False), "second must be at least 1 number"),
        (lambda: mean_interval([1.0], confidence=1.0), "confidence must be between 0 and 1, got 1.0"),
        (lambda: mean_interval([1.0], confidence=0.0), "confidence must be between 0 and 1, got 0.0"),
        (lambda: mean_interval([1.0], samples=0), "samples must be at least 1, got 0"),
        (lambda: difference_interval([1.0, 2.0], [1.0], paired=True), r"one shape, got \[2\] and \[1\]"),
        (lambda: difference_interval([[1.0], [2.0]], [[1.0, 2.0]], paired=True), r"got \[2, 1\] and \[1, 2\]"),
    ],
)
def test_what_is_impossible_is_refused(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
