"""Replay of pixel transitions in which each frame is stored once, as bytes."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rad.types import FrameStacks, Transition

EMPTY = "replay holds no complete transition yet"


class Replay:
    """A ring of single frames per environment; stacks and next observations are built at sampling.

    Slot t of an environment holds one frame and, unless it is the last of its episode, the transition that starts
    there: action, reward, terminated. Slot t + 1 holds the next frame. An episode of L transitions takes L + 1 slots,
    so 100,000 slots of 100x100 frames take 3.0 GB where two stored stacks of three frames would take 18 GB.

    Args:
        capacity: slots in all, shared equally among the environments.
        obs_shape: (3 K, H, W) of the stacked observations that go in and come out.
        action_dim: size of the action A.
        num_envs: environments whose streams are interleaved.
        frame_stack: K.
        gamma: discount per agent step.
        n_step: agent steps between obs and next_obs.
        device: where the frames lie; all else is small, and lies on the CPU.

    Raises:
        ValueError: a count is out of its range, or capacity is too small for one stack and n steps.
    """

    def __init__(
        self,
        capacity: int,
        obs_shape: tuple[int, int, int],
        action_dim: int,
        *,
        num_envs: int = 1,
        frame_stack: int = 3,
        gamma: float,
        n_step: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        channels, height, width = obs_shape
        slots = capacity // num_envs
        if n_step < 1 or frame_stack < 1 or channels % frame_stack:
            raise ValueError(
                f"n_step and frame_stack must be at least 1 and frame_stack divide the {channels} channels, "
                f"got n_step={n_step}, frame_stack={frame_stack}"
            )
        if slots < (least := self.least_slots(frame_stack, n_step)):
            raise ValueError(
                f"capacity must hold at least {least} frames for each of {num_envs} environments, got {capacity}"
            )
        self.gamma, self.n_step, self.frame_stack = gamma, n_step, frame_stack
        self.slots, self.num_envs = slots, num_envs
        self.frame_channels = channels // frame_stack
        shape = (slots, num_envs, self.frame_channels, height, width)
        self.frames = torch.empty(shape, dtype=torch.uint8, device=device)
        self.action = torch.zeros(slots, num_envs, action_dim)
        self.reward = torch.zeros(slots, num_envs)
        self.terminated = torch.zeros(slots, num_envs, dtype=torch.bool)
        self.age = torch.zeros(slots, num_envs, dtype=torch.int32)  # transitions since the episode's start
        self.last = torch.zeros(slots, num_envs, dtype=torch.bool)  # an episode's final frame: no transition
        self.head = torch.full((num_envs,), -1)  # newest slot of each environment, counted without wrapping

    @staticmethod
    def nbytes(capacity: int, obs_shape: tuple[int, int, int], frame_stack: int) -> int:
        """Return the bytes that `capacity` frames of stacks of `obs_shape` take."""
        channels, height, width = obs_shape
        return capacity * (channels // frame_stack) * height * width

    @staticmethod
    def least_slots(frame_stack: int, n_step: int) -> int:
        """Return the frames per environment with which a transition is complete after any n steps.

        One that ends an episode may be followed by n frames of the next: its stack, its end, and these.
        """
        return frame_stack + n_step + 1

    def __len__(self) -> int:
        """Return the number of frames held."""
        return int(self._held().sum())

    def start(self, env: int, obs: Tensor) -> None:
        """Begin an episode of environment `env` with its first observation, uint8 [3 K, H, W]; cut a running one."""
        self.last[int(self.head[env]) % self.slots, env] = True
        self._push(env, obs, age=0)

    def add(
        self, env: int, action: Tensor, reward: float, next_obs: Tensor, *, terminated: bool, truncated: bool
    ) -> None:
        """Add one transition of environment `env`; the next call for it after an end must be `start`.

        The action is float [A], the reward summed over the action repeat, and next_obs uint8 [3 K, H, W]: at an
        episode's end the final observation, not the reset one. Past a `terminated` step the future counts for nothing;
        past a `truncated` one it counts.
        """
        slot = int(self.head[env]) % self.slots
        self.action[slot, env] = action
        self.reward[slot, env] = reward
        self.terminated[slot, env] = terminated
        self._push(env, next_obs, age=int(self.age[slot, env]) + 1)
        if terminated or truncated:
            self.last[int(self.head[env]) % self.slots, env] = True

    def sample(self, batch_size: int, generator: torch.Generator) -> Transition:
        """Draw B = `batch_size` transitions uniformly, with replacement, by a CPU generator; no stack is built.

        Raises:
            ValueError: no complete transition is held yet.
        """
        start, env = self._draw(batch_size, generator)
        reward, discount = torch.zeros(batch_size), torch.ones(batch_size)
        end, running = start, torch.ones(batch_size, dtype=torch.bool)
        for _ in range(self.n_step):
            slot = end % self.slots
            reward += discount * running * self.reward[slot, env]
            discount = torch.where(running, discount * self.gamma * ~self.terminated[slot, env], discount)
            end = end + running
            running = running & ~self.last[end % self.slots, env]
        action = self.action[start % self.slots, env]
        return Transition(self._stacks(start, env), action, reward, discount, self._stacks(end, env))

    def state_dict(self) -> dict[str, Any]:
        """Return everything held, frames included, without copying it."""
        filled = min(int(self.head.max()) + 1, self.slots)
        arrays = ("frames", "action", "reward", "terminated", "age", "last")
        counts = {"slots": self.slots, "head": self.head}
        return counts | {name: getattr(self, name)[:filled] for name in arrays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave.

        Raises:
            ValueError: the buffer was made with another capacity, and has more frames than fit into both.
        """
        if state["slots"] != self.slots and int(state["head"].max()) >= min(state["slots"], self.slots):
            raise ValueError(f"slots of the state must be {self.slots} per environment, got {state['slots']}")
        for name, array in state.items():
            if name != "slots":
                getattr(self, name)[: len(array)].copy_(array)

    def _push(self, env: int, obs: Tensor, *, age: int) -> None:
        self.head[env] += 1
        slot = int(self.head[env]) % self.slots
        frame = obs[-self.frame_channels :]
        on_host = self.frames.device.type == "cpu"
        self.frames[slot, env].copy_(frame if on_host else _pinned(frame), non_blocking=not on_host)
        self.age[slot, env] = age
        self.last[slot, env] = False
        self.terminated[slot, env] = False

    def _draw(self, batch_size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw (slot, environment) pairs by rejection; slots are counted without wrapping."""
        held = self._held()
        if not held.any():
            raise ValueError(EMPTY)
        slot, env = self._propose(batch_size, held, generator)
        accepted = self._complete(slot, env, held)
        if not accepted.any() and not self.can_sample():
            raise ValueError(EMPTY)
        while not accepted.all():
            rejected = ~accepted
            slot[rejected], env[rejected] = self._propose(int(rejected.sum()), held, generator)
            accepted = self._complete(slot, env, held)
        return slot, env

    def _propose(self, count: int, held: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw any held slot, uniformly over all environments."""
        pick = torch.randint(int(held.sum()), (count,), generator=generator)
        bounds = held.cumsum(0)
        env = torch.searchsorted(bounds, pick, right=True)
        oldest = self.head[env] - held[env] + 1
        return oldest + pick - (bounds - held)[env], env

    def _complete(self, slot: Tensor, env: Tensor, held: Tensor) -> Tensor:
        """Tell which slots start a transition whose stack and n steps are all held."""
        index = slot % self.slots
        ahead = self.head[env] - slot  # slots from here to the newest one
        history = (self.frame_stack - 1) * torch.ones_like(slot)
        stack_held = torch.minimum(self.age[index, env].long(), history) < held[env] - ahead
        end = slot + ahead.clamp(max=self.n_step)
        same_episode = self.age[end % self.slots, env] - self.age[index, env] == end - slot
        ended = ~same_episode | self.last[end % self.slots, env]
        return ~self.last[index, env] & stack_held & ((ahead >= self.n_step) | (ended & (ahead > 0)))

    def can_sample(self) -> bool:
        """Tell whether at least one complete transition is held."""
        held = self._held()
        for env, (newest, count) in enumerate(zip(self.head.tolist(), held.tolist())):
            slots = torch.arange(newest - count + 1, newest + 1)
            if self._complete(slots, torch.full_like(slots, env), held).any():
                return True
        return False

    def _held(self) -> Tensor:
        """Return the frames held of each environment, int64 [N]."""
        return (self.head + 1).clamp(max=self.slots)

    def _stacks(self, slot: Tensor, env: Tensor) -> FrameStacks:
        """Return stacks [B, 3 K, H, W] that repeat an episode's first frame where it has no earlier ones."""
        back = torch.arange(self.frame_stack - 1, -1, -1)
        age = self.age[slot % self.slots, env].long()
        slots = (slot[:, None] - torch.minimum(back, age[:, None])) % self.slots  # [B, K]
        return FrameStacks(self.frames.flatten(0, 1), slots * self.num_envs + env[:, None])


def _pinned(frame: Tensor) -> Tensor:
    """Copy a frame to memory from which a device copies it while the host goes on."""
    return torch.empty(frame.shape, dtype=frame.dtype, pin_memory=True).copy_(frame)
