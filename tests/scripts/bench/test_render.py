import pytest

from scripts.bench import render

pytestmark = pytest.mark.slow

pytest.importorskip("dm_control")


@pytest.mark.slow
def test_rows_name_the_scene_and_measure_against_paper_and_train() -> None:
    rows = render.run(tasks=("cartpole-swingup",), size=84, frames=3)
    splits, qualities = ("train", "video-easy", "video-hard"), ("paper", "near", "fast")
    assert [(row["split"], row["quality"]) for row in rows] == [(s, q) for s in splits for q in qualities]
    assert {row["task"] for row in rows} == {"dmc/cartpole-swingup"}
    paper, near, fast = rows[:3]
    assert (paper["mean_abs_diff_255"], paper["speedup"]) == (0.0, 1.0)
    assert 0 < float(near["mean_abs_diff_255"]) < 0.5 < float(fast["mean_abs_diff_255"])
    for place, row in enumerate(rows):
        assert float(row["ms_per_frame"]) > 0
        assert float(row["speedup"]) * float(row["ms_per_frame"]) == pytest.approx(float(paper["ms_per_frame"]))
        same_quality = float(rows[place % 3]["ms_per_frame"])
        assert float(row["ratio_to_train"]) * float(row["ms_per_frame"]) == pytest.approx(same_quality)


def test_the_three_tasks_of_the_table() -> None:
    assert render.TASKS == ("cartpole-swingup", "walker-walk", "cheetah-run")
