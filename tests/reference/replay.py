"""A replay that keeps every transition with both of its stacks as they came, and sums rewards in a loop.

`frames` counts the single frames of one environment, so that a test can tell which transitions a ring of so many
frames still holds.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Step:
    """One agent step, and the frames that its two stacks consist of: from `first_frame` to `last_frame`."""

    obs: np.ndarray
    action: np.ndarray
    reward: float
    next_obs: np.ndarray
    terminated: bool
    first_frame: int
    last_frame: int


@dataclass
class NStep:
    """What a learner is given: n steps, or fewer where the episode ended."""

    obs: np.ndarray
    action: np.ndarray
    reward: float
    discount: float
    next_obs: np.ndarray
    first_frame: int


@dataclass
class Stream:
    """All that one environment did, episode by episode."""

    episodes: list[list[Step]] = field(default_factory=list)
    over: list[bool] = field(default_factory=list)
    frames: int = 0
    frames_before_episode: int = 0
    obs: np.ndarray | None = None


class ReferenceReplay:
    """Keep everything.

    Args:
        num_envs: number of streams.
        frame_stack, gamma, n_step: as in `rad.buffers.replay.Replay`.
    """

    def __init__(self, num_envs: int, frame_stack: int, gamma: float, n_step: int) -> None:
        self.streams = [Stream() for _ in range(num_envs)]
        self.frame_stack, self.gamma, self.n_step = frame_stack, gamma, n_step

    def start(self, env: int, obs: np.ndarray) -> None:
        stream = self.streams[env]
        stream.episodes.append([])
        stream.over.append(False)
        stream.frames_before_episode = stream.frames
        stream.frames += 1
        stream.obs = obs

    def add(
        self, env: int, action: np.ndarray, reward: float, next_obs: np.ndarray, *, terminated: bool, truncated: bool
    ) -> None:
        stream = self.streams[env]
        newest = stream.frames - 1
        first = max(stream.frames_before_episode, newest - self.frame_stack + 1)
        step = Step(stream.obs, action, reward, next_obs, terminated, first, newest + 1)
        stream.episodes[-1].append(step)
        stream.frames += 1
        stream.obs = next_obs
        if terminated or truncated:
            stream.over[-1] = True

    def transitions(self, slots: int) -> list[NStep]:
        """Return every transition whose frames are all among the newest `slots` of their environment."""
        transitions = []
        for stream in self.streams:
            for steps, over in zip(stream.episodes, stream.over):
                for start in range(len(steps)):
                    transition = self._sum(steps, start, over)
                    if transition is not None and transition.first_frame >= stream.frames - slots:
                        transitions.append(transition)
        return transitions

    def _sum(self, steps: list[Step], start: int, over: bool) -> NStep | None:
        reward, discount = 0.0, 1.0
        for offset in range(self.n_step):
            if start + offset == len(steps):
                if not over:
                    return None  # the rest is still to come
                break
            step = steps[start + offset]
            reward += discount * step.reward
            discount *= 0.0 if step.terminated else self.gamma
        first = steps[start]
        return NStep(first.obs, first.action, reward, discount, step.next_obs, first.first_frame)
