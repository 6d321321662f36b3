"""Training loops as generators: they act, store and update, and yield a report; no files, no logging."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv

from rad.buffers.replay import Replay
from rad.types import Metrics, Transition


class Episode(NamedTuple):
    """A finished episode: undiscounted return, and length in agent steps."""

    episode_return: float
    episode_length: int


class Report(NamedTuple):
    """What one step of all environments did.

    Attributes:
        agent_steps: steps of all environments together since the run began.
        episodes: those that ended in this step.
        updates: metrics of each update made in this step.
    """

    agent_steps: int
    episodes: list[Episode]
    updates: list[Metrics]


class OffPolicyAgent(Protocol):
    """What the loop asks of an agent."""

    def act(self, obs: np.ndarray, *, deterministic: bool) -> np.ndarray:
        """Choose actions [N, A] for observations uint8 [N, C, H, W]."""
        ...

    def update(self, batch: Transition) -> Metrics:
        """Take one gradient step."""
        ...


@dataclass
class Progress:
    """Where an off-policy loop stands: everything it needs to go on, besides agent, replay and environments.

    Attributes:
        generator: CPU generator of random actions and of sampling from replay.
        agent_steps: steps of all environments together.
        obs: uint8 [N, C, H, W], the current observations; empty before the first step.
        episode_return, episode_length: float and int [N], of the episodes under way.
    """

    generator: torch.Generator
    agent_steps: int = 0
    obs: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))
    episode_return: np.ndarray = field(default_factory=lambda: np.zeros(0))
    episode_length: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def state_dict(self) -> dict[str, Any]:
        """Return all fields as arrays and plain values."""
        return vars(self) | {"generator": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.generator.set_state(state["generator"])
        for name in ("agent_steps", "obs", "episode_return", "episode_length"):
            setattr(self, name, copy.deepcopy(state[name]))  # the loop adds to the arrays in place


def off_policy(
    env: VectorEnv,
    agent: OffPolicyAgent,
    replay: Replay,
    progress: Progress,
    *,
    batch_size: int,
    warmup_steps: int,
    updates_per_step: int = 1,
) -> Iterator[Report]:
    """Act, store, update, for ever; the caller decides when to stop, log, evaluate and save.

    Args:
        env: vector environment with SAME_STEP autoreset and a Box action space.
        agent: acts and learns.
        replay: filled here.
        progress: changed in place; a loop given the saved state of an earlier one goes on where that stopped.
        batch_size: transitions per update.
        warmup_steps: agent steps with uniformly random actions and without updates.
        updates_per_step: updates per agent step.

    Yields:
        A report after each step of all environments.

    Raises:
        FloatingPointError: the agent's actions are not finite: training has diverged.
    """
    if not progress.obs.size:
        _begin(env, replay, progress)
    while True:
        warm = progress.agent_steps >= warmup_steps
        action = agent.act(progress.obs, deterministic=False) if warm else _random(env, progress.generator)
        if not np.isfinite(action).all():
            raise FloatingPointError("actions")
        episodes = _step(env, replay, progress, action)
        updates = [
            agent.update(replay.sample(batch_size, progress.generator))
            for _ in range(updates_per_step * env.num_envs if warm else 0)
        ]
        yield Report(progress.agent_steps, episodes, updates)


def _begin(env: VectorEnv, replay: Replay, progress: Progress) -> None:
    progress.obs, _ = env.reset()
    progress.episode_return = np.zeros(env.num_envs)
    progress.episode_length = np.zeros(env.num_envs, dtype=np.int64)
    for i in range(env.num_envs):
        replay.start(i, torch.from_numpy(progress.obs[i]))


def _random(env: VectorEnv, generator: torch.Generator) -> np.ndarray:
    """Draw actions uniformly from the action space, float32 [N, A]."""
    space = env.action_space
    if not isinstance(space, Box):
        raise TypeError(f"actions must be continuous, got {space}")
    uniform = torch.rand(space.shape, generator=generator).numpy()
    return space.low + (space.high - space.low) * uniform


def _step(env: VectorEnv, replay: Replay, progress: Progress, action: np.ndarray) -> list[Episode]:
    """Step all environments once, store what happened and return the episodes that ended."""
    obs, reward, terminated, truncated, infos = env.step(action)
    ended = terminated | truncated
    progress.episode_return += reward
    progress.episode_length += 1
    for i in range(env.num_envs):
        next_obs = infos["final_obs"][i] if ended[i] else obs[i]
        replay.add(
            i,
            torch.from_numpy(action[i]),
            float(reward[i]),
            torch.from_numpy(next_obs),
            terminated=bool(terminated[i]),
            truncated=bool(truncated[i]),
        )
        if ended[i]:
            replay.start(i, torch.from_numpy(obs[i]))
    progress.agent_steps += env.num_envs
    progress.obs = obs
    finished = [
        Episode(float(progress.episode_return[i]), int(progress.episode_length[i])) for i in np.flatnonzero(ended)
    ]
    progress.episode_return[ended] = 0.0
    progress.episode_length[ended] = 0
    return finished
