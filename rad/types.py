"""The values that travel between rooms, and the one conversion of stored images to learned ones."""

from typing import NamedTuple

import torch
from torch import Tensor

Metrics = dict[str, Tensor]
"""Named 0-d tensors, detached, on the agent's device. Reading one of them on the host is a sync point."""


class Transition(NamedTuple):
    """A batch of (n-step) transitions as a replay buffer returns it.

    Attributes:
        obs: uint8 [B, C, H, W] in 0..255, C = 3 x frame_stack, oldest frame first.
        action: float32 [B, A] in the range of the action space.
        reward: float32 [B], summed over n steps with powers of gamma.
        discount: float32 [B], what the value of `next_obs` is multiplied by: gamma^n, and 0 where the
            episode terminated. A time limit (truncation) keeps gamma^n: the future still counts.
        next_obs: as obs, n agent steps later.
    """

    obs: Tensor
    action: Tensor
    reward: Tensor
    discount: Tensor
    next_obs: Tensor

    def to(self, device: torch.device) -> "Transition":
        """Return the batch on `device`."""
        return Transition(*(tensor.to(device, non_blocking=True) for tensor in self))


def images_to_float(images: Tensor) -> Tensor:
    """Convert stored images to learned ones: x / 255.

    Args:
        images: uint8 [B, C, H, W] in 0..255.

    Returns:
        float32 in [0, 1], same shape, channels-last in memory: the layout that convolutions are fastest in.

    Raises:
        TypeError: images are not uint8: a range is a contract and is never guessed from the data.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"images must be uint8 in 0..255, got {images.dtype}")
    return images.to(torch.float32, memory_format=torch.channels_last).div_(255.0)
