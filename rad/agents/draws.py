"""What is random in an update, drawn before it; and how all that it computes from reaches the device in one copy."""

from collections.abc import Callable, Mapping
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
    waiting: list[Tensor] = []
    _mapped(tree, waiting.append)
    arrived = iter(_copied(waiting, device))
    moved: T = _mapped(tree, lambda _: next(arrived))
    return moved


def _mapped(tree: Any, change: Callable[[Tensor], Any]) -> Any:
    """Replace the tensors of the host, in order."""
    if isinstance(tree, Tensor):
        return change(tree) if tree.device.type == "cpu" else tree
    if isinstance(tree, FrameStacks):
        on_host = tree.frames.device.type == "cpu"
        return change(tree.images) if on_host else FrameStacks(tree.frames, _mapped(tree.index, change))
    if isinstance(tree, Mapping):
        return {name: _mapped(value, change) for name, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(_mapped(value, change) for value in tree))
    if isinstance(tree, list | tuple):
        return type(tree)(_mapped(value, change) for value in tree)
    return tree


def _copied(tensors: list[Tensor], device: torch.device) -> list[Tensor]:
    """Copy tensors of the host to a device that is not the host."""
    if not tensors:
        return []
    sizes = [-(-tensor.nbytes // ALIGNMENT) * ALIGNMENT for tensor in tensors]
    block = torch.empty(sum(sizes), dtype=torch.uint8, pin_memory=True)  # in use until the copy is done, torch knows
    for part, tensor in zip(block.split(sizes), tensors):
        _like(part, tensor).copy_(tensor)
    return [_like(*pair) for pair in zip(block.to(device, non_blocking=True).split(sizes), tensors)]


def _like(part: Tensor, tensor: Tensor) -> Tensor:
    """View the first bytes of a part as what a tensor is."""
    return part[: tensor.nbytes].view(tensor.dtype).view(tensor.shape)
