"""The matrix of pairs, gaps and profiles: what is drawn where, and when not."""

import math

import numpy as np
import pytest

from rad.report.draw.charts import gaps_figure, pairs_figure, profile_figure
from rad.report.stats.results import results
from tests.rad.report.seeds import groups_in, make_seed, make_seeds, rows_of

PAIRS = {"none": [1.0], "crop": [2.0], "flip": [3.0], "crop+flip": [4.0], "flip+crop": [5.0]}


def of(tmp_path, finals):
    return results(groups_in(make_seeds(tmp_path, finals)))


@pytest.mark.slow
def test_pairs_stand_in_a_matrix_with_each_alone_on_the_diagonal(tmp_path, drawn):
    (figure,) = pairs_figure("dmc/walker-walk", of(tmp_path, PAIRS))
    axes = drawn[0].axes[0]
    assert axes.images[0].get_array().tolist() == [[2.0, 4.0], [5.0, 3.0]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["crop", "flip"]
    assert "none alone: 1.0" in drawn[0].get_suptitle()
    assert figure.name == "pairs-dmc-walker-walk" and "row is applied first" in figure.caption
    assert figure.caption.endswith("a single seed each, which says nothing about other seeds.")
    (figure,) = pairs_figure("t", of(tmp_path / "more", PAIRS | {"crop": [1.0, 3.0]}))
    assert figure.caption.endswith("Interquartile means at the end, of 1 or 2 runs.")


def test_what_was_tried_alone_only_is_no_part_of_the_matrix(tmp_path, drawn):
    assert pairs_figure("t", of(tmp_path, {"rotate": [9.0], **PAIRS}))
    axes = drawn[0].axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["crop", "flip"]
    assert axes.images[0].get_array().max() == 5.0


def test_a_pair_that_is_missing_is_left_blank(tmp_path, drawn):
    more = {"cutout": [6.0], "crop+cutout": [7.0], "cutout+crop": [8.0]}
    assert pairs_figure("t", of(tmp_path, PAIRS | more))
    array = np.ma.filled(drawn[0].axes[0].images[0].get_array(), math.nan)
    assert np.isnan(array).nonzero()[0].tolist() == [1, 2] and np.isnan(array).nonzero()[1].tolist() == [2, 1]


@pytest.mark.parametrize(
    "names", [["none", "crop", "flip"], ["crop", "flip", "crop+flip"], [*PAIRS, "crop+flip+rotate"], ["none"]]
)
def test_other_lists_have_no_matrix(tmp_path, names):
    assert pairs_figure("t", of(tmp_path, {name: [1.0] for name in names})) == []


def test_gaps_have_a_dot_and_a_bar_over_seeds(tmp_path, drawn):
    for seed, (train, test) in enumerate([(10.0, 8.0), (20.0, 12.0)], start=1):
        make_seed(tmp_path, "crop", seed, rows_of(train, test=test))
    make_seed(tmp_path, "none", 1, rows_of(9.0, test=8.0))
    (figure,) = gaps_figure("t", results(groups_in(tmp_path)))
    none, crop, bar, zero = drawn[0].axes[0].get_lines()
    assert (list(none.get_xdata()), list(crop.get_xdata()), list(bar.get_xdata())) == ([1.0], [5.0], [2.0, 8.0])
    assert list(zero.get_xdata()) == [0, 0]
    assert [label.get_text() for label in drawn[0].axes[0].get_yticklabels()] == ["none", "crop"]
    assert figure.name == "gaps-t"


def test_without_other_splits_there_are_no_gaps(tmp_path):
    assert gaps_figure("t", of(tmp_path, {"crop": [1.0]})) == []


def test_a_profile_is_the_share_of_runs_above_each_score(drawn):
    scores = {"crop": {"a": [0.25, 0.75], "b": [0.75]}, "none": {"a": [0.1], "b": [0.1]}}
    (figure,) = profile_figure(scores)
    crop, none = drawn[0].axes[0].get_lines()
    at = dict(np.round(crop.get_xydata(), 6).tolist())
    assert (at[0.2], at[0.5], at[0.8]) == (1.0, 0.75, 0.0)
    assert none.get_label() == "none" and figure.name == "profile"


@pytest.mark.parametrize(
    ("scores", "is_drawn"),
    [({}, False), ({"crop": {"a": [0.5] * 9}}, False), ({"crop": {"a": [0.5] * 10}}, True)],
)
def test_a_profile_of_one_task_needs_runs(scores, is_drawn):
    assert bool(profile_figure(scores)) == is_drawn
