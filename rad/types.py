"""The values that travel between rooms, and the one conversion of stored images to learned ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

Metrics = dict[str, Tensor]
"""Named 0-d tensors, detached, on the agent's device. Reading one of them on the host is a sync point."""


@dataclass(frozen=True, eq=False)
class FrameStacks:
    """Stacked images that are not built: a view takes what it needs from the frames.

    They are what the frames hold when they are used, so use them before the next frame is stored.

    Attributes:
        frames: uint8 [S, 3, H, W] in 0..255, contiguous: all that a replay stores, S of them.
        index: int64 [B, K], numbers of the frames of each stack, the oldest first.
    """

    frames: Tensor
    index: Tensor

    @property
    def shape(self) -> torch.Size:
        """Return the shape [B, 3 K, H, W] of the stacks."""
        channels, height, width = self.frames.shape[1:]
        return torch.Size((len(self.index), self.index.shape[1] * channels, height, width))

    @property
    def device(self) -> torch.device:
        """Return where the frames lie."""
        return self.frames.device

    @cached_property
    def images(self) -> Tensor:
        """The stacks, uint8 [B, 3 K, H, W], built at the first use."""
        return self.frames.index_select(0, self.index.flatten()).view(self.shape)  # frames[index] goes byte by byte


Images = Tensor | FrameStacks
"""Stored images, uint8 [B, C, H, W] in 0..255, built or not."""


class Transition(NamedTuple):
    """A batch of (n-step) transitions as a replay buffer returns it.

    Attributes:
        obs: stored images [B, C, H, W], C = 3 x frame_stack, oldest frame first.
        action: float32 [B, A] in the range of the action space.
        reward: float32 [B], summed over n steps with powers of gamma.
        discount: float32 [B], factor of the value of `next_obs`: gamma^n, and 0 where the episode terminated. A time
            limit (truncation) keeps gamma^n: the future still counts.
        next_obs: as obs, n agent steps later.
    """

    obs: Images
    action: Tensor
    reward: Tensor
    discount: Tensor
    next_obs: Images

    def built(self) -> "Transition":
        """Return the batch with whole stacks, for a learner that takes no other."""
        return self._replace(obs=_built(self.obs), next_obs=_built(self.next_obs))


def _built(images: Images) -> Tensor:
    return images.images if isinstance(images, FrameStacks) else images


class ActorStep(NamedTuple):
    """The policy's step on one observation of each of N environments.

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

    def cpu(self) -> "ActorStep":
        """Return it on the CPU, by one copy from its device: of float32, which tells numbers of actions exactly."""
        packed = torch.cat([part.float().reshape(len(part), -1) for part in self], dim=1).cpu()
        parts = packed.split([part.numel() // len(part) for part in self], dim=1)
        return ActorStep(*(part.view_as(given).to(given.dtype) for part, given in zip(parts, self)))


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


class Rollout(NamedTuple):
    """T steps of N environments with the same policy, time-major.

    Attributes:
        obs: uint8 [T, N, C, H, W] in 0..255, on any device, channels-last in memory; everything else is on the CPU.
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
        self, count: int, passes: int, advantage: Tensor, returns: Tensor, generator: torch.Generator
    ) -> Iterator[Minibatch]:
        """Visit each step once in each pass, with its advantage and returns, float32 [T, N], where the images lie.

        A pass has `count` minibatches, 1 to T N, whose sizes differ by one at most. The orders are drawn by a CPU
        generator, all at first: everything small is copied to the images' device once.

        Raises:
            ValueError: there are fewer steps than minibatches.
        """
        (num_steps, num_envs), device = self.reward.shape, self.obs.device
        total = num_steps * num_envs
        if not 1 <= count <= total:
            raise ValueError(f"num_minibatches must be from 1 to {total}, the steps held; got {count}")
        orders = torch.stack([torch.randperm(total, generator=generator) for _ in range(passes)])
        stored = (orders, self.action, self.log_prob, self.value, self.policy, advantage, returns)
        orders, *small = (tensor.flatten(0, 1).to(device, non_blocking=True) for tensor in stored)
        images = self.obs.flatten(0, 1).permute(0, 2, 3, 1)  # [T * N, H, W, C]
        env = torch.arange(num_envs, device=device).repeat(num_steps)
        for order in orders.split(total):
            for rows in order.tensor_split(count):
                obs = images.index_select(0, rows)  # whole images; images[rows] goes byte by byte
                yield Minibatch(obs.permute(0, 3, 1, 2), *(tensor.index_select(0, rows) for tensor in (env, *small)))


class Trajectory(NamedTuple):
    """T steps of N environments with one policy, for another one that learns: its values are of that one, and absent.

    Attributes:
        obs: uint8 [I, C, H, W] in 0..255: the observations before each step and the ones after the last, time-major,
            (T + 1) N; then the final ones of episodes that were truncated, in the order of their steps.
        env: int64 [I], the environment of each.
        view_params: what the augmentation drew for the N environments: for each of its stages, tensors by name.
        action, log_prob: as in `ActorStep`, first axes T, N.
        reward: float32 [T, N], as the environment gave it.
        terminated: bool [T, N], the future counts for nothing.
        truncated: bool [T, N], the episode was cut and did not terminate in the same step.
    """

    obs: Tensor
    env: Tensor
    view_params: list[dict[str, Tensor]]
    action: Tensor
    log_prob: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor

    def to(self, device: torch.device) -> "Trajectory":
        """Return the trajectory on `device`, but for what the augmentation drew."""
        fields: dict[str, Any] = self._asdict()
        moved = {name: value.to(device, non_blocking=True) for name, value in fields.items() if name != "view_params"}
        return Trajectory(**fields | moved)

    def split(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Split the values of all observations, float [I], into those before and after each step, [T, N] each.

        After a truncated step it is the value of the final observation, and unused after a terminated one.
        """
        steps, envs = self.reward.numel(), self.reward.shape[1]
        before, after, final = values[:steps], values[envs : steps + envs], values[steps + envs :]
        shape = self.reward.shape
        return before.view(shape), after.view(shape).masked_scatter(self.truncated, final)


Batch = Transition | Minibatch | Trajectory
"""What an agent learns from at a time; all have observations `obs`, uint8 [B, C, H, W]."""


_CHUNK = 8
"""Images that a CPU converts at a time."""


def images_to_float(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Convert stored images, uint8 [B, C, H, W] in 0..255, to learned ones, float in [0, 1]: x / 255.

    They are channels-last in memory, the layout that convolutions are fastest in. In bfloat16, which holds 0..255
    exactly, they are what float32 would be rounded to.

    Raises:
        TypeError: `images` are not uint8: a range is never guessed from the data.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"images must be uint8 in 0..255, got {images.dtype}")
    if not on_cpu(images):
        return _divided(images, dtype, torch.channels_last)
    floats = torch.empty(images.shape, dtype=dtype, memory_format=torch.channels_last)
    for some, out in zip(images.split(_CHUNK), floats.split(_CHUNK)):  # in the order of memory, within the cache
        out.copy_(_divided(some, dtype, torch.preserve_format))
    return floats


def _divided(images: Tensor, dtype: torch.dtype, layout: torch.memory_format) -> Tensor:
    return images.to(dtype, memory_format=layout).div_(255.0)


def on_cpu(images: Tensor) -> bool:
    """Tell whether a CPU will compute on the images."""
    return images.device.type == "cpu"


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
