"""Evaluation: play a fixed number of episodes per environment, and measure each."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv

Policy = Callable[[np.ndarray], np.ndarray]
"""Maps observations uint8 [N, C, H, W] to actions [N, ...]."""


class Episodes(NamedTuple):
    """The measurements of each episode, in the order of play."""

    returns: np.ndarray  # undiscounted returns, float [N, episodes]
    lengths: np.ndarray  # environment frames, int [N, episodes]
    successes: np.ndarray | None  # bool [N, episodes]; None where the suite does not tell


class Recorder:
    """Records the first episode of environment 0."""

    def __init__(self, size: int) -> None:
        self.size = size  # side of the video in pixels
        self.frames: list[np.ndarray] = []  # uint8 [size, size, 3] each, one per agent step
        self.observations: list[np.ndarray] = []  # uint8 [C, H, W] each, as the agent sees them
        self.fps = 0.0  # frames per second at the simulator's speed; 0 before the first frame

    def record(self, env: VectorEnv, obs: np.ndarray) -> None:
        """Render the present state of environment 0, without disturbing it."""
        pool: Any = env  # Gymnasium declares call and get_attr on the subclasses only
        self.frames.append(pool.call("render_frame", self.size)[0])
        self.observations.append(obs[0])
        self.fps = pool.get_attr("metadata")[0]["render_fps"]


def evaluate(
    env: VectorEnv,
    policy: Policy,
    episodes: int,
    *,
    action_repeat: int = 1,
    recorder: Recorder | None = None,
    played: Callable[[int], None] = lambda count: None,
) -> Episodes:
    """Run a policy for `episodes` episodes in each environment.

    A fixed number per environment, rather than the first to finish, keeps short episodes from being
    counted more often than long ones.

    Args:
        env: freshly made vector environment; its seeds decide the initial states. Where it tells whether an episode
            succeeded, its infos have `is_success`, [N], in the episode's last step.
        policy: chooses the actions.
        episodes: episodes in each environment, at least 1.
        action_repeat: environment frames per agent step.
        recorder: records the first episode of environment 0.
        played: called after each step with the number of episodes that are over.
    """
    obs, _ = env.reset()
    ended: list[list[tuple[float, int, bool | None]]] = [[] for _ in range(env.num_envs)]
    running, steps = np.zeros(env.num_envs), np.zeros(env.num_envs, np.int64)
    while min(map(len, ended)) < episodes:
        if recorder and not ended[0]:
            recorder.record(env, obs)
        obs, reward, terminated, truncated, infos = env.step(policy(obs))
        running += reward
        steps += action_repeat
        over = terminated | truncated
        for i in np.flatnonzero(over):
            ended[i].append((float(running[i]), int(steps[i]), _success(infos, i)))
        running[over], steps[over] = 0.0, 0
        played(sum(min(len(of_env), episodes) for of_env in ended))
    columns = [[[episode[k] for episode in of_env[:episodes]] for of_env in ended] for k in range(3)]
    returns, lengths, successes = map(np.array, columns)
    return Episodes(returns, lengths, successes if successes.dtype == np.bool_ else None)


def _success(infos: dict[str, Any], env: int) -> bool | None:
    """Return whether the episode that ended in an environment succeeded; None where its suite does not tell."""
    return bool(infos["is_success"][env]) if "is_success" in infos and infos["_is_success"][env] else None


def random_policy(env: VectorEnv, seed: int) -> Policy:
    """Return the policy that draws uniformly from the action space of `env`."""
    env.action_space.seed(seed)
    return lambda obs: env.action_space.sample()


def summary(episodes: Episodes) -> dict[str, float]:
    """Return the row of an evaluation: mean and standard deviation of the returns, and the other metrics.

    Its names are fields of `rad.report.read.evaluation_files.SplitResult`.
    """
    row = {
        "episode_return_mean": float(episodes.returns.mean()),
        "episode_return_std": float(episodes.returns.std()),
        "episodes": episodes.returns.size,
        "episode_frames_mean": float(episodes.lengths.mean()),
    }
    return row if episodes.successes is None else row | {"success_rate": float(episodes.successes.mean())}
