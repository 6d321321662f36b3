"""Methods compared over tasks and runs, against slow loops, every deal of the runs, and cases by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rad.report.stats import bootstrap
from rad.report.stats.bootstrap import Estimate
from rad.report.stats.comparisons import (
    compare,
    generalization_gap,
    holm,
    improvement_p_value,
    probability_of_improvement,
)
from tests.rad.report.stats.score_tables import EQUAL, TABLES, Table, table
from tests.reference import statistics as reference

OTHERS = {
    "equal": table(10, *EQUAL),
    "unequal": table(11, 4, 2, 5, 10, 1),
    "even number of tasks": table(12, 3, 3, 3, 3),
    "ties": table(13, *EQUAL, decimals=1),
    "one task": table(14, 3),
    "one run": table(15, 1),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_probability_is_that_of_slow_loops(name: str) -> None:
    first, second = TABLES[name], OTHERS[name]
    forward = probability_of_improvement(first, second, samples=1).value
    assert forward == pytest.approx(reference.improvement(first, second), abs=1e-12)
    assert probability_of_improvement(second, first, samples=1).value == pytest.approx(1 - forward, abs=1e-12)


@pytest.mark.parametrize("name", ["equal", "unequal", "ties"])
@pytest.mark.slow
def test_the_interval_is_that_of_slow_loops(name: str) -> None:
    first, second = TABLES[name], OTHERS[name]
    result = probability_of_improvement(first, second)
    low, high = reference.interval(reference.improvement, [first, second], 3_000, seed=1)
    assert (result.low, result.high) == pytest.approx((low, high), abs=0.01)


def test_improvement_by_hand() -> None:
    # a: 3 of 4 pairs are won, 5 against 1 and 4, 2 against 1; b: one tie; so (0.75 + 0.5) / 2.
    first, second = {"a": [5, 2], "b": [1]}, {"b": [1], "a": [1, 4]}
    assert probability_of_improvement(first, second).value == 0.625
    assert tuple(probability_of_improvement({"a": [2, 3]}, {"a": [1, 0]})) == (1, 1, 1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (table(0, 3), table(1, 3)),
        ({"a": [5.0, 6, 7]}, {"a": [1.0, 2, 3]}),
        (table(2, 3, 3), table(3, 3, 2)),
        (table(4, 3, 3, decimals=1), table(5, 3, 3, decimals=1)),
    ],
)
def test_p_values_are_those_of_every_deal(first: Table, second: Table) -> None:
    result = improvement_p_value(first, second)
    assert result == pytest.approx(reference.improvement_p_value(first, second), abs=0.015)
    assert result == pytest.approx(improvement_p_value(second, first), abs=0.015)


def test_p_values_by_hand() -> None:
    # Two of the 20 deals of 3 and 3 runs are as one-sided as this one: p = 0.1. The smallest is one of all drawn.
    assert improvement_p_value({"a": [5, 6, 7]}, {"a": [1, 2, 3]}) == 0.1  # 2 of 20 deals
    assert improvement_p_value({"a": [5, 6, 7]}, {"a": [1, 2, 3]}, samples=19) != 0.1  # dealt by chance
    two = improvement_p_value({"a": [5, 6, 7], "b": [3, 4]}, {"a": [1, 2, 3], "b": [1, 2]})
    assert two == pytest.approx(2 / 120)
    assert improvement_p_value({"a": [1, 1]}, {"a": [1, 1, 1]}) == 1
    far = {f"task {number}": np.arange(10.0) for number in range(6)}
    assert improvement_p_value({task: runs + 20 for task, runs in far.items()}, far, samples=999) == 1 / 1000


def test_chance_is_called_an_improvement_as_seldom_as_is_said() -> None:
    result = []
    for case in range(400):
        runs = np.random.default_rng(case).normal([[0.3], [0.8]], 0.1, (2, 2, 5))  # [method, task, run]
        first, second = (dict(zip("ab", side)) for side in runs)
        result.append(improvement_p_value(first, second, samples=400))
    assert 0.02 < np.mean(np.array(result) <= 0.05) < 0.08
    assert 0.4 < np.mean(np.array(result) <= 0.5) < 0.6


@pytest.mark.parametrize(
    "p_values", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.5, 0.9], [0.02], [], [0.04, 0.01, 0.01], list(np.linspace(0, 1, 7))]
)
def test_holm_is_that_of_slow_loops(p_values: list[float]) -> None:
    named = {f"method {number}": p for number, p in enumerate(p_values)}
    result = holm(named)
    assert list(result) == list(named)
    assert list(result.values()) == pytest.approx(reference.holm(p_values), abs=1e-12)


def test_holm_by_hand() -> None:
    # Smallest first: 4 * 0.005, 3 * 0.01, 2 * 0.03, and 0.04, which may not fall below 0.06.
    result = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert result == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})


def test_methods_are_compared_with_one() -> None:
    methods = {"none": table(0, 5, 5), "crop": table(1, 5, 5), "flip": table(2, 5, 5)}
    result = compare({name: (methods[name], methods["none"]) for name in ("crop", "flip")})
    assert list(result) == ["crop", "flip"]
    p_values = {}
    for name, comparison in result.items():
        assert comparison.probability == probability_of_improvement(methods[name], methods["none"])
        p_values[name] = improvement_p_value(methods[name], methods["none"])
        assert comparison.p_value == p_values[name]
    assert {name: comparison.adjusted_p_value for name, comparison in result.items()} == holm(p_values)


def test_the_gap_is_paired_by_seed() -> None:
    train = {"a": [0.9, 0.1], "b": [0.5, 0.6, 0.7]}
    test = {"b": [0.25, 0.35, 0.45], "a": [0.65, -0.15]}
    assert generalization_gap(train, test) == pytest.approx(Estimate(0.25, 0.25, 0.25))


def test_the_interval_of_the_gap_is_that_of_slow_loops() -> None:
    train, test = table(0, 3, 5, 8), table(1, 3, 5, 8)
    differences = {task: train[task] - test[task] for task in train}
    low, high = reference.interval(reference.mean, [differences], 3_000, seed=1)
    result = generalization_gap(train, test)
    assert result.value == pytest.approx(reference.mean(differences), abs=1e-12)
    assert (result.low, result.high) == pytest.approx((low, high), abs=0.01)


FIRST, SECOND = table(0, 9, 8, 7), table(1, 9, 8, 7)
CALLS: dict[str, Callable[..., Any]] = {
    "probability": lambda **options: probability_of_improvement(FIRST, SECOND, **options),
    "gap": lambda **options: generalization_gap(FIRST, SECOND, **options),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_options_reach_the_intervals(call: Callable[..., Estimate]) -> None:
    usual = call()
    assert usual == call(seed=0) != call(seed=1)
    assert usual != call(samples=100)
    narrow = call(confidence=0.5)
    assert usual.low < narrow.low < narrow.high < usual.high


def test_options_reach_the_p_values() -> None:
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    usual = improvement_p_value(FIRST, SECOND)
    assert usual == improvement_p_value(FIRST, SECOND, seed=0) != improvement_p_value(FIRST, SECOND, seed=1)
    assert improvement_p_value(FIRST, SECOND, samples=50) != usual
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_deals_in_blocks_are_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = improvement_p_value(FIRST, SECOND)
    monkeypatch.setattr(bootstrap, "BLOCK", 1_000)
    assert improvement_p_value(FIRST, SECOND) == pytest.approx(whole, abs=0.02)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: probability_of_improvement({"a": [1], "b": [1]}, {"a": [1]}), "tasks differ: only one side has b;"),
        (
            lambda: improvement_p_value({"a": [1]}, {"c": [1]}),
            "tasks differ: only one side has a, c; expected the same",
        ),
        (lambda: improvement_p_value({"a": [1]}, {"a": [2]}, samples=0), "samples must be at least 1, got 0"),
        (lambda: generalization_gap({"a": [1]}, {"b": [1]}), "tasks differ: only one side has a, b"),
        (lambda: generalization_gap({"a": [1, 2]}, {"a": [1]}), "runs of a are 2 on train and 1 on test; expected the"),
        (lambda: holm({"a": 1.5}), "p-value of a must be from 0 to 1, got 1.5"),
        (lambda: holm({"a": float("nan")}), "p-value of a must be from 0 to 1, got nan"),
    ],
)
def test_what_is_impossible_is_refused(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
