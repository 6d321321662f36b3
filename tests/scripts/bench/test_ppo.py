"""The benchmark of PPO's loop runs all sides and sets them beside each other."""

import dataclasses

import pytest

from rad.runtime import device
from scripts.bench import ppo, process

pytestmark = pytest.mark.slow

pytest.importorskip("procgen", reason="no wheel of procgen for this platform")
TINY = ppo.Job(num_envs=2, num_steps=2, num_minibatches=1, num_epochs=1)


@pytest.mark.slow
@pytest.mark.parametrize("side", ppo.SIDES)
def test_each_side_collects_and_learns(monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    tuned = []
    monkeypatch.setattr(device, "tune_allocator", lambda: tuned.append(True))
    seconds = ppo.work(dataclasses.replace(TINY, side=side))
    assert tuple(seconds) == (*ppo.PARTS, "whole")
    assert sum(seconds[part] for part in ppo.PARTS) < seconds["whole"]
    assert all(value > 0 for value in seconds.values())
    assert len(tuned) == (side != "eager"), "one eager side takes the allocator as it comes"


def test_rows_have_the_ratios_to_both_eager_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    totals = {"eager": 12.0, "eager tuned": 6.0, "fp32": 4.0, "bf16": 3.0}
    parts = {"simulation": 1.0, "inference": 1.0, "update": 0.5}
    monkeypatch.setattr(process, "measure", lambda module, job: parts | {"whole": totals[job.side]})
    rows = {row["side"]: row for row in ppo.run()}
    assert [row["ratio_to_eager"] for row in rows.values()] == [1.0, 2.0, 3.0, 4.0]
    assert (rows["bf16"]["ratio_to_tuned"], rows["bf16"]["target_ratio_to_tuned"]) == (2.0, 1.6)
    assert (rows["bf16"]["target_ratio_to_eager"], rows["fp32"]["target_ratio_to_eager"]) == (3.0, None)
    assert rows["bf16"]["steps_per_s"] == 2 * 64 * 64 / 3.0
    assert rows["bf16"]["simulation_s_per_1000"] == 1000 / (2 * 64 * 64)
