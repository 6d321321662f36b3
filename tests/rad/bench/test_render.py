import pytest

from rad.bench import render

pytest.importorskip("dm_control")


def test_rows_name_task_and_quality_and_measure_against_paper() -> None:
    rows = render.run(tasks=("cartpole-swingup",), size=84, frames=3)
    assert [(row["task"], row["quality"]) for row in rows] == [
        ("dmc/cartpole-swingup", quality) for quality in ("paper", "near", "fast")
    ]
    paper, near, fast = rows
    assert (paper["mean_abs_diff_255"], paper["speedup"]) == (0.0, 1.0)
    assert 0 < float(near["mean_abs_diff_255"]) < 0.5 < float(fast["mean_abs_diff_255"])
    for row in rows:
        assert float(row["ms_per_frame"]) > 0
        assert float(row["speedup"]) * float(row["ms_per_frame"]) == pytest.approx(float(paper["ms_per_frame"]))


def test_the_three_tasks_of_the_table() -> None:
    assert render.TASKS == ("cartpole-swingup", "walker-walk", "cheetah-run")
