"""Steps of the current policy, time-major, observations as bytes; used for one update and overwritten."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rad.types import ActorStep, Rollout


class RolloutBuffer:
    """Room for T steps of N environments, whose images lie channels-last in memory, as convolutions take them.

    The loop writes what the environments show into `current`; `upload` puts it into its step, where the policy reads
    it; `add` stores what came of it. 256 steps of 64 environments with frames of 64 pixels take 201 MB.

    Args:
        num_steps: T.
        num_envs: N.
        obs_shape: (C, H, W) of one observation.
        device: where the observations lie; all else is small and lies on the CPU.

    Raises:
        ValueError: a count is below 1.

    Attributes:
        steps: how many of the T are filled.
        current: uint8 [N, C, H, W] on the CPU, the observations of the step that comes; on a GPU in pinned memory.
    """

    def __init__(
        self, num_steps: int, num_envs: int, obs_shape: tuple[int, int, int], *, device: torch.device | str = "cpu"
    ) -> None:
        if min(num_steps, num_envs) < 1:
            raise ValueError(f"num_steps and num_envs must be at least 1, got {num_steps} and {num_envs}")
        self.num_steps, self.num_envs, self.steps = num_steps, num_envs, 0
        shape, (channels, height, width) = (num_steps, num_envs), obs_shape
        images = (num_envs, height, width, channels)
        self._images = torch.empty(num_steps, *images, dtype=torch.uint8, device=device)
        self._staged = torch.zeros(images, dtype=torch.uint8, pin_memory=self._images.is_cuda)
        self.current: np.ndarray = self._staged.numpy().transpose(0, 3, 1, 2)
        self._arrays = {
            "obs": self._images.permute(0, 1, 4, 2, 3),
            "final_value": torch.zeros(shape),
            "reward": torch.zeros(shape),
            "terminated": torch.zeros(shape, dtype=torch.bool),
            "truncated": torch.zeros(shape, dtype=torch.bool),
        }

    @staticmethod
    def nbytes(num_steps: int, num_envs: int, obs_shape: tuple[int, int, int]) -> int:
        """Return the bytes that the observations take."""
        channels, height, width = obs_shape
        return num_steps * num_envs * channels * height * width

    @property
    def full(self) -> bool:
        """Whether all T steps are there."""
        return self.steps == self.num_steps

    def upload(self, step: int, envs: slice) -> Tensor:
        """Copy the current observations of some environments into a step; return them there, uint8 [n, C, H, W].

        To a GPU they are on their way when this returns: they may change once a result of them was read.
        """
        images = self._images[step, envs].copy_(self._staged[envs], non_blocking=True)
        return images.permute(0, 3, 1, 2)

    def add(
        self,
        actor_step: ActorStep,
        reward: Tensor,
        *,
        terminated: Tensor,
        truncated: Tensor,
        final_value: Tensor,
    ) -> None:
        """Add one step of all environments: the policy's on the observations uploaded, and what came of it.

        The reward is float [N]; the future counts for nothing where `terminated`, bool [N]; where an episode was
        `truncated`, bool [N], `final_value`, float [N], is the value of its final observation, elsewhere it is unused.

        Raises:
            IndexError: the buffer is full.
        """
        if self.full:
            raise IndexError(f"the rollout is full: it holds num_steps={self.num_steps} steps; clear it first")
        ends = {"terminated": terminated, "truncated": truncated, "final_value": final_value}
        for name, row in ({"reward": reward} | ends | actor_step._asdict()).items():
            self._array(name, row)[self.steps] = row
        self.steps += 1

    def finish(self, last_value: Tensor) -> Rollout:
        """Return the steps, in the buffer's memory; `last_value`, float [N], is of the observation after them."""
        held = {name: array[: self.steps] for name, array in self._arrays.items()}
        following = torch.cat([held["value"][1:], last_value[None]])
        held["next_value"] = torch.where(held["truncated"], held.pop("final_value"), following)
        return Rollout(**held)

    def clear(self) -> None:
        """Forget all steps."""
        self.steps = 0

    def state_dict(self) -> dict[str, Any]:
        """Return the steps held, without copying them."""
        return {name: array[: self.steps] for name, array in self._arrays.items()} | {"steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave; the buffer must have been made with the same arguments."""
        self.steps = state["steps"]
        for name, rows in state.items():
            if name != "steps" and self.steps:
                self._array(name, rows[0])[: self.steps].copy_(rows)

    def _array(self, name: str, row: Tensor) -> Tensor:
        """Return the array for rows like this one; those of an actor step are made at the first one."""
        if name not in self._arrays:
            self._arrays[name] = torch.zeros(self.num_steps, *row.shape, dtype=row.dtype)
        return self._arrays[name]
