"""Evaluation: a fixed number of episodes per environment, returns as numbers."""

from collections.abc import Callable

import numpy as np
from gymnasium.vector import VectorEnv

Policy = Callable[[np.ndarray], np.ndarray]
"""Maps observations uint8 [N, C, H, W] to actions [N, ...]."""


def evaluate(env: VectorEnv, policy: Policy, episodes: int, *, watch: Callable[[], None] | None = None) -> np.ndarray:
    """Run a policy for `episodes` episodes in each environment.

    A fixed number per environment, rather than the first to finish, keeps short episodes from being
    counted more often than long ones.

    Args:
        env: freshly made vector environment; its seeds decide the initial states.
        policy: chooses the actions.
        episodes: episodes in each environment, at least 1.
        watch: called after the reset and after each step of environment 0's first episode; draws a video.

    Returns:
        Undiscounted returns, float [episodes * N], environment by environment.
    """
    obs, _ = env.reset()
    returns: list[list[float]] = [[] for _ in range(env.num_envs)]
    running = np.zeros(env.num_envs)
    if watch:
        watch()
    while min(map(len, returns)) < episodes:
        obs, reward, terminated, truncated, _ = env.step(policy(obs))
        running += reward
        for i in np.flatnonzero(terminated | truncated):
            returns[i].append(float(running[i]))
            running[i] = 0.0
        if watch and not returns[0]:
            watch()
    return np.array([of_env[:episodes] for of_env in returns]).flatten()


def random_policy(env: VectorEnv, seed: int) -> Policy:
    """Return the policy that draws uniformly from the action space of `env`."""
    env.action_space.seed(seed)
    return lambda obs: env.action_space.sample()
