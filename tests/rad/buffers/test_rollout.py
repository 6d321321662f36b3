from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rad.buffers.rollout import RolloutBuffer
from rad.types import ActorStep

T, N = 3, 2
SHAPE = (3, 2, 2)


def row(step: int) -> Tensor:
    """Return 10 step + environment, float [N]."""
    return 10.0 * step + torch.arange(N)


def add(buffer: RolloutBuffer, step: int, *, discrete: bool = False, **ends: Tensor) -> None:
    """Add a step whose value is `row`; its log-probability, reward and final value are that + 0.1, 0.2 and 0.3."""
    number = row(step)
    action = number.long() if discrete else number[:, None].expand(-1, 4)
    no = torch.zeros(N, dtype=torch.bool)
    buffer.current[:] = number.numpy()[:, None, None, None]
    for envs in (slice(1, N), slice(0, 1)):
        buffer.upload(step, envs)
    buffer.add(
        ActorStep(action, number + 0.1, number, number[:, None].expand(-1, 5)),
        number + 0.2,
        **{"terminated": no, "truncated": no, "final_value": number + 0.3} | ends,
    )


def filled(steps: int = T, **options: Any) -> RolloutBuffer:
    buffer = RolloutBuffer(T, N, SHAPE)
    for step in range(steps):
        add(buffer, step, **options)
    return buffer


def test_it_is_full_after_its_steps_and_not_before() -> None:
    buffer = filled(T - 1)
    assert not buffer.full
    add(buffer, T - 1)
    assert buffer.full
    with pytest.raises(IndexError, match=r"^the rollout is full: it holds num_steps=3 steps; clear it first$"):
        add(buffer, 0)


def test_everything_lies_at_its_time_and_environment() -> None:
    rollout = filled().finish(torch.zeros(N))
    number = torch.stack([row(step) for step in range(T)])
    assert rollout.obs.dtype == torch.uint8
    assert torch.equal(rollout.obs[:, :, 0, 0, 0].float(), number)
    assert torch.equal(rollout.action, number[..., None].expand(-1, -1, 4))
    assert torch.equal(rollout.policy, number[..., None].expand(-1, -1, 5))
    for values, offset in ((rollout.value, 0.0), (rollout.log_prob, 0.1), (rollout.reward, 0.2)):
        torch.testing.assert_close(values, number + offset)


def test_discrete_actions_stay_whole_numbers() -> None:
    rollout = filled(discrete=True).finish(torch.zeros(N))
    assert rollout.action.dtype == torch.int64 and rollout.action.shape == (T, N)


def test_the_next_value_is_that_of_the_next_step_and_at_last_the_one_given() -> None:
    rollout = filled().finish(torch.tensor([7.0, 8.0]))
    assert torch.equal(rollout.next_value, torch.stack([row(1), row(2), torch.tensor([7.0, 8.0])]))


def test_where_an_episode_was_cut_the_next_value_is_its_final_one() -> None:
    buffer, cut = RolloutBuffer(T, N, SHAPE), torch.tensor([False, True])
    add(buffer, 0)
    add(buffer, 1, truncated=cut)
    add(buffer, 2, truncated=~cut)
    rollout = buffer.finish(torch.tensor([7.0, 8.0]))
    # environment 1 was cut in step 1 at a value of 11.3, environment 0 in the last step at 20.3
    torch.testing.assert_close(rollout.next_value, torch.tensor([[10.0, 11.0], [20.0, 11.3], [20.3, 8.0]]))
    assert rollout.truncated.tolist() == [[False, False], [False, True], [True, False]]
    assert not rollout.terminated.any()


def test_a_termination_is_stored_as_such() -> None:
    buffer = RolloutBuffer(1, N, SHAPE)
    add(buffer, 0, terminated=torch.tensor([True, False]))
    rollout = buffer.finish(torch.zeros(N))
    assert rollout.terminated.tolist() == [[True, False]] and not rollout.truncated.any()


def test_after_clearing_new_steps_take_the_place_of_the_old() -> None:
    buffer = filled()
    buffer.clear()
    assert buffer.steps == 0
    add(buffer, 0)
    rollout = buffer.finish(torch.zeros(N))
    assert torch.equal(rollout.value, row(0)[None])


def test_the_images_of_a_step_are_those_that_were_uploaded_and_channels_last() -> None:
    buffer = RolloutBuffer(T, N, (3, 5, 4))
    buffer.current[:] = np.arange(N * 60).reshape(N, 3, 5, 4)
    uploaded = buffer.upload(1, slice(1, N))
    assert torch.equal(uploaded, torch.from_numpy(buffer.current[1:]))
    assert uploaded.is_contiguous(memory_format=torch.channels_last)
    first = buffer.upload(0, slice(0, 1))
    assert uploaded.data_ptr() == first.data_ptr() + 3 * 60  # in its place already


def test_a_state_holds_the_filled_steps_only() -> None:
    state = filled(2).state_dict()
    assert state.pop("steps") == 2
    assert {len(array) for array in state.values()} == {2}


def test_bytes_of_the_published_size() -> None:
    assert RolloutBuffer.nbytes(256, 64, (3, 64, 64)) == 201_326_592  # 256 * 64 * 3 * 64 * 64
    assert RolloutBuffer.nbytes(T, N, SHAPE) == filled().finish(torch.zeros(N)).obs.nbytes


@pytest.mark.parametrize(("num_steps", "num_envs"), [(0, 2), (3, 0)])
def test_impossible_sizes_are_refused(num_steps: int, num_envs: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1, got {num_steps} and {num_envs}"):
        RolloutBuffer(num_steps, num_envs, SHAPE)
