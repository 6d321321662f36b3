from pathlib import Path

import pytest

from rad.training.messages import opening
from tests.integration.runs import tiny


@pytest.mark.parametrize(
    ("device", "end"), [("cpu", "fp32, 1 thread"), ("cuda", "fp32, 1 thread, observations stored on cpu")]
)
def test_a_run_on_a_gpu_says_where_its_observations_lie(device: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: 1)
    made_with = {"device": device, "hardware": "model", "precision": "fp32"}
    line = opening(tiny(), Path("run"), made_with, stored_on="cpu").splitlines()[3]
    assert line == f"device  {device} (model), {end}"
