import pytest
import torch
from torch import Tensor

from rad.types import ActorStep, FrameStacks, Minibatch, Rollout, Transition, images_to_float

T, N = 4, 3


def numbered(shape: tuple[int, ...] = ()) -> Tensor:
    """Return [T, N, *shape] in which every entry is 10 t + n."""
    number = 10 * torch.arange(T)[:, None] + torch.arange(N)
    return number.view(T, N, *[1] * len(shape)).expand(T, N, *shape)


def rollout() -> Rollout:
    scalar = numbered().float()
    no = torch.zeros(T, N, dtype=torch.bool)
    images = numbered((3, 2, 2)).to(torch.uint8)
    return Rollout(images, numbered(), scalar, scalar, numbered((5,)).float(), scalar, scalar, no, no)


def split(count: int, seed: int = 0) -> list[Minibatch]:
    scalar = numbered().float()
    generator = torch.Generator().manual_seed(seed)
    return list(rollout().minibatches(count, 1, scalar, scalar + 0.5, generator))


@pytest.mark.parametrize("count", [1, 3, 5, 12])
def test_every_step_is_in_one_minibatch(count: int) -> None:
    batches = split(count)
    assert len(batches) == count
    sizes = [len(batch.env) for batch in batches]
    assert max(sizes) - min(sizes) <= 1
    assert sorted(torch.cat([batch.action for batch in batches]).tolist()) == sorted(numbered().flatten().tolist())


def test_what_belongs_together_stays_together() -> None:
    for batch in split(5):
        number = batch.action
        assert torch.equal(batch.env, number % 10)
        assert torch.equal(batch.obs, number.to(torch.uint8)[:, None, None, None].expand(-1, 3, 2, 2))
        assert torch.equal(batch.policy, number.float()[:, None].expand(-1, 5))
        for values in (batch.log_prob, batch.value, batch.advantage, batch.returns - 0.5):
            assert torch.equal(values, number.float())


def test_the_order_comes_from_the_generator() -> None:
    first, again, other = (torch.cat([batch.action for batch in split(3, seed)]) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, numbered().flatten())


def test_successive_passes_have_different_orders() -> None:
    generator, scalar = torch.Generator().manual_seed(0), numbered().float()
    first, second = (batch.action for batch in rollout().minibatches(1, 2, scalar, scalar, generator))
    assert not torch.equal(first, second) and torch.equal(first.sort().values, second.sort().values)


@pytest.mark.parametrize("count", [0, 13])
def test_an_impossible_number_of_minibatches_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=rf"^num_minibatches must be from 1 to 12, the steps held; got {count}$"):
        split(count)


def test_minibatches_lie_where_the_images_do() -> None:
    scalar, on_meta = numbered().float(), rollout()._replace(obs=rollout().obs.to("meta"))
    for batch in on_meta.minibatches(3, 1, scalar, scalar, torch.Generator()):
        assert {tensor.device.type for tensor in batch} == {"meta"}
        assert batch.obs.shape == (4, 3, 2, 2) and batch.action.dtype == torch.int64


def test_images_of_a_minibatch_are_channels_last() -> None:
    assert all(batch.obs.is_contiguous(memory_format=torch.channels_last) for batch in split(3))


@pytest.mark.parametrize(
    "action", [torch.tensor([4, 2**24 - 1]), torch.tensor([[0.1, 1e-30, -7.0], [1 / 3, 2.0, 3.0]])]
)
def test_a_step_of_the_policy_comes_to_the_cpu_as_it_is(action: Tensor) -> None:
    step = ActorStep(action, torch.tensor([-1.1, -2.2]), torch.tensor([0.3, 0.7]), torch.rand(2, 5))
    moved = step.cpu()
    assert all(map(torch.equal, moved, step))
    assert [part.dtype for part in moved] == [part.dtype for part in step]


def test_images_become_floats_in_the_unit_range() -> None:
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    torch.testing.assert_close(images_to_float(images).flatten(), torch.tensor([0.0, 0.2, 1.0]))  # 51 / 255 = 1 / 5
    with pytest.raises(TypeError, match=r"^images must be uint8 in 0\.\.255, got torch\.float32$"):
        images_to_float(images.float())


@pytest.mark.parametrize("on_cpu", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_byte_over_255_is_rounded_once(dtype: torch.dtype, on_cpu: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rad.types.on_cpu", lambda images: on_cpu)
    every = torch.arange(3 * 256).to(torch.uint8).view(1, 3, 16, 16)
    converted = images_to_float(every, dtype)
    assert converted.dtype == dtype and converted.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(converted, (every.float() / 255).to(dtype))


def test_stacks_are_built_of_frames_in_their_order() -> None:
    frames = torch.arange(4, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 2, 5).contiguous()
    stacks = FrameStacks(frames, torch.tensor([[0, 0], [3, 1], [1, 2]]))
    assert stacks.shape == (3, 6, 2, 5) and stacks.device == frames.device
    assert stacks.images[:, ::3, 1, 4].tolist() == [[0, 0], [3, 1], [1, 2]]
    assert stacks.images is stacks.images  # several views build them once
    assert torch.equal(stacks.images[:, 1], stacks.images[:, 0])


def test_a_batch_is_built_whole() -> None:
    frames, numbers = torch.zeros(2, 3, 2, 2, dtype=torch.uint8), torch.zeros(1)
    stacks = FrameStacks(frames, torch.tensor([[0, 1]]))
    whole = Transition(stacks, numbers, numbers, numbers, frames[:1]).built()
    assert torch.equal(whole.obs, stacks.images) and torch.equal(whole.next_obs, frames[:1])
