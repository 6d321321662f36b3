"""Steps of the current policy, time-major, observations as bytes; used for one update and overwritten."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rad.types import ActorStep, Rollout


class RolloutBuffer:
    """Room for T steps of N environments.

    256 steps of 64 environments with frames of 64 pixels take 201 MB.

    Args:
        num_steps: T.
        num_envs: N.
        obs_shape: (C, H, W) of one observation.
        device: where the observations lie; all else is small and lies on the CPU.

    Raises:
        ValueError: a count is below 1.

    Attributes:
        steps: how many of the T are filled.
    """

    def __init__(
        self, num_steps: int, num_envs: int, obs_shape: tuple[int, int, int], *, device: torch.device | str = "cpu"
    ) -> None:
        if min(num_steps, num_envs) < 1:
            raise ValueError(f"num_steps and num_envs must be at least 1, got {num_steps} and {num_envs}")
        self.num_steps, self.num_envs, self.steps = num_steps, num_envs, 0
        shape = (num_steps, num_envs)
        self._arrays = {
            "obs": torch.empty(*shape, *obs_shape, dtype=torch.uint8, device=device),
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

    def add(
        self,
        obs: Tensor,
        actor_step: ActorStep,
        reward: Tensor,
        *,
        terminated: Tensor,
        truncated: Tensor,
        final_value: Tensor,
    ) -> None:
        """Add one step of all environments: the policy's on obs, uint8 [N, C, H, W], and what came of it.

        The reward is float [N]; the future counts for nothing where `terminated`, bool [N]; where an episode was
        `truncated`, bool [N], `final_value`, float [N], is the value of its final observation, elsewhere it is unused.

        Raises:
            IndexError: the buffer is full.
        """
        if self.full:
            raise IndexError(f"the rollout is full: it holds num_steps={self.num_steps} steps; clear it first")
        ends = {"terminated": terminated, "truncated": truncated, "final_value": final_value}
        for name, row in ({"obs": obs, "reward": reward} | ends | actor_step._asdict()).items():
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
