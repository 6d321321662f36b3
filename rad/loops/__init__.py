"""Training loops as generators that act, store, update and yield a report; no files, no logging."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
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
    """What a loop has done: steps of all environments since the run began, episodes that ended, metrics of each update.

    And, of loops with actors, what happened how often since the run began, and what to say of it.
    """

    agent_steps: int
    episodes: list[Episode]
    updates: list[Metrics]
    counts: Mapping[str, int] = {}
    notes: Sequence[str] = ()


class OffPolicyAgent(Protocol):
    """What the off-policy loop needs of an agent."""

    def act(self, obs: np.ndarray, *, deterministic: bool) -> np.ndarray:
        """Choose actions [N, A] for observations uint8 [N, C, H, W]."""

    def update(self, batch: Transition) -> Metrics:
        """Take one gradient step."""


@dataclass(kw_only=True)
class LoopState:
    """The state of a loop: all that a resume needs besides agent, buffer and environments.

    Attributes:
        agent_steps: steps of all environments together.
        obs: uint8 [N, C, H, W], the current observations; empty before the first step.
        episode_return, episode_length: float and int [N], of the running episodes.
    """

    agent_steps: int = 0
    obs: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))
    episode_return: np.ndarray = field(default_factory=lambda: np.zeros(0))
    episode_length: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def begin(self, env: VectorEnv) -> None:
        """Reset the environments."""
        self.obs, _ = env.reset()
        self.episode_return = np.zeros(env.num_envs)
        self.episode_length = np.zeros(env.num_envs, dtype=np.int64)

    def advance(self, obs: np.ndarray, reward: np.ndarray, ended: np.ndarray) -> list[Episode]:
        """Count one step of all environments and return the episodes that ended."""
        self.agent_steps += len(reward)
        self.obs = obs
        self.episode_return += reward
        self.episode_length += 1
        finished = [Episode(float(self.episode_return[i]), int(self.episode_length[i])) for i in np.flatnonzero(ended)]
        self.episode_return[ended] = 0.0
        self.episode_length[ended] = 0
        return finished

    def state_dict(self) -> dict[str, Any]:
        """Return all fields as arrays and plain values."""
        return dict(vars(self))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        for name in ("agent_steps", "obs", "episode_return", "episode_length"):
            setattr(self, name, copy.deepcopy(state[name]))  # `advance` adds to the arrays in place


@dataclass
class OffPolicyState(LoopState):
    """The state of an off-policy loop; `generator`, on the CPU, draws random actions and samples from replay."""

    generator: torch.Generator

    def state_dict(self) -> dict[str, Any]:
        """Return all fields as arrays and plain values."""
        return super().state_dict() | {"generator": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        super().load_state_dict(state)
        self.generator.set_state(state["generator"])


def off_policy(
    env: VectorEnv,
    agent: OffPolicyAgent,
    replay: Replay,
    state: OffPolicyState,
    *,
    batch_size: int,
    warmup_steps: int,
    updates_per_step: float = 1.0,
) -> Iterator[Report]:
    """Act, store and update forever; the caller decides when to stop, log, evaluate and save.

    Each step of all environments, which have SAME_STEP autoreset and a Box action space, yields a report. The first
    `warmup_steps` agent steps have uniformly random actions and no updates; then come `updates_per_step` per agent
    step, spread evenly (0.1 is one in ten steps, exactly), each on `batch_size` transitions. `replay` and `state` are
    changed in place; with those that an earlier loop saved, this one resumes there.

    A step is begun, the updates are made from what the replay held before it, and then the step is finished: so
    environments in processes of their own simulate while the agent learns. The newest transition waits for one step;
    which update sees which transitions does not depend on how fast anything is. `env` has `step_async` and `step_wait`.

    Raises:
        FloatingPointError: the agent's actions are not finite: training has diverged.
    """
    ratio = Fraction(str(updates_per_step))
    pool: Any = env  # Gymnasium declares both halves of a step on a subclass only
    if not state.obs.size:
        state.begin(env)
        for i in range(env.num_envs):
            replay.start(i, torch.from_numpy(state.obs[i]))
    while True:
        warm = state.agent_steps >= warmup_steps
        action = agent.act(state.obs, deterministic=False) if warm else _random(env, state.generator)
        if not np.isfinite(action).all():
            raise FloatingPointError("actions")
        due = _updates_due(ratio, state.agent_steps, env.num_envs) if warm else 0
        pool.step_async(action)
        try:
            updates = [agent.update(replay.sample(batch_size, state.generator)) for _ in range(due)]
        finally:  # after an error too, so that the environments can be closed
            step = pool.step_wait()
        episodes = _store(replay, state, action, step)
        yield Report(state.agent_steps, episodes, updates)


def _updates_due(per_step: Fraction, agent_steps: int, new_steps: int) -> int:
    """Return how many updates the next `new_steps` after `agent_steps` agent steps bring, none lost by rounding."""
    return floor(per_step * (agent_steps + new_steps)) - floor(per_step * agent_steps)


def _random(env: VectorEnv, generator: torch.Generator) -> np.ndarray:
    """Draw actions uniformly from the action space, float32 [N, A]."""
    space = env.action_space
    if not isinstance(space, Box):
        raise TypeError(f"actions must be continuous, got {space}")
    uniform = torch.rand(space.shape, generator=generator).numpy()
    return space.low + (space.high - space.low) * uniform


def _store(replay: Replay, state: OffPolicyState, action: np.ndarray, step: tuple[Any, ...]) -> list[Episode]:
    """Store what happened in a step of all environments and return the episodes that ended."""
    obs, reward, terminated, truncated, infos = step
    ended = terminated | truncated
    for i in range(len(action)):
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
    return state.advance(obs, reward, ended)
