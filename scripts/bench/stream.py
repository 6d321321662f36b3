"""Transitions as an environment would give them, without one."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from rad.buffers.replay import Replay

FRAME_STACK = 3
SIDE_PX = 100
GAMMA = 0.99
EPISODE_STEPS = 125  # of dm_control's 1,000 frames at action repeat 8


class Step(NamedTuple):
    """One transition."""

    obs: np.ndarray  # uint8 [9, H, W]
    action: np.ndarray  # float32 [A] in [-1, 1]
    reward: float
    next_obs: np.ndarray  # uint8 [9, H, W]; shares two frames with `obs`
    first: bool  # begins an episode
    last: bool  # truncates it


def random_steps(count: int, action_dim: int, *, side_px: int = SIDE_PX, seed: int = 0) -> Iterator[Step]:
    """Yield transitions with frames of random bytes."""
    random = np.random.default_rng(seed)
    obs = np.zeros((3 * FRAME_STACK, side_px, side_px), np.uint8)
    for number in range(count):
        place = number % EPISODE_STEPS
        if place == 0:
            obs = np.tile(_frame(random, side_px), (FRAME_STACK, 1, 1))
        action = random.uniform(-1, 1, action_dim).astype(np.float32)
        next_obs = np.concatenate([obs[3:], _frame(random, side_px)])
        yield Step(obs, action, float(random.uniform()), next_obs, place == 0, place == EPISODE_STEPS - 1)
        obs = next_obs


def slots_for(count: int) -> int:
    """Return the frames that `Replay` needs for so many of these transitions: one more per episode."""
    return count + -(-count // EPISODE_STEPS)


def make_replay(count: int, action_dim: int, side_px: int = SIDE_PX, device: str = "cpu") -> Replay:
    """Make an empty replay that holds `count` of these transitions, its frames on a device."""
    shape = (3 * FRAME_STACK, side_px, side_px)
    return Replay(slots_for(count), shape, action_dim, frame_stack=FRAME_STACK, gamma=GAMMA, device=device)


def add(replay: Replay, step: Step) -> None:
    """Add a transition as the training loop does."""
    if step.first:
        replay.start(0, torch.from_numpy(step.obs))
    action, next_obs = torch.from_numpy(step.action), torch.from_numpy(step.next_obs)
    replay.add(0, action, step.reward, next_obs, terminated=False, truncated=step.last)


def _frame(random: np.random.Generator, side_px: int) -> np.ndarray:
    return np.frombuffer(random.bytes(3 * side_px * side_px), np.uint8).reshape(3, side_px, side_px)
