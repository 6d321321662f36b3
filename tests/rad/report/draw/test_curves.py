"""Curves over seeds: which runs and points count, and what is drawn."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from rad.report.draw.curves import curve_figures
from rad.report.draw.style import COLORS
from rad.report.stats.curves import group_curve
from tests.rad.report.seeds import groups_in, make_seed, make_seeds, rows_of, scored


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_curve_is_the_interquartile_mean_over_seeds(tmp_path):
    (group,) = groups_in(make_seeds(tmp_path, {"crop": [2.0, 4.0, 6.0, 8.0, 100.0]}))
    result = group_curve(group, "train")
    assert result is not None
    assert (result.label, result.over, result.seeds) == ("crop (5 seeds)", [200, 400], 5)
    np.testing.assert_allclose(result.band.value, [3.0, 6.0])  # of 4, 6, 8
    assert (result.band.low < result.band.value).all() and (result.band.value < result.band.high).all()


def test_a_single_seed_has_no_band(tmp_path):
    (group,) = groups_in(make_seeds(tmp_path, {"crop": [8.0]}))
    result = group_curve(group, "train")
    assert result is not None and result.label == "crop (1 seed)"
    assert result.band.low.tolist() == result.band.high.tolist() == [4.0, 8.0]


def test_unfinished_runs_count_only_where_none_is_finished(tmp_path):
    make_seed(tmp_path, "crop", 1, rows_of(8.0))
    make_seed(tmp_path, "crop", 2, rows_of(4.0, upto=200))
    (group,) = groups_in(tmp_path)
    result = group_curve(group, "train")
    assert result is not None and (result.label, result.seeds) == ("crop (1 seed)", 1)
    make_seed(tmp_path / "b", "flip", 1, rows_of(4.0, upto=200))
    result = group_curve(groups_in(tmp_path / "b")[0], "train")
    assert result is not None and (result.label, result.over) == ("flip (1 seed, unfinished)", [200])


def test_points_that_a_run_lacks_are_left_out(tmp_path):
    make_seed(tmp_path, "crop", 1, rows_of(8.0))
    make_seed(tmp_path, "crop", 2, [scored("eval", 50, None), scored("eval", 100, 4.0)])
    result = group_curve(groups_in(tmp_path)[0], "train")
    assert result is not None and result.over == [400]


def test_over_hours_a_point_is_where_the_runs_were_on_average(tmp_path, drawn):
    for seed, (first, last) in enumerate(((1800.0, 3600.0), (5400.0, 10_800.0)), start=1):
        rows = [scored("eval", 50, 1.0) | {"time_s": first}, scored("eval", 100, 3.0) | {"time_s": last}]
        make_seed(tmp_path, "crop", seed, rows)
    groups = groups_in(tmp_path)
    result = group_curve(groups[0], "train", "hours")
    assert result is not None and result.over == [1.0, 2.0]
    curve_figures(groups, "hours")
    axes = drawn[0].axes[0]
    assert axes.get_xlabel().startswith("hours") and axes.get_lines()[0].get_xdata().tolist() == [1.0, 2.0]
    assert not axes.child_axes, "agent steps are not proportional to hours"


def test_a_group_without_evaluation_has_no_curve(tmp_path):
    make_seed(tmp_path, "crop", 1, [])
    assert group_curve(groups_in(tmp_path)[0], "train") is None
    assert curve_figures(groups_in(tmp_path)) == []


def test_lines_bands_seeds_and_the_random_policy_are_drawn(tmp_path, drawn):
    (figure,) = curve_figures(groups_in(make_seeds(tmp_path, {"none": [2.0], "crop": [4.0, 6.0]})))
    axes = drawn[0].axes[0]
    assert legend(drawn[0]) == ["none (1 seed)", "crop (2 seeds)", "random policy (2)"]
    assert axes.get_lines()[1].get_xydata().tolist() == [[200.0, 2.5], [400.0, 5.0]]
    assert len(axes.collections) == 1  # a band for crop alone
    assert figure.name == "curves-dmc-walker-walk-train"
    assert "a single seed has no band" in figure.caption
    assert figure.png.startswith(b"\x89PNG") and b"<svg" in figure.svg


def test_an_augmentation_has_its_color_whatever_stands_beside_it(tmp_path, drawn):
    for number, others in enumerate(({"none": [1.0]}, {"flip": [1.0, 2.0], "none": [1.0]})):
        curve_figures(groups_in(make_seeds(tmp_path / str(number), {**others, "crop": [2.0, 4.0]})))
    lines = [figure.axes[0].lines for figure in drawn[::2]]  # each is written twice
    colors = [{line.get_label().split()[0]: line.get_color() for line in of_figure} for of_figure in lines]
    assert [(each["crop"], each["none"]) for each in colors] == [(COLORS[0], COLORS[-1])] * 2
    assert colors[1]["flip"] == COLORS[1]


def test_a_single_seed_each_claims_no_interval(tmp_path):
    (figure,) = curve_figures(groups_in(make_seeds(tmp_path, {"none": [2.0], "crop": [4.0]})))
    assert "says nothing about other seeds" in figure.caption and "interval" not in figure.caption


@pytest.mark.slow
def test_each_split_has_a_figure(tmp_path):
    make_seed(tmp_path, "crop", 1, rows_of(8.0, test=6.0))
    assert [one.name for one in curve_figures(groups_in(tmp_path))] == [
        "curves-dmc-walker-walk-train",
        "curves-dmc-walker-walk-test",
    ]


@pytest.mark.slow
def test_many_methods_have_a_picture_each_before_the_others(tmp_path, drawn):
    names = ["none", *(f"op{number}" for number in range(7))]
    curve_figures(groups_in(make_seeds(tmp_path, {name: [4.0] for name in names})))
    panels = [axes for axes in drawn[0].axes if axes.get_lines()]
    assert [axes.get_title() for axes in panels] == [f"{name} (1 seed)" for name in names]
    assert {len(axes.get_lines()) for axes in panels} == {8 + 1 + 1}  # all in gray, itself, the random policy


def test_published_scores_are_inside_the_axes_and_named(tmp_path, drawn):
    make_seed(tmp_path, "crop", 1, [scored("eval", 25_000, 300.0)], frames=100_000)
    (figure,) = curve_figures(groups_in(tmp_path))
    axes = drawn[0].axes[0]
    assert "RAD 391" in [text.get_text() for text in axes.texts]
    assert axes.get_ylim()[1] > 891  # state SAC
    assert "Dotted lines are published" in figure.caption


@pytest.mark.slow
def test_pictures_of_their_own_hold_every_band(tmp_path, drawn):
    finals = {f"crop+{name}": [1.0, 3.0] for name in "abcdefg"} | {"none": [-50.0, 500.0]}
    (figure,) = curve_figures(groups_in(make_seeds(tmp_path, finals)))
    low, high = drawn[0].axes[0].get_ylim()
    assert low <= -50 and high >= 500
    ticks = [axes.xaxis.get_tick_params()["labelbottom"] for axes in drawn[0].axes[: len(finals)]]
    assert ticks == [False] * 5 + [True] * 3, "of each column the lowest"
    assert "Thin gray lines are the other methods" in figure.caption


@pytest.mark.slow
def test_the_same_runs_give_the_same_bytes(tmp_path):
    groups = groups_in(make_seeds(tmp_path, {"none": [2.0, 3.0], "crop": [4.0, 6.0]}))
    assert curve_figures(groups) == curve_figures(groups)
