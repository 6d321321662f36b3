"""Our statistics beside those of rliable, where that is installed.

It does not belong to the environment: it is not imported beside pandas 3, and needs `pip install rliable 'pandas<3'`.
"""

import warnings

import numpy as np
import pytest

from rad.report.stats.aggregates import aggregate, performance_profile, sample_efficiency
from rad.report.stats.bootstrap import Estimate
from rad.report.stats.comparisons import probability_of_improvement
from tests.rad.report.stats.score_tables import Table, table

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from rliable import library, metrics
except (ImportError, TypeError) as error:  # a TypeError is what its import ends with beside pandas 3
    pytest.skip(f"optional: rliable 1.2.0 with pandas below 3 ({error})", allow_module_level=True)

THEIRS = {
    "iqm": metrics.aggregate_iqm,
    "mean": metrics.aggregate_mean,
    "median": metrics.aggregate_median,
    "optimality_gap": metrics.aggregate_optimality_gap,
}
SIZES = ((3,) * 6, (5,) * 6, (10,) * 6, (10,) * 16, (7,))
CASES = [table(seed, *sizes, decimals=decimals) for seed in range(4) for sizes in SIZES for decimals in (12, 1)]
SAMPLES = 20_000


@pytest.fixture(autouse=True)
def their_draws() -> None:
    """Seed NumPy's global chance: rliable draws from it, whatever random state it is given."""
    np.random.seed(0)  # noqa: NPY002


def matrix(scores: Table) -> np.ndarray:
    """Return [runs, tasks, ...], as rliable takes scores."""
    return np.stack(list(scores.values()), axis=1)


@pytest.mark.parametrize("name", THEIRS)
def test_aggregates_are_equal(name: str) -> None:
    for scores in CASES:
        assert aggregate(scores, samples=1)[name].value == pytest.approx(THEIRS[name](matrix(scores)), abs=1e-12)


def test_profiles_are_equal() -> None:
    thresholds = np.linspace(-0.1, 1.3, 141)
    for scores in CASES:
        theirs = library.score_distributions(matrix(scores), thresholds)
        np.testing.assert_allclose(performance_profile(scores, thresholds, samples=1).value, theirs, rtol=0, atol=1e-12)


def test_probabilities_of_improvement_are_equal() -> None:
    for scores, others in zip(CASES, CASES[len(SIZES) * 2 :]):
        theirs = metrics.probability_of_improvement(matrix(scores), matrix(others))
        assert probability_of_improvement(scores, others, samples=1).value == pytest.approx(theirs, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("runs", [5, 10])
def test_intervals_of_aggregates_are_close(runs: int) -> None:
    scores = table(0, *(runs,) * 6)
    ours = aggregate(scores)
    _, theirs = library.get_interval_estimates(
        {"": matrix(scores)}, lambda x: np.array([metric(x) for metric in THEIRS.values()]), reps=SAMPLES
    )
    for name, (low, high) in zip(THEIRS, theirs[""].T):
        assert (ours[name].low, ours[name].high) == pytest.approx((low, high), abs=0.01)


@pytest.mark.slow
def test_the_interval_of_an_improvement_is_close() -> None:
    scores, others = table(0, *(10,) * 6), table(1, *(10,) * 6)
    ours = probability_of_improvement(scores, others)
    value, theirs = library.get_interval_estimates(
        {"": [matrix(scores), matrix(others)]}, metrics.probability_of_improvement, reps=2_000
    )
    assert ours == pytest.approx(Estimate(value[""], *theirs[""].ravel()), abs=0.01)


@pytest.mark.slow
def test_profiles_and_curves_have_close_intervals() -> None:
    thresholds = np.linspace(0, 1.2, 13)
    for tasks, step in ((6, 1 / 60), (16, 1 / 160)):  # a profile moves in steps of one run
        scores = table(0, *(10,) * tasks)
        _, theirs = library.create_performance_profile({"": matrix(scores)}, thresholds, reps=SAMPLES)
        ours = performance_profile(scores, thresholds)
        np.testing.assert_allclose([ours.low, ours.high], theirs[""], rtol=0, atol=step + 1e-9)
    curves = table(0, *(10,) * 6, points=5)
    values, theirs = library.get_interval_estimates(
        {"": matrix(curves)}, lambda x: np.array([metrics.aggregate_iqm(x[..., i]) for i in range(5)]), reps=SAMPLES
    )
    ours = sample_efficiency(curves)
    np.testing.assert_allclose(ours.value, values[""], rtol=0, atol=1e-12)
    np.testing.assert_allclose([ours.low, ours.high], theirs[""], rtol=0, atol=0.01)
