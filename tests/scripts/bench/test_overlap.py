"""The benchmark of the overlap measures all three sides and compares the whole with the larger part."""

import pytest

from scripts.bench import overlap, process


def test_the_ratio_is_that_to_the_larger_part(monkeypatch: pytest.MonkeyPatch) -> None:
    ms = {"updates": 50.0, "rendering": 40.0, "whole": 60.0}
    monkeypatch.setattr(
        process, "measure", lambda module, job: {"ms": ms[job.side] * (2 if job.preset == "rad" else 1)}
    )
    rows = overlap.run()
    assert [(row["preset"], row["ratio"], row["whole_ms"]) for row in rows] == [
        ("rad", 1.2, 120.0),
        ("lean", 1.2, 60.0),
    ]


@pytest.mark.slow
def test_the_whole_run_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dm_control", reason="the run is of a DeepMind Control task")
    monkeypatch.setattr(overlap, "EPISODE_FRAMES", 160)  # evaluations last an episode all the same
    assert overlap.work(overlap.Job("whole", "lean", episodes=1))["ms"] > 0
    assert overlap.work(overlap.Job("rendering", "lean", episodes=1))["ms"] > 0
