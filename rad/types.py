"""The values that travel between rooms, and the one conversion of stored images to learned ones."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

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
        discount: float32 [B], factor of the value of `next_obs`: gamma^n, and 0 where the episode terminated. A time
            limit (truncation) keeps gamma^n: the future still counts.
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


class ActorStep(NamedTuple):
    """The policy's step on one observation of each environment; all on the CPU.

    Attributes:
        action: int64 [N], or float32 [N, A], not clipped to the action space.
        log_prob: float32 [N], of that action, nats.
        value: float32 [N], of the observation.
        policy: float32 [N, P], parameters of the distribution that the action was drawn from.
    """

    action: Tensor
    log_prob: Tensor
    value: Tensor
    policy: Tensor


class Minibatch(NamedTuple):
    """Some steps of a rollout in random order.

    Attributes:
        obs: uint8 [B, C, H, W] in 0..255.
        env: int64 [B], the environment that each step was made in.
        action, log_prob, value, policy: as in `ActorStep`, first axis B.
        advantage, returns: float32 [B].
    """

    obs: Tensor
    env: Tensor
    action: Tensor
    log_prob: Tensor
    value: Tensor
    policy: Tensor
    advantage: Tensor
    returns: Tensor

    def to(self, device: torch.device) -> "Minibatch":
        """Return the minibatch on `device`."""
        return Minibatch(*(tensor.to(device, non_blocking=True) for tensor in self))


class Rollout(NamedTuple):
    """T steps of N environments with the same policy, time-major.

    Attributes:
        obs: uint8 [T, N, C, H, W] in 0..255, on any device; everything else is on the CPU.
        action, log_prob, value, policy: as in `ActorStep`, first axes T, N.
        next_value: float32 [T, N], of the observation after each step; where an episode was truncated, of its final
            observation. Unused where one terminated.
        reward: float32 [T, N], as the environment gave it.
        terminated: bool [T, N], the future counts for nothing.
        truncated: bool [T, N], the episode was cut; the future counts.
    """

    obs: Tensor
    action: Tensor
    log_prob: Tensor
    value: Tensor
    policy: Tensor
    next_value: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor

    def minibatches(
        self, count: int, advantage: Tensor, returns: Tensor, generator: torch.Generator
    ) -> Iterator[Minibatch]:
        """Visit each step once, in random order by a CPU generator, with its advantage and returns, float32 [T, N].

        There are `count` minibatches, 1 to T N, whose sizes differ by one at most.

        Raises:
            ValueError: there are fewer steps than minibatches.
        """
        num_steps, num_envs = self.reward.shape
        if not 1 <= count <= num_steps * num_envs:
            raise ValueError(f"num_minibatches must be from 1 to {num_steps * num_envs}, the steps held; got {count}")
        stored = (self.action, self.log_prob, self.value, self.policy, advantage, returns)
        flat = [tensor.flatten(0, 1) for tensor in stored]  # [T * N, ...]
        images = self.obs.flatten(0, 1)
        for rows in torch.randperm(num_steps * num_envs, generator=generator).tensor_split(count):
            obs = images.index_select(0, rows.to(images.device))  # whole images; images[rows] goes byte by byte
            yield Minibatch(obs, rows % num_envs, *(tensor[rows] for tensor in flat))


def images_to_float(images: Tensor) -> Tensor:
    """Convert stored images, uint8 [B, C, H, W] in 0..255, to learned ones, float32 in [0, 1]: x / 255.

    They are channels-last in memory, the layout that convolutions are fastest in.

    Raises:
        TypeError: `images` are not uint8: a range is never guessed from the data.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"images must be uint8 in 0..255, got {images.dtype}")
    return images.to(torch.float32, memory_format=torch.channels_last).div_(255.0)


class Ranks:
    """The processes that train one agent together, each on environments of its own; here there is only one.

    All of them call the same methods in the same order.

    Attributes:
        rank: number of this process, from 0; the first one logs, evaluates and saves.
        size: how many there are.
    """

    rank, size = 0, 1

    def mean_(self, tensors: Sequence[Tensor]) -> None:
        """Replace float tensors, of the same shapes on all ranks, by their means over the ranks."""

    def gather(self, tensor: Tensor, dim: int = 0) -> Tensor:
        """Return the tensors of all ranks, of the same shape and on the CPU, in order along a dimension."""
        return tensor

    def max(self, number: int) -> int:
        """Return the largest of the numbers of all ranks."""
        return number

    def collect(self, value: Any) -> list[Any]:
        """Return the values of all ranks, in order, on the first one; elsewhere nothing."""
        return [value]

    def share(self, value: Any) -> Any:
        """Return the value of the first rank."""
        return value


ALONE = Ranks()
