"""Crops of sampled transitions against slow versions of the replay and of the crop, to the bit."""

import numpy as np
import pytest
import torch
from torch import Tensor

import augment
from rad.agents.views import Views
from rad.buffers.replay import Replay
from tests.rad.buffers.test_replay import GAMMA, Player, generator
from tests.reference.frame_views import cropped_stacks
from tests.reference.replay import ReferenceReplay

SLOTS, SIDE, SIZE, STACK = 12, 7, 5, 3
CROP = augment.Crop(SIZE, ratio=SIDE / SIZE)


def expected(stack: np.ndarray, params: dict[str, Tensor], row: int) -> Tensor:
    """Crop one stack, uint8 [3 K, H, W], as the parameters of a row say."""
    corner = (params[name][row : row + 1].numpy() for name in ("top", "left"))
    return torch.from_numpy(cropped_stacks(stack.reshape(STACK, 3, SIDE, SIDE), np.arange(STACK)[None], *corner, SIZE))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("steps", [5, 21, 150], ids=["first episodes", "full", "wrapped"])
@pytest.mark.parametrize("num_envs", [1, 2])
def test_a_view_of_a_sample_is_a_crop_of_what_was_stored(num_envs: int, steps: int, dtype: torch.dtype) -> None:
    shape = (3 * STACK, SIDE, SIDE)
    replay = Replay(num_envs * SLOTS, shape, 1, num_envs=num_envs, frame_stack=STACK, gamma=GAMMA, n_step=2)
    reference = ReferenceReplay(num_envs, STACK, GAMMA, 2)
    Player(STACK, num_envs, replay, reference, seed=steps, side=SIDE).play(steps)
    held = {float(row.action[0]): row for row in reference.transitions(SLOTS)}  # actions are random, so all differ
    batch, views = replay.sample(40, generator()), Views(CROP, generator(1))
    draws = [views.draw(batch.obs.shape) for _ in range(2)]
    seen = [views.apply(obs, draw, dtype) for obs, draw in zip((batch.obs, batch.next_obs), draws)]
    for row, action in enumerate(batch.action[:, 0].tolist()):
        for view, draw, stack in zip(seen, draws, (held[action].obs, held[action].next_obs)):
            assert torch.equal(view[row : row + 1], expected(stack, draw[0], row).to(dtype))
    assert len({*batch.action[:, 0].tolist()}) > 1
    assert all(view.is_contiguous(memory_format=torch.channels_last) for view in seen)
