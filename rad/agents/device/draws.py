"""What is random in an update, drawn before it; and how all that it computes from reaches the device in one copy."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from rad.types import FrameStacks

Params = dict[str, Tensor]
"""Drawn parameters by name, first axis B."""
Draw = list[Params]
"""All that is random in a view: the parameters of the links on bytes, and of those on floats."""

T = TypeVar("T")
ALIGNMENT = 16  # bytes; each tensor begins at a multiple, as a view of another type has to


class Draws(NamedTuple):
    """All that is random in an update from a replay.

    Attributes:
        obs, next_obs: M and K views.
        strong: SVEA's strong views, one for each of obs; none without.
        auxiliary: views of the auxiliary losses.
        next_noise: K times standard-normal [B, A], for the policy's actions on each view of next_obs.
        noise: the same for its actions on obs; None without a step of the actor.
    """

    obs: list[Draw]
    next_obs: list[Draw]
    strong: list[Params]
    auxiliary: list[Draw]
    next_noise: list[Tensor]
    noise: Tensor | None


def upload(tree: T, device: torch.device) -> T:
    """Return nested dicts, lists and tuples whose tensors lie on `device`; on the CPU, what was given.

    All tensors of the host travel in one block of pinned memory, which the host does not wait for. Those of the device
    stay where they are, and with them the frames of stacks; stacks of frames on the host are built there.
    """
    if device.type == "cpu":
        return tree
    tensors = _of_host(tree)
    return _placed(tree, tensors, _packed(tensors).to(device, non_blocking=True)) if tensors else tree


def block_for(tree: Any, device: torch.device) -> Tensor:
    """Return memory on `device`, uint8, for the tensors of the host in a tree: for `send`."""
    return torch.empty(sum(map(_size, _of_host(tree))), dtype=torch.uint8, device=device)


def place(tree: T, block: Tensor) -> T:
    """Return a tree whose tensors of the host are views of a block of `block_for`, and follow what is sent there."""
    return _placed(tree, _of_host(tree), block)


def send(tree: Any, block: Tensor) -> None:
    """Copy a tree's tensors of the host into a block of `block_for` for one of the same layout, without waiting."""
    if tensors := _of_host(tree):
        block.copy_(_packed(tensors), non_blocking=True)


def layout(tree: Any) -> tuple[Hashable, ...]:
    """Return the shape and type of each tensor of the host, and the address of each that lies elsewhere."""
    tensors: list[Hashable] = []
    _mapped(tree, lambda host: tensors.append((host.shape, host.dtype)), lambda other: tensors.append(other.data_ptr()))
    return tuple(tensors)


def pinned(size: int) -> Tensor:
    """Return memory of the host, uint8 [size], from which a device copies while the host goes on."""
    return torch.empty(size, dtype=torch.uint8, pin_memory=True)


def _of_host(tree: Any) -> list[Tensor]:
    tensors: list[Tensor] = []
    _mapped(tree, tensors.append)
    return tensors


def _mapped(tree: Any, change: Callable[[Tensor], Any], elsewhere: Callable[[Tensor], Any] | None = None) -> Any:
    """Replace the tensors of the host, in order, and by `elsewhere` the others."""
    if isinstance(tree, Tensor):
        return change(tree) if tree.device.type == "cpu" else elsewhere(tree) if elsewhere else tree
    if isinstance(tree, FrameStacks):
        if tree.frames.device.type == "cpu":
            return change(tree.images)
        frames = elsewhere(tree.frames) if elsewhere else tree.frames
        return FrameStacks(frames, _mapped(tree.index, change, elsewhere))
    if isinstance(tree, Mapping):
        return {name: _mapped(value, change, elsewhere) for name, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(_mapped(value, change, elsewhere) for value in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(_mapped(value, change, elsewhere) for value in tree)
    return tree


def _packed(tensors: list[Tensor]) -> Tensor:
    """Copy tensors of the host into one block of pinned memory: in use until its copy is done, as torch knows."""
    sizes = list(map(_size, tensors))
    block = pinned(sum(sizes))
    for part, tensor in zip(block.split(sizes), tensors):
        _like(part, tensor).copy_(tensor)
    return block


def _placed(tree: T, tensors: list[Tensor], block: Tensor) -> T:
    """Replace the tensors of the host, in order, by their parts of a block."""
    parts = iter([_like(*pair) for pair in zip(block.split(list(map(_size, tensors))), tensors)])
    placed: T = _mapped(tree, lambda _: next(parts))
    return placed


def _size(tensor: Tensor) -> int:
    """Return the bytes of a tensor in a block."""
    return -(-tensor.nbytes // ALIGNMENT) * ALIGNMENT


def _like(part: Tensor, tensor: Tensor) -> Tensor:
    """View the first bytes of a part as what a tensor is."""
    return part[: tensor.nbytes].view(tensor.dtype).view(tensor.shape)
