"""The benchmark of recorded updates: its rows, by numbers in the place of measurements; and that it runs."""

import dataclasses

import pytest

from scripts.bench import capture, process
from scripts.bench.sac import Job

TINY = Job(batch_size=4, transitions=20, hidden_dim=16, encoder="pixel:num_layers=1:num_filters=4")


def test_rows_have_the_ratio_beside_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[tuple[str, str, int, bool]] = []

    def measure(module: str, job: Job) -> dict[str, float]:
        measured.append((module, job.side, job.batch_size, job.capture))
        return {"ms": 2.0 if job.capture else 9.0}

    monkeypatch.setattr(process, "measure", measure)
    rows = capture.run((TINY,), device="cpu")
    module = "scripts.bench.capture"
    assert measured == [(module, name, 4, on) for name in ("fp32", "tf32", "bf16") for on in (False, True)]
    assert rows[1] == {
        **{"preset": "rad", "precision": "tf32", "batch": 4},
        **{"ratio": 4.5, "ms": 2.0, "one_by_one_ms": 9.0},
    }


def test_without_a_gpu_it_says_so() -> None:
    with pytest.raises(ValueError, match=r"^device: 'cuda:77' is not available; this machine has \d+ CUDA devices$"):
        capture.run((TINY,), device="cuda:77")


@pytest.mark.slow
def test_a_side_is_measured() -> None:
    assert capture.work(dataclasses.replace(TINY, side="fp32", warmup=1, pairs=1))["ms"] > 0
