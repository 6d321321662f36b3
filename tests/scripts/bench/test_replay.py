"""The replay benchmark compares two buffers that hold the same transitions."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from scripts.bench import replay, stream
from scripts.bench.stream import Step

SIDE, COUNT = 12, 300


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return list(stream.random_steps(COUNT, 2, side_px=SIDE))


def test_steps_share_frames_and_fall_into_episodes(steps: list[Step]) -> None:
    assert [number for number, step in enumerate(steps) if step.first] == [0, 125, 250]
    assert [number for number, step in enumerate(steps) if step.last] == [124, 249]
    for before, after in pairwise(steps):
        assert (before.next_obs[:6] == before.obs[3:]).all()
        if not after.first:
            assert (after.obs == before.next_obs).all()
    assert (steps[125].obs[:3] == steps[125].obs[6:]).all()
    assert (steps[0].obs[6:] != steps[1].obs[6:]).any()


def test_both_buffers_give_back_what_was_added(steps: list[Step]) -> None:
    ours, stacked = stream.make_replay(COUNT, 2, SIDE), replay.StackedReplay(COUNT, (9, SIDE, SIDE), 2)
    replay.time_adding(ours, stacked, steps)
    by_reward = {np.float32(step.reward): step for step in steps}
    seen = set()
    for buffer in (ours, stacked):
        batch = buffer.sample(400, torch.Generator().manual_seed(1))
        batch = batch.built() if buffer is ours else batch
        for obs, action, reward, discount, next_obs in zip(*(part.numpy() for part in batch)):
            step = by_reward[reward]
            assert (obs == step.obs).all()
            assert (next_obs == step.next_obs).all()
            assert (action == step.action).all()
            assert discount == np.float32(0.99)
            seen.add(reward)
    assert len(seen) > COUNT / 2


def test_the_replay_has_room_for_exactly_these_steps(steps: list[Step]) -> None:
    ours = stream.make_replay(COUNT, 2, SIDE)
    for step in steps:
        stream.add(ours, step)
    assert len(ours) == ours.slots == stream.slots_for(COUNT) == 303


def test_rows_name_the_measure_and_both_sides() -> None:
    rows = replay.run(transitions=COUNT, batch_size=8, side_px=SIDE, samples=10, action_dim=2)
    assert [row["measure"] for row in rows] == ["bytes per transition", "add, us", "sample 8, ms"]
    for row in rows:
        assert float(row["rad"]) > 0
        assert float(row["ratio"]) == pytest.approx(float(row["stacked"]) / float(row["rad"]))
    assert rows[0]["stacked"] == 2 * 9 * SIDE**2 + 4 * (2 + 1 + 1)
    frame_bytes = 3 * SIDE**2 * stream.slots_for(COUNT) / COUNT
    assert frame_bytes < float(rows[0]["rad"]) < frame_bytes + 32
