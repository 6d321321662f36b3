"""Learning curves: what is drawn, and what cannot be."""

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rad.report.draw.curves import learning_curve, learning_curves
from tests.rad.report.folders import ROWS, baseline, evaluation, make_run, row

PNG = b"\x89PNG\r\n\x1a\n"


def axes_of(figures: list[Figure]) -> Axes:
    return figures[-1].axes[0]


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.figure.legends[0].get_texts()]


def test_a_curve_is_drawn_over_frames_with_its_band_and_the_random_policy(tmp_path, drawn):
    learning_curve(make_run(tmp_path / "mine"), tmp_path / "curve.png")
    axes = axes_of(drawn)
    curve, random = axes.get_lines()
    assert curve.get_xydata().tolist() == [[400.0, 50.0], [800.0, 120.0]]
    assert list(random.get_ydata()) == [30.0, 30.0]
    assert texts(axes) == ["sac, crop, seed 3", "random policy (30)"]
    band = axes.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == (45.0, 125.0)
    assert axes.get_xlabel() == "environment frames"
    assert axes.get_title() == "dmc/walker-walk"
    assert (tmp_path / "curve.png").read_bytes().startswith(PNG)


def test_the_upper_axis_counts_agent_steps(tmp_path, drawn):
    learning_curve(make_run(tmp_path / "mine"), tmp_path / "curve.png")
    axes = axes_of(drawn)
    (upper,) = axes.child_axes
    assert upper.get_xlabel() == "agent steps"
    assert upper.get_xlim()[1] == pytest.approx(axes.get_xlim()[1] / 4)


@pytest.mark.slow
def test_returns_are_shown_from_zero(tmp_path, drawn):
    learning_curve(make_run(tmp_path / "mine"), tmp_path / "curve.png")
    assert axes_of(drawn).get_ylim()[0] == 0.0
    rows = [evaluation(100, -40.0)]
    learning_curve(make_run(tmp_path / "other", rows), tmp_path / "curve.png")
    assert axes_of(drawn).get_ylim()[0] < -45.0


def test_a_run_without_baseline_has_no_line_for_it(tmp_path, drawn):
    learning_curve(make_run(tmp_path / "mine", [evaluation(100, 1.0)]), tmp_path / "curve.png")
    assert len(axes_of(drawn).get_lines()) == 1


@pytest.mark.parametrize(
    ("std", "bands", "label"), [(5.0, 1, "episode return, mean ± std"), (0.0, 0, "episode return")]
)
def test_the_spread_of_a_single_evaluation_is_a_bar_and_none_is_not_spoken_of(tmp_path, drawn, std, bands, label):
    learning_curve(
        make_run(tmp_path / "mine", [evaluation(100, 9.0) | {"episode_return_std": std}]), tmp_path / "a.png"
    )
    axes = axes_of(drawn)
    segments = [line.get_segments()[0].tolist() for line in axes.collections]
    assert segments == [[[400.0, 4.0], [400.0, 14.0]]] * bands and axes.get_ylabel() == label


def test_several_runs_share_a_figure(tmp_path, drawn):
    first = make_run(tmp_path / "a")
    second = make_run(tmp_path / "b", [baseline(50.0), evaluation(100, 9.0)], augment="none")
    learning_curves([first, second], ["crop", "none"], tmp_path / "curves.png")
    axes = axes_of(drawn)
    assert texts(axes) == ["crop", "none", "random policy (40)"]
    lines = axes.get_lines()
    assert lines[1].get_xydata().tolist() == [[400.0, 9.0]]
    assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines}) == 3


def test_runs_with_different_action_repeats_have_no_upper_axis(tmp_path, drawn):
    first = make_run(tmp_path / "a")
    second = make_run(tmp_path / "b", [evaluation(100, 9.0, repeat=2)])
    learning_curves([first, second], ["a", "b"], tmp_path / "curves.png")
    assert not axes_of(drawn).child_axes


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(tmp_path):
    run = make_run(tmp_path / "mine")
    for name in ("a.png", "b.png"):
        learning_curve(run, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(("field", "value"), [("task", "dmc/cheetah-run"), ("render_quality", "fast")])
def test_runs_that_cannot_be_compared_are_refused(tmp_path, field, value):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", **{field: value})]
    with pytest.raises(ValueError, match=f"runs differ in {field}: .*{value}"):
        learning_curves(runs, ["a", "b"], tmp_path / "curves.png")


@pytest.mark.parametrize("rows", [[], [baseline(3.0)], [evaluation(0, 3.0)]])
def test_a_run_without_evaluation_is_refused(tmp_path, rows):
    run = make_run(tmp_path / "mine", rows)
    with pytest.raises(ValueError, match=r"mine' holds no evaluation yet"):
        learning_curve(run, tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


@pytest.mark.parametrize("labels", [[], ["a"], ["a", "b", "c"]])
def test_labels_and_folders_must_pair(tmp_path, labels):
    runs = [make_run(tmp_path / name) for name in ("a", "b")]
    with pytest.raises(ValueError, match=f"labels are {len(labels)} for 2 run folders"):
        learning_curves(runs, labels, tmp_path / "curves.png")


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="0 run folders"):
        learning_curves([], [], tmp_path / "curves.png")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        learning_curve(tmp_path / "gone", tmp_path / "curve.png")


@pytest.mark.slow
def test_training_episodes_are_dots_on_the_curve_of_one_run(tmp_path, drawn):
    episodes = [row("episode", steps, episode_return=float(steps)) for steps in (20, 150)]
    run = make_run(tmp_path / "mine", [*ROWS, *episodes])
    learning_curve(run, tmp_path / "curve.png")
    dots = axes_of(drawn).get_lines()[1]
    assert dots.get_xydata().tolist() == [[80.0, 20.0], [600.0, 150.0]]
    assert dots.get_linewidth() == 0 and dots.get_marker() == "."
    assert texts(axes_of(drawn)) == ["sac, crop, seed 3", "training episodes", "random policy (30)"]
    learning_curves([run], ["mine"], tmp_path / "curves.png")
    assert "training episodes" not in texts(axes_of(drawn))


def test_many_training_episodes_become_means_of_neighbors(tmp_path, drawn):
    episodes = [row("episode", steps, repeat=1, episode_return=float(steps)) for steps in range(401)]
    learning_curve(make_run(tmp_path / "mine", [*ROWS, *episodes]), tmp_path / "curve.png")
    points = axes_of(drawn).get_lines()[1].get_xydata().tolist()
    assert len(points) == 134
    assert points[0] == [1.0, 1.0] and points[-1] == [399.5, 399.5]


def test_each_split_has_a_line_and_a_random_policy(tmp_path, drawn):
    def on(split, row):
        return row | {"kind": f"{row['kind']}/{split}"}

    rows = [on("train", baseline(3.0)), on("test", baseline(2.0))]
    rows += [on("train", evaluation(100, 9.0)), on("test", evaluation(100, 5.0))]
    learning_curve(make_run(tmp_path / "game", rows), tmp_path / "curve.png")
    axes = axes_of(drawn)
    train, test, random_train, random_test = axes.get_lines()
    assert [next(iter(line.get_ydata())) for line in (train, test, random_train, random_test)] == [9.0, 5.0, 3.0, 2.0]
    assert texts(axes) == [
        "sac, crop, seed 3, on train",
        "sac, crop, seed 3, on test",
        "random policy, on train (3)",
        "random policy, on test (2)",
    ]
    assert random_train.get_linestyle() != random_test.get_linestyle()
