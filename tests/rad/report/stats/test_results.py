"""Numbers of groups, against those of the statistics they are made of."""

import math

import pytest

from rad.report.stats.bootstrap import Estimate
from rad.report.stats.comparisons import improvement_p_value
from rad.report.stats.results import across_tasks, on_train, results, scores_of
from tests.rad.report.seeds import groups_in, make_seed, make_seeds, rows_of

FINALS = {"none": [1.0, 2.0, 3.0, 4.0, 5.0], "crop": [11.0, 12.0, 13.0, 14.0, 40.0], "flip": [0.0, 6.0]}


def test_the_interquartile_mean_drops_a_quarter_at_each_end(tmp_path):
    _, crop, _ = results(groups_in(make_seeds(tmp_path, FINALS)))
    assert crop.iqm and crop.iqm.value == 13.0  # of 12, 13, 14
    assert 11 <= crop.iqm.low < 13 < crop.iqm.high <= 40


def test_comparisons_are_with_none_and_adjusted_for_their_number(tmp_path):
    none, crop, flip = results(groups_in(make_seeds(tmp_path, FINALS)))
    assert none.comparison is None
    assert crop.comparison and flip.comparison
    assert crop.comparison.probability.value == 1.0
    assert flip.comparison.probability.value == 0.5
    p_value = improvement_p_value({"": FINALS["crop"]}, {"": FINALS["none"]})
    assert crop.comparison.p_value == p_value
    assert crop.comparison.adjusted_p_value == pytest.approx(2 * p_value)


def test_a_single_run_has_no_interval_and_no_comparison(tmp_path):
    none, crop = results(groups_in(make_seeds(tmp_path, {"none": [1.0], "crop": [2.0, 3.0]})))
    assert none.iqm and none.iqm.value == 1.0 and none.iqm.low != none.iqm.low
    assert crop.comparison is None


def test_each_variant_is_compared_with_its_own_none(tmp_path):
    for size, shift in ((64, 0.0), (128, 100.0)):
        finals = {"none": [1.0 + shift, 2.0 + shift], "crop": [1.5 + shift, 9.0 + shift]}
        make_seeds(tmp_path / str(size), finals, agent={"batch_size": size})
    result = {one.group.method: one.comparison for one in results(groups_in(tmp_path))}
    assert [result[f"crop, batch_size={size}"].probability.value for size in (64, 128)] == [0.75, 0.75]


def test_a_group_without_a_finished_run_is_kept_empty(tmp_path):
    make_seed(tmp_path, "crop", 1, rows_of(3.0, upto=200))
    (result,) = results(groups_in(tmp_path))
    assert (result.returns, result.iqm, result.gaps) == ([], None, {})


def test_the_gap_is_of_the_same_agents(tmp_path):
    for seed, (train, test) in enumerate([(10.0, 8.0), (20.0, 18.0)], start=1):
        make_seed(tmp_path, "crop", seed, rows_of(train, test=test))
    (result,) = results(groups_in(tmp_path))
    assert result.gaps == {"test": Estimate(2.0, 2.0, 2.0)}


def test_scores_are_of_methods_with_a_run_on_every_task(tmp_path):
    make_seeds(tmp_path, {"none": [100.0], "crop": [200.0], "flip": [300.0]}, task="dmc/walker-walk")
    make_seeds(tmp_path, {"none": [400.0], "crop": [600.0]}, task="dmc/cheetah-run")
    scores = scores_of(groups_in(tmp_path))
    assert scores == {
        "none": {"dmc/cheetah-run": [0.4], "dmc/walker-walk": [0.1]},
        "crop": {"dmc/cheetah-run": [0.6], "dmc/walker-walk": [0.2]},
    }
    numbers, beside = across_tasks(scores)["crop"]
    assert numbers["mean"].value == pytest.approx(0.4) and beside is None
    assert all(math.isnan(one.low) and math.isnan(one.high) for one in numbers.values()), "of single runs"


def test_tasks_with_two_runs_each_have_intervals_and_a_comparison(tmp_path):
    for task in ("dmc/walker-walk", "dmc/cheetah-run"):
        make_seeds(tmp_path, {"none": [100.0, 120.0], "crop": [200.0, 250.0], "flip": [90.0, 300.0]}, task=task)
    groups = groups_in(tmp_path)
    scores = scores_of(groups)
    result = across_tasks(scores, groups)
    numbers, beside = result["crop"]
    assert numbers["mean"].low < numbers["mean"].value < numbers["mean"].high
    assert beside and beside.probability.value == 1.0 and math.isnan(beside.shown.low)
    assert result["flip"][1] and result["flip"][1].shown == result["flip"][1].probability
    assert result["none"][1] is None


def test_a_method_that_is_unlike_none_on_some_task_is_not_compared_over_all(tmp_path):
    finals = {"none": [100.0, 120.0], "crop": [200.0, 250.0], "flip": [90.0, 300.0]}
    make_seeds(tmp_path, finals, task="dmc/walker-walk")
    make_seeds(tmp_path, {name: finals[name] for name in ("none", "flip")}, task="dmc/cheetah-run")
    make_seeds(tmp_path, {"crop": finals["crop"]}, task="dmc/cheetah-run", render_quality="fast")
    groups = groups_in(tmp_path)
    crop = next(group for group in groups if group.augment == "crop" and group.task == "dmc/cheetah-run")
    assert crop.variant == ()
    compared = across_tasks(scores_of(groups), groups)
    assert [name for name, (_, comparison) in compared.items() if comparison] == ["flip"]


@pytest.mark.parametrize("other", [{"frames": 400}, {"render_quality": "fast"}])
def test_runs_of_other_length_or_quality_are_not_compared(tmp_path, other):
    make_seeds(tmp_path, {"none": [1.0, 2.0]}, **({"frames": 200} | other))
    make_seeds(tmp_path, {"crop": [3.0, 4.0]}, frames=200)
    groups = groups_in(tmp_path)
    _, crop = results(groups)
    assert crop.comparison is None and crop.returns == [3.0, 4.0]


def test_returns_on_other_splits_stand_beside_those_on_train(tmp_path):
    for seed, (train, test) in enumerate([(10.0, 8.0), (20.0, 18.0)], start=1):
        make_seed(tmp_path, "crop", seed, rows_of(train, test=test))
    groups = groups_in(tmp_path)
    assert results(groups)[0].tests["test"].value == 13.0 and on_train(groups) == " on train"
    assert on_train(groups_in(make_seeds(tmp_path / "plain", {"crop": [1.0]}))) == ""


def test_procgen_is_scaled_by_its_mode_and_constants(tmp_path):
    make_seeds(tmp_path, {"none": [20.5]}, task="procgen/bigfish", procgen={"distribution_mode": "easy"})
    assert scores_of(groups_in(tmp_path)) == {"none": {"procgen/bigfish": [0.5]}}


def test_a_task_without_a_known_range_has_no_scores(tmp_path):
    assert scores_of(groups_in(make_seeds(tmp_path, {"none": [1.0]}, task="probe/both"))) == {}
