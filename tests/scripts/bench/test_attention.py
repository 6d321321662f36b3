import pytest

from scripts.bench.attention import TARGETS_MS, run


@pytest.mark.slow
def test_a_row_for_each_method_with_its_target() -> None:
    rows = run({"activation": 1, "grad_cam": 1, "hires_cam": 1, "smooth_grad": 1})
    assert [row["method"] for row in rows] == ["activation", "grad_cam", "hires_cam", "smooth_grad"]
    assert all(float(row["ms_per_frame"]) > 0 and float(row["ratio_to_forward"]) > 0 for row in rows)
    assert [row.get("target_ms") for row in rows] == [TARGETS_MS.get(str(row["method"])) for row in rows]
