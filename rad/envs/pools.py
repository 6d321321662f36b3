"""Environments stepped together, in this process or each in one of its own; in both a step has two halves."""

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv


class InProcess(SyncVectorEnv):
    """Environments in this process, with both halves of a step, as `AsyncVectorEnv` has them."""

    _begun: Any = None

    def step_async(self, actions: Any) -> None:
        """Begin a step: `step_wait` takes it."""
        self._begun = actions

    def step_wait(self) -> Any:
        """Take the step that was begun, and return what `step` returns."""
        return self.step(self._begun)


def make_pool(builders: Sequence[Callable[[], gymnasium.Env[Any, Any]]], parallel: bool) -> VectorEnv:
    """Make the environments, each in a process of its own if `parallel`."""
    if parallel:
        return AsyncVectorEnv(builders, context="spawn", autoreset_mode=AutoresetMode.SAME_STEP)
    return InProcess(builders, autoreset_mode=AutoresetMode.SAME_STEP)
