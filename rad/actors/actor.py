"""One actor: environments, a policy, and the trajectories that they make."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv
from torch import Tensor

from rad.loops import Episode, LoopState
from rad.types import ActorStep, Trajectory


class ActingAgent(Protocol):
    """What an actor needs of an agent; row i of the observations is always of environment i.

    Attributes:
        device: where it takes observations.
        views: `env_params` are what its augmentation drew for the rollout.
    """

    device: torch.device
    views: Any

    def begin_rollout(self, num_envs: int) -> None:
        """Draw what holds for one rollout."""

    def actor_step(self, obs: Tensor, step: int, envs: slice) -> ActorStep:
        """Draw actions in step `step` of the rollout for observations uint8 [N, C, H, W]."""


class Collected(NamedTuple):
    """A trajectory, the episodes that ended in it, and how many updates the policy had seen that acted."""

    trajectory: Trajectory
    episodes: list[Episode]
    version: int = 0


class Actor:
    """Environments with an agent that acts in them.

    Args:
        env: with SAME_STEP autoreset and `final_obs` where an episode is truncated. Continuous actions are clipped to
            its action space for it alone; they are stored as drawn.
        agent: acts.
        num_steps: T, of each trajectory.

    Attributes:
        state: of the environments between two trajectories.
    """

    def __init__(self, env: VectorEnv, agent: ActingAgent, num_steps: int) -> None:
        self.env, self.agent, self.num_steps, self.state = env, agent, num_steps, LoopState()

    def collect(self) -> Collected:
        """Act for T steps.

        Raises:
            FloatingPointError: the policy or its value is not finite: training has diverged.
        """
        if not self.state.obs.size:
            self.state.begin(self.env)
        self.agent.begin_rollout(self.env.num_envs)
        steps = [self._step(step) for step in range(self.num_steps)]
        obs = [*(step.obs for step in steps), self.state.obs]
        finals = [final for step in steps for final in step.finals]
        images = np.concatenate([*obs, *(image[None] for _, image in finals)])
        env = [i for row in obs for i in range(len(row))] + [i for i, _ in finals]
        columns = {name: torch.stack([getattr(step, name) for step in steps]) for name in COLUMNS}
        trajectory = Trajectory(torch.from_numpy(images), torch.tensor(env), self.agent.views.env_params, **columns)
        return Collected(trajectory, [episode for step in steps for episode in step.episodes])

    def _step(self, step: int) -> "_Step":
        """Step all environments once."""
        obs, everywhere = self.state.obs, slice(0, self.env.num_envs)
        decided = self.agent.actor_step(torch.from_numpy(obs).to(self.agent.device), step, everywhere)
        if not (decided.log_prob.isfinite().all() and decided.value.isfinite().all()):
            raise FloatingPointError("actions or values")
        action, space = decided.action.numpy(), self.env.action_space
        action = np.clip(action, space.low, space.high) if isinstance(space, Box) else action
        following, reward, terminated, truncated, infos = self.env.step(action)
        cut = truncated & ~terminated
        finals = [(int(i), infos["final_obs"][i]) for i in np.flatnonzero(cut)]
        episodes = self.state.advance(following, reward, terminated | truncated)
        numbers = torch.from_numpy(reward).float(), torch.from_numpy(terminated), torch.from_numpy(cut)
        return _Step(obs, decided.action, decided.log_prob, *numbers, finals, episodes)


class _Step(NamedTuple):
    """One step of all environments: `obs` before it, and of those that were truncated number and final observation."""

    obs: np.ndarray
    action: Tensor
    log_prob: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor
    finals: list[tuple[int, np.ndarray]]
    episodes: list[Episode]


COLUMNS = ("action", "log_prob", "reward", "terminated", "truncated")  # of a trajectory, one row for each step
