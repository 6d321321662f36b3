"""Environments stepped together, in this process or each in one of its own; in both a step has two halves."""

import itertools
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space


class InProcess(SyncVectorEnv):
    """Environments in this process, with both halves of a step, as `AsyncVectorEnv` has them."""

    _begun: Any = None

    def step_async(self, actions: Any) -> None:
        """Begin a step: `step_wait` takes it."""
        self._begun = actions

    def step_wait(self) -> Any:
        """Take the step that was begun, and return what `step` returns."""
        return self.step(self._begun)


class Grouped(VectorEnv[Any, Any, Any]):
    """Environments in groups, each a vector environment, so that one can be simulated while another is not.

    Environment i is the same as in a vector environment of all, however they are divided, and so is the state of all.
    A step is taken group by group: this has no `step` of its own.

    Attributes:
        groups: the vector environments, in the order of the environments' indices.
    """

    def __init__(self, groups: Sequence[VectorEnv]) -> None:
        self.groups: tuple[Any, ...] = tuple(groups)
        self.num_envs = sum(group.num_envs for group in groups)
        self.metadata = groups[0].metadata
        self.single_observation_space = groups[0].single_observation_space
        self.single_action_space = groups[0].single_action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode in all environments; the infos are left out.

        Raises:
            ValueError: there is a seed, which is given where the environments are made.
        """
        if seed is not None:
            raise ValueError(f"seed must be None for environments in groups, which are made with one; got {seed}")
        return np.concatenate([group.reset(options=options)[0] for group in self.groups]), {}

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Return an attribute of each environment."""
        return tuple(value for group in self.groups for value in group.get_attr(name))

    def set_attr(self, name: str, values: Sequence[Any]) -> None:
        """Set an attribute of each environment."""
        remaining = list(values)
        for group in self.groups:
            group.set_attr(name, remaining[: group.num_envs])
            remaining = remaining[group.num_envs :]

    def close_extras(self, **kwargs: Any) -> None:
        """Close all groups."""
        for group in self.groups:
            group.close(**kwargs)


def make_pool(builders: Sequence[Callable[[], gymnasium.Env[Any, Any]]], parallel: bool, groups: int) -> VectorEnv:
    """Make the environments, each in a process of its own if `parallel`, in groups if there are to be several."""

    def build(part: slice) -> VectorEnv:
        if parallel:
            return AsyncVectorEnv(builders[part], context="spawn", autoreset_mode=AutoresetMode.SAME_STEP)
        return InProcess(builders[part], autoreset_mode=AutoresetMode.SAME_STEP)

    pools = [build(part) for part in _parts(len(builders), groups)]
    return pools[0] if len(pools) == 1 else Grouped(pools)


def make_native(build: Callable[[int], VectorEnv], num_envs: int, groups: int) -> VectorEnv:
    """Make environments that one call steps, by a function of their number; in groups if there are to be several.

    Such environments draw their seeds together, so the groups take over the states of a whole.
    """
    whole, parts = build(num_envs), _parts(num_envs, groups)
    if len(parts) == 1:
        return whole
    with closing(whole):
        env = Grouped([build(part.stop - part.start) for part in parts])
        env.set_attr("resume_state", whole.get_attr("resume_state"))  # type: ignore[attr-defined]
    return env


def _parts(num_envs: int, groups: int) -> list[slice]:
    """Divide the indices of environments; sizes differ by one at most, and no group is empty."""
    groups = min(groups, num_envs)
    bounds = [-(-num_envs * i // groups) for i in range(groups + 1)]
    return [slice(*pair) for pair in itertools.pairwise(bounds)]
