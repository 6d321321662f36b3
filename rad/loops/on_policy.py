"""The on-policy loop: environments in groups, of which one is simulated while actions are drawn for the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv
from torch import Tensor

from rad.buffers.rollout import RolloutBuffer
from rad.loops import LoopState, Report
from rad.types import ActorStep, Metrics, Rollout


class OnPolicyAgent(Protocol):
    """What the on-policy loop needs of an agent; row i of the observations of `envs` is of the i-th of these."""

    def begin_rollout(self, num_envs: int) -> None:
        """Draw what holds for one rollout."""

    def resume_rollout(self, num_envs: int) -> None:
        """Draw what the saved state of a rollout in progress lacks."""

    def actor_step(self, obs: Tensor, step: int, envs: slice) -> ActorStep:
        """Draw actions in step `step` of the rollout for observations uint8 [n, C, H, W], where the buffer lies."""

    def value(self, obs: np.ndarray, envs: slice) -> Tensor:
        """Return the values [n], on the CPU, of observations uint8 [n, C, H, W]."""

    def update(self, rollout: Rollout) -> Metrics:
        """Learn from one rollout."""


def on_policy(env: VectorEnv, agent: OnPolicyAgent, buffer: RolloutBuffer, state: LoopState) -> Iterator[Report]:
    """Fill the buffer with the policy's steps, learn from them and drop them, forever; the caller decides when to stop.

    Each step of all environments, which have SAME_STEP autoreset and give `final_obs` where an episode is truncated,
    yields a report; each `buffer.num_steps` of them it holds an update. Continuous actions are clipped to the action
    space for the environment only; they are stored as drawn. `buffer` and `state` are changed in place; with those that
    an earlier loop saved, this one resumes there, in the middle of a rollout too.

    Environments in groups (`env.groups`, as in `rad.envs.pools.Grouped`; any others are a single group) are simulated
    and decided about in turn, see `_step`; each has `step_async` and `step_wait`. The order is fixed, so the result
    does not depend on how fast anything is, and between two reports nothing is simulated: environments can be saved.

    Raises:
        FloatingPointError: the policy or its value is not finite: training has diverged.
    """
    if not state.obs.size:
        state.begin(env)
    buffer.current[:] = state.obs
    state.obs = buffer.current
    groups = _groups(env, agent, buffer)
    if buffer.steps:
        agent.resume_rollout(env.num_envs)
    try:
        while True:
            if not buffer.steps:
                agent.begin_rollout(env.num_envs)
            episodes = state.advance(buffer.current, *_step(groups, buffer))
            updates = []
            if buffer.full:
                last_value = agent.value(buffer.current, slice(0, env.num_envs))
                updates = [agent.update(buffer.finish(last_value))]
                buffer.clear()
            yield Report(state.agent_steps, episodes, updates)
    finally:  # after an error too, so that the environments can be closed
        for group in groups:
            group.settle()


def _step(groups: "Sequence[_Group]", buffer: RolloutBuffer) -> tuple[np.ndarray, np.ndarray]:
    """Do one step of all environments and store it; return rewards, float64 [N], and where episodes ended, bool [N].

    While the first group is simulated, actions are drawn for the other; while that one is, for the first one's next
    step, unless another rollout begins there, with another policy. A loop that resumes draws these again, the same.
    """
    begun = [group.begin(buffer.steps) for group in groups]
    outcomes = [groups[0].finish(begun[0])]
    if buffer.steps + 1 < buffer.num_steps:
        groups[0].decide(buffer.steps + 1)
    outcomes += [group.finish(actor_step) for group, actor_step in zip(groups[1:], begun[1:])]
    actor_step = ActorStep(*map(torch.cat, zip(*(outcome.actor_step for outcome in outcomes))))
    reward, terminated, truncated, final_value = map(np.concatenate, zip(*(outcome[1:] for outcome in outcomes)))
    buffer.add(
        actor_step,
        torch.from_numpy(reward),
        terminated=torch.from_numpy(terminated),
        truncated=torch.from_numpy(truncated),
        final_value=torch.from_numpy(final_value),
    )
    return reward, terminated | truncated


class _Outcome(NamedTuple):
    """A step of n environments: the policy's, and float64, bool, bool and float32 [n]."""

    actor_step: ActorStep
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    final_value: np.ndarray  # of the last observation of an episode that was truncated; elsewhere unused


@dataclass
class _Group:
    """Environments that are stepped together: `env` holds those with the indices `envs`."""

    env: Any
    envs: slice
    agent: OnPolicyAgent
    buffer: RolloutBuffer
    decided: ActorStep | None = None  # of a step that is not begun
    simulated: bool = False

    def decide(self, step: int) -> ActorStep:
        """Draw the actions of a step of the rollout, from the current observations."""
        actor_step = self.agent.actor_step(self.buffer.upload(step, self.envs), step, self.envs)
        if not (actor_step.log_prob.isfinite().all() and actor_step.value.isfinite().all()):
            raise FloatingPointError("actions or values")
        self.decided = actor_step
        return actor_step

    def begin(self, step: int) -> ActorStep:
        """Begin a step, decided now unless it was before, and return what the policy did."""
        actor_step, space = self.decided or self.decide(step), self.env.action_space
        action = actor_step.action.numpy()
        self.env.step_async(np.clip(action, space.low, space.high) if isinstance(space, Box) else action)
        self.decided, self.simulated = None, True
        return actor_step

    def finish(self, actor_step: ActorStep) -> _Outcome:
        """Wait for the step that was begun; the next observations become the current ones."""
        obs, reward, terminated, truncated, infos = self._wait()
        self.buffer.current[self.envs] = obs
        final_value = actor_step.value
        if truncated.any():
            final_obs = [infos["final_obs"][i] if cut else obs[i] for i, cut in enumerate(truncated)]
            final_value = self.agent.value(np.stack(final_obs), self.envs)
        return _Outcome(actor_step, reward, terminated, truncated, final_value.numpy())

    def settle(self) -> None:
        """Wait for a step that was begun, whatever comes of it."""
        if self.simulated:
            self._wait()

    def _wait(self) -> Any:
        self.simulated = False
        return self.env.step_wait()


def _groups(env: VectorEnv, agent: OnPolicyAgent, buffer: RolloutBuffer) -> list[_Group]:
    groups, first = [], 0
    for part in getattr(env, "groups", (env,)):
        groups.append(_Group(part, slice(first, first + part.num_envs), agent, buffer))
        first += part.num_envs
    return groups
