"""The block that takes what an update needs to a device: packed and unpacked here in the memory of the host."""

from typing import Any

import pytest
import torch
from torch import Tensor

from rad.agents.device import draws
from rad.agents.device.draws import ALIGNMENT, Draws, upload
from rad.types import FrameStacks
from tests.rad.agents.small import small_stacks
from tests.rad.runtime.checkpoint.nested import same

CARD = torch.device("cuda")


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Let the device be the host; return the blocks that go there."""
    sent: list[Tensor] = []
    empty, move = torch.empty, Tensor.to

    def to(tensor: Tensor, *where: Any, **options: Any) -> Tensor:
        if where != (CARD,):
            return move(tensor, *where, **options)
        assert options == {"non_blocking": True}
        sent.append(tensor.clone())
        return sent[-1]

    monkeypatch.setattr(draws.torch, "empty", lambda *shape, pin_memory, **options: empty(*shape, **options))
    monkeypatch.setattr(Tensor, "to", to)
    return sent


def test_nothing_is_copied_for_the_cpu() -> None:
    tree = (small_stacks(), [{"top": torch.zeros(3)}])
    assert upload(tree, torch.device("cpu")) is tree


def test_all_tensors_go_in_one_block_and_come_out_as_they_were(blocks: list[Tensor]) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(3, 2, generator=generator)
    held = Draws(
        obs=[[{"top": torch.tensor([1, 2, 3]), "flip": torch.tensor([True, False, True])}, {}]],
        next_obs=[[{"row": torch.arange(6).view(2, 3).T, "all": torch.tensor(7.0).expand(3)}, {}]],
        strong=[{"weight": torch.randn(3, 3, 3, generator=generator, dtype=torch.float64)}],
        auxiliary=[],
        next_noise=[noise, noise[:1]],
        noise=None,
    )
    moved = upload((held, 5, "text"), CARD)
    assert len(blocks) == 1 and len(blocks[0]) % ALIGNMENT == 0
    assert same(moved, (held, 5, "text")) and type(moved[0]) is Draws
    blocks[0].zero_()
    assert not moved[0].next_noise[0].any()  # it lies in the block


def test_stacks_on_the_host_are_built_for_the_way(blocks: list[Tensor]) -> None:
    batch = small_stacks()
    moved = upload(batch, CARD)
    assert len(blocks) == 1
    assert not isinstance(moved.obs, FrameStacks) and same(tuple(moved), tuple(batch.built()))


def test_nothing_is_sent_where_nothing_is_to_be_sent(blocks: list[Tensor]) -> None:
    assert upload([[], {}, None], CARD) == [[], {}, None] and not blocks
