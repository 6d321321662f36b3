"""The benchmark of whole runs times the loop of each side, and computes minutes from it."""

import pytest

from scripts.bench import minutes, process

pytestmark = pytest.mark.slow


def test_rows_have_minutes_of_all_frames_and_their_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = {"eager": 10.0, "rad": 20.0, "lean": 100.0}
    monkeypatch.setattr(process, "measure", lambda module, job: {"frames_per_s": rates[job.side]})
    monkeypatch.setattr(minutes, "native_precisions", lambda: ("fp32",))
    rows = {row["preset"]: row for row in minutes.run()}
    assert rows["lean"]["minutes"] == pytest.approx(100_000 / 100 / 60)
    assert rows["lean"]["eager_minutes"] == pytest.approx(100_000 / 10 / 60)
    assert {name: round(row["ratio"], 9) for name, row in rows.items()} == {"rad": 2.0, "lean": 10.0}


def test_emulated_bf16_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(process, "measure", lambda module, job: asked.append(job.precision) or {"frames_per_s": 1.0})
    for precisions in (("fp32",), ("fp32", "bf16")):
        monkeypatch.setattr(minutes, "native_precisions", lambda found=precisions: found)
        minutes.run()
    assert asked == ["fp32"] * 3 + ["fp32"] + ["fp32", "bf16"] * 2


@pytest.mark.parametrize("side", ["eager", "lean"])
def test_each_side_runs_its_loop(side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dm_control", reason="the benchmark is of a DeepMind Control task")
    monkeypatch.setattr("rad.training.measure.UPDATES", 2)
    rate = minutes.work(minutes.Job(side, warmup_steps=2, steps=3))
    assert rate["frames_per_s"] > 0
