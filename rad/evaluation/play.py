"""Evaluation: a fixed number of episodes per environment, returns as numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

Policy = Callable[[np.ndarray], np.ndarray]
"""Maps observations uint8 [N, C, H, W] to actions [N, ...]."""


class Recorder:
    """Keeps what environment 0 showed in its first episode.

    Args:
        size: side of the video's frames in pixels.

    Attributes:
        frames: uint8 [size, size, 3] each, one per agent step.
        observations: uint8 [C, H, W] each, what the agent was given.
        fps: frames per second that show the episode at the simulator's speed; 0 before the first frame.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.frames: list[np.ndarray] = []
        self.observations: list[np.ndarray] = []
        self.fps = 0.0

    def record(self, env: VectorEnv, obs: np.ndarray) -> None:
        """Draw the present state of environment 0, without disturbing it."""
        pool: Any = env  # Gymnasium declares call and get_attr on the subclasses only
        self.frames.append(pool.call("render_frame", self.size)[0])
        self.observations.append(obs[0])
        self.fps = pool.get_attr("metadata")[0]["render_fps"]


def evaluate(
    env: VectorEnv,
    policy: Policy,
    episodes: int,
    *,
    recorder: Recorder | None = None,
    played: Callable[[int], None] = lambda count: None,
) -> np.ndarray:
    """Run a policy for `episodes` episodes in each environment.

    A fixed number per environment, rather than the first to finish, keeps short episodes from being
    counted more often than long ones.

    Args:
        env: freshly made vector environment; its seeds decide the initial states.
        policy: chooses the actions.
        episodes: episodes in each environment, at least 1.
        recorder: keeps the first episode of environment 0.
        played: told after each step how many episodes are over.

    Returns:
        Undiscounted returns, float [N, episodes], in the order of play.
    """
    obs, _ = env.reset()
    returns: list[list[float]] = [[] for _ in range(env.num_envs)]
    running = np.zeros(env.num_envs)
    while min(map(len, returns)) < episodes:
        if recorder and not returns[0]:
            recorder.record(env, obs)
        obs, reward, terminated, truncated, _ = env.step(policy(obs))
        running += reward
        for i in np.flatnonzero(terminated | truncated):
            returns[i].append(float(running[i]))
            running[i] = 0.0
        played(sum(min(len(of_env), episodes) for of_env in returns))
    return np.array([of_env[:episodes] for of_env in returns])


def random_policy(env: VectorEnv, seed: int) -> Policy:
    """Return the policy that draws uniformly from the action space of `env`."""
    env.action_space.seed(seed)
    return lambda obs: env.action_space.sample()


def summary(returns: np.ndarray) -> dict[str, float]:
    """Return the row of an evaluation: mean and standard deviation of the episodes' returns, and their number.

    Args:
        returns: float [N, episodes], or of any other shape.
    """
    return {
        "episode_return_mean": float(returns.mean()),
        "episode_return_std": float(returns.std()),
        "episodes": returns.size,
    }
