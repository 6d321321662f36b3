"""A vector environment that follows a script: frames that name what they show, ends where the script has them."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

SIDE = 2


def picture(env: int, episode: int, step: int) -> np.ndarray:
    """Return the one frame that shows this moment, uint8 [3, SIDE, SIDE]."""
    return np.tile(np.array([env, episode, step], np.uint8)[:, None, None], (1, SIDE, SIDE))


class ScriptedEnv:
    """What the loops ask of a vector environment.

    Args:
        lengths: per environment, the lengths of its episodes, over and over.
        terminates: whether episodes end by termination or by a time limit.
        first: number of the first environment.
        events: where `begin` and `finish` of a step are noted, with `first`.

    A step's reward is 1 + 10 x the number of its environment.
    """

    def __init__(
        self,
        lengths: Sequence[Sequence[int]],
        *,
        terminates: bool = False,
        first: int = 0,
        events: list[tuple[str, int]] | None = None,
    ) -> None:
        self.lengths, self.terminates, self.num_envs, self.first = lengths, terminates, len(lengths), first
        self.events = [] if events is None else events
        self.single_action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, self.num_envs)
        self.actions: list[np.ndarray] = []
        self.rendered: list[tuple[int, int]] = []
        self.resets = 0
        self.begun: np.ndarray | None = None

    def reset(self) -> tuple[np.ndarray, dict[str, Any]]:
        self.resets += 1
        self.episode, self.step_in_episode = np.zeros(self.num_envs, int), np.zeros(self.num_envs, int)
        return self.obs(), {}

    def obs(self) -> np.ndarray:
        return np.stack(
            [picture(self.first + i, self.episode[i], self.step_in_episode[i]) for i in range(self.num_envs)]
        )

    def step(self, action: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        assert self.action_space.contains(action)
        self.actions.append(action)
        self.step_in_episode += 1
        lengths = [self.lengths[i][self.episode[i] % len(self.lengths[i])] for i in range(self.num_envs)]
        ended, final = self.step_in_episode == lengths, np.empty(self.num_envs, object)
        for i in np.flatnonzero(ended):
            final[i] = self.obs()[i]
        self.episode[ended] += 1
        self.step_in_episode[ended] = 0
        reward, no = 1.0 + 10.0 * (self.first + np.arange(self.num_envs)), np.zeros(self.num_envs, bool)
        terminated, truncated = (ended, no) if self.terminates else (no, ended)
        return self.obs(), reward, terminated, truncated, {"final_obs": final, "_final_obs": ended}

    def step_async(self, action: np.ndarray) -> None:
        assert self.begun is None
        self.begun = action
        self.events.append(("begin", self.first))

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        action, self.begun = self.begun, None
        self.events.append(("finish", self.first))
        assert action is not None
        return self.step(action)

    def call(self, name: str, size: int) -> tuple[np.ndarray, ...]:
        assert name == "render_frame"
        self.rendered.append((self.episode[0], self.step_in_episode[0]))
        return tuple(np.full((size, size, 3), self.step_in_episode[i], np.uint8) for i in range(self.num_envs))

    def get_attr(self, name: str) -> tuple[Any, ...]:
        assert name == "metadata"
        return ({"render_fps": 12.5},) * self.num_envs


class ScriptedGroups:
    """Two groups of scripted environments, the first of which has one more if their number is odd."""

    def __init__(self, lengths: Sequence[Sequence[int]], *, terminates: bool = False) -> None:
        half, self.num_envs = -(-len(lengths) // 2), len(lengths)
        self.events: list[tuple[str, int]] = []
        options: dict[str, Any] = {"terminates": terminates, "events": self.events}
        self.groups = [ScriptedEnv(lengths[:half], **options), ScriptedEnv(lengths[half:], first=half, **options)]

    @property
    def resets(self) -> int:
        return self.groups[1].resets

    def reset(self) -> tuple[np.ndarray, dict[str, Any]]:
        return np.concatenate([group.reset()[0] for group in self.groups]), {}
