"""Scores over tasks and runs, against slow loops, and intervals where they can be known."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rad.report.stats import bootstrap
from rad.report.stats.aggregates import HELD, aggregate, few_seeds_warning, performance_profile, sample_efficiency
from rad.report.stats.bootstrap import Band, Estimate, difference_interval
from tests.rad.report.stats.score_tables import TABLES, Table, table
from tests.reference import statistics as reference

SLOW = {
    "iqm": reference.iqm,
    "mean": reference.mean,
    "median": reference.median,
    "optimality_gap": reference.optimality_gap,
}
THRESHOLDS = np.linspace(-0.1, 1.3, 15)


@pytest.mark.parametrize("scores", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("name", SLOW)
def test_values_are_those_of_slow_loops(scores: Table, name: str) -> None:
    result = aggregate(scores, samples=1)
    assert tuple(result) == tuple(SLOW)
    assert result[name].value == pytest.approx(SLOW[name](scores), abs=1e-12)


@pytest.mark.parametrize("scores", TABLES.values(), ids=TABLES)
def test_profiles_are_those_of_slow_loops(scores: Table) -> None:
    thresholds = [*THRESHOLDS, *next(iter(scores.values()))]  # a run is not above itself
    slow = [reference.profile(scores, threshold) for threshold in thresholds]
    np.testing.assert_allclose(performance_profile(scores, thresholds, samples=1).value, slow, rtol=0, atol=1e-12)


def test_a_curve_is_the_iqm_at_each_point() -> None:
    curves = table(0, 5, 3, 4, points=7)
    slow = [reference.iqm({task: values[:, point] for task, values in curves.items()}) for point in range(7)]
    result = sample_efficiency(curves)
    np.testing.assert_allclose(result.value, slow, rtol=0, atol=1e-12)
    for point in range(7):
        alone = sample_efficiency({task: values[:, point : point + 1] for task, values in curves.items()})
        assert (result.low[point], result.high[point]) == (alone.low[0], alone.high[0])


def test_runs_by_hand() -> None:
    scores = {"a": [0, 0.25, 0.5, 0.75], "b": [1, 1.25, 1.25, 1], "c": [0.5, 1.5, 3, 4]}
    result = {name: estimate.value for name, estimate in aggregate(scores).items()}
    # Sorted: 0 .25 .5 | .5 .75 1 1 1.25 1.25 | 1.5 3 4. Means of the tasks: 0.375, 1.125 and 2.25.
    assert result["iqm"] == pytest.approx(5.75 / 6, abs=1e-15)
    assert (result["mean"], result["median"]) == (1.25, 1.125)
    # below 1: 1, 0.75, 0.5 and 0.25 in a, 0.5 in c: (2.5 / 4 + 0 + 0.5 / 4) / 3
    assert result["optimality_gap"] == pytest.approx(0.25, abs=1e-15)
    assert performance_profile(scores, [1.0]).value.tolist() == pytest.approx([(0 + 2 + 3) / 12])


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("which", ["equal", "unequal", "ties"])
def test_intervals_are_those_of_slow_loops(name: str, which: str) -> None:
    scores = TABLES[which]
    low, high = reference.interval(SLOW[name], [scores], 3_000, seed=1)
    result = aggregate(scores)[name]
    assert (result.low, result.high) == pytest.approx((low, high), abs=0.01)
    assert result.low < result.value < result.high


def test_the_interval_of_a_profile_is_that_of_slow_loops() -> None:
    scores = TABLES["unequal"]
    result = performance_profile(scores, [0.6])
    low, high = reference.interval(lambda drawn: reference.profile(drawn, 0.6), [scores], 3_000, seed=1)
    assert (result.low[0], result.high[0]) == pytest.approx((low, high), abs=0.01)


def test_runs_are_drawn_within_their_task() -> None:
    constant = {"a": [0.25] * 3, "b": [0.75] * 5}
    assert set(aggregate(constant)["mean"]) == {0.5}
    np.testing.assert_array_equal(np.stack(performance_profile(constant, [0.5])), [[0.5]] * 3)


def test_one_run_has_no_width() -> None:
    assert aggregate({"a": [0.5]}) == dict.fromkeys(SLOW, Estimate(0.5, 0.5, 0.5))


CALLS: dict[str, Callable[..., Any]] = {
    "aggregate": lambda **options: aggregate(TABLES["equal"], **options)["iqm"],
    "profile": lambda **options: performance_profile(TABLES["equal"], THRESHOLDS, **options),
    "curve": lambda **options: sample_efficiency(table(0, 5, 3, points=4), **options),
}


def flat(result: Estimate | Band) -> list[float]:
    return np.stack(result).ravel().tolist()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_options_reach_the_intervals(call: Callable[..., Any]) -> None:
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    usual = flat(call())
    assert usual == flat(call(seed=0)) != flat(call(seed=1))
    assert usual != flat(call(samples=100))
    assert np.mean(call(confidence=0.5).high) < np.mean(call().high)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_draws_in_blocks_are_the_same_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = aggregate(TABLES["equal"])["iqm"]
    monkeypatch.setattr(bootstrap, "BLOCK", 7_000)
    assert aggregate(TABLES["equal"])["iqm"] == pytest.approx(whole, abs=0.003)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.slow
def test_intervals_hold_as_often_as_the_warning_says(seeds: int) -> None:
    held = {"iqm": 0, "difference": 0}
    for case in range(1_000):
        runs, others = np.random.default_rng(case).normal(0.5, 0.1, (2, seeds))
        iqm = aggregate({"": runs}, samples=400)["iqm"]
        low, high = difference_interval(runs, others, paired=False, samples=400)
        held["iqm"] += iqm.low <= 0.5 <= iqm.high
        held["difference"] += low <= 0 <= high
    for name, count in held.items():
        assert count / 10 == pytest.approx(HELD[name][seeds], abs=4)  # its standard error is up to 1.6


def test_few_seeds_are_warned_of() -> None:
    assert few_seeds_warning(5) == few_seeds_warning(20) == ""
    assert few_seeds_warning(3) == (
        "3 seeds: nominal 95 % intervals contain the true value in about 75 % of cases, with 5 seeds in 89 %; "
        "use 5 or more"
    )
    assert "in about 80 % of cases, with 5 seeds in 88 %" in few_seeds_warning(3, of="difference")
    assert few_seeds_warning(1).startswith("1 seed: no interval, as nothing is known of the spread of training")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: aggregate({}), "scores must be of at least 1 task, got none"),
        (lambda: aggregate({"a": []}), r"scores of a are of shape \[0\]; expected \[runs\], at least 1"),
        (lambda: aggregate({"a": [[1.0]]}), r"scores of a are of shape \[1, 1\]; expected \[runs\]"),
        (lambda: aggregate({"a": [1.0, np.nan]}), "scores of a hold a number that is not finite"),
        (lambda: aggregate({"a": [1.0]}, samples=0), "samples must be at least 1, got 0"),
        (lambda: aggregate({"a": [1.0]}, confidence=1.0), "confidence must be between 0 and 1, got 1.0"),
        (lambda: performance_profile({"a": [1.0]}, []), r"thresholds are of shape \[0\]; expected \[thresholds\]"),
        (lambda: sample_efficiency({"a": [1.0]}), r"scores of a are of shape \[1\]; expected \[runs, points\]"),
        (lambda: sample_efficiency({"a": [[1.0]], "b": [[1.0, 2.0]]}), "scores have 1, 2 points; expected one number"),
        (lambda: few_seeds_warning(0), "num_seeds must be at least 1, got 0"),
    ],
)
def test_what_is_impossible_is_refused(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
