"""Runs that act into a replay of frames and learn from batches of it, whatever their agent."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor

import torch
from gymnasium.vector import VectorEnv

from rad.agents.base import OffPolicyConfig
from rad.buffers.replay import Replay
from rad.envs.suites import suite_of
from rad.experiment.algorithms.base import Learning, Stored
from rad.experiment.bounds import AT_LEAST_1, POSITIVE, RATE, WIDTH, Bound
from rad.experiment.build import action_dim, action_repeat, make_arms, obs_shape
from rad.experiment.config import RunConfig
from rad.loops import OffPolicyAgent, OffPolicyState, off_policy
from rad.runtime import device
from rad.runtime.seeding import generator
from rad.settings import SettingError, mention

LEFT_BYTES = 2 * 2**30  # of a GPU for networks, an update's images and CUDA: an estimate, not measured
WARMUP_STEPS = 20  # of a measurement; a batch is drawn with replacement, so these are enough

BOUNDS: dict[str, Bound] = {
    **{"updates_per_step": POSITIVE, "batch_size": WIDTH, "gamma": RATE},
    **dict.fromkeys(("warmup_steps", "replay_capacity", "n_step"), AT_LEAST_1),
}


@dataclass(frozen=True)
class OffPolicyRun(RunConfig):
    """A run that learns from a replay."""

    warmup_steps: int = 1_000
    """Agent steps with random actions before the first update."""
    replay_capacity: int = 100_000
    """Frames that the replay holds, each stored once: one per agent step and one per episode."""
    replay_device: str = "auto"
    """Where the replay's frames lie: auto (the run's GPU if they fit there, else cpu), cpu or cuda."""
    updates_per_step: float = 1.0
    """Updates per agent step; 0.5 for one every second step (DrQ-v2)."""

    agent: OffPolicyConfig = field(default_factory=OffPolicyConfig)
    """The algorithm's hyperparameters."""


def make_learning(config: OffPolicyRun, env: VectorEnv, agent: OffPolicyAgent) -> Learning:
    """Make the loop that acts into a replay and learns from batches of it."""
    stored_on = stored(config, obs_shape(env)[1]).device
    replay = Replay(
        *(replay_frames(config), obs_shape(env), action_dim(env)),
        num_envs=env.num_envs,
        frame_stack=config.frame_stack,
        gamma=config.agent.gamma,
        n_step=config.agent.n_step,
        device=stored_on,
    )
    state = OffPolicyState(generator(config.seed, "loop"))
    loop = off_policy(
        *(env, agent, replay, state),
        batch_size=config.agent.batch_size,
        warmup_steps=config.warmup_steps,
        updates_per_step=config.updates_per_step,
    )
    return Learning(replay, state, loop, stored_on)


def replay_frames(config: OffPolicyRun) -> int:
    """Return how many frames the replay has to hold: its capacity, or all of a run that is shorter.

    An episode takes one frame more than it has steps; twice the steps covers the shortest ones.
    """
    steps = -(-config.frames // action_repeat(config)) + config.num_envs
    held = steps + steps // 10 + 100 if suite_of(config.task).long_episodes else 2 * steps
    return min(config.replay_capacity, held + _least_frames(config))


def _least_frames(config: OffPolicyRun) -> int:
    return config.num_envs * Replay.least_slots(config.frame_stack, config.agent.n_step)


def check(config: OffPolicyRun, size: tuple[int, int]) -> None:
    """Check that there is one augmentation, and that the replay has something to sample once the updates begin."""
    if len(make_arms(config)[0]) > 1:
        needs = f"ucb chooses by the returns of rollouts, which {config.algo} has none of; allowed: one augmentation"
        raise SettingError("augment", f"{needs}, got {config.augment}")
    target = device.resolve_device(config.device)
    places = dict.fromkeys(("auto", "cpu", target.type, str(target)))
    if config.replay_device not in places:
        allowed = f"{', '.join(places)} with {mention('{device}')} {target}"
        raise SettingError("replay_device", config.replay_device, allowed)
    n_step, num_envs = config.agent.n_step, config.num_envs
    if config.replay_capacity < (least := _least_frames(config)):
        allowed = f"at least {least} with {num_envs} environments, {config.frame_stack} stacked frames"
        raise SettingError("replay_capacity", config.replay_capacity, f"{allowed} and {n_step} steps")
    if config.warmup_steps < (least := num_envs * n_step):
        allowed = f"at least {least} with {num_envs} environments and {n_step} steps"
        raise SettingError("warmup_steps", config.warmup_steps, allowed)


def idle(config: OffPolicyRun) -> str:
    """Say why the run would make no update, and what to change; nothing where it makes some."""
    repeat, envs, ratio = action_repeat(config), config.num_envs, Fraction(str(config.updates_per_step))
    steps, warm = (-(-count // envs) * envs for count in (-(-config.frames // repeat), config.warmup_steps))
    due = (floor(ratio * warm) + 1) / ratio  # agent steps with which the first update is, see `rad.loops.off_policy`
    fewer = (ceil(due / envs) - 1) * envs
    if steps > fewer:
        return ""
    return (
        f"--frames {config.frames:,} is {steps:,} agent steps, and --warmup-steps {config.warmup_steps:,} come before "
        f"the first update: nothing will be learned; give more than {fewer * repeat:,} frames or fewer warm-up steps"
    )


def stored(config: OffPolicyRun, side: int) -> Stored:
    """Return the replay's frames."""
    frames, shape = replay_frames(config), (3 * config.frame_stack, side, side)
    size = Replay.nbytes(frames, shape, config.frame_stack)
    return Stored(size, "replay_capacity", frames, "frames", _replay_device(config, size))


def _replay_device(config: OffPolicyRun, size: int) -> torch.device:
    """Return where a replay of `size` bytes lies, one of the places that `check` allows."""
    target = device.resolve_device(config.device)
    on_host = config.replay_device == "cpu" or target.type == "cpu"
    if not on_host and config.replay_device == "auto":
        on_host = size + LEFT_BYTES > device.free_bytes_on(target)
    return torch.device("cpu") if on_host else target


def shortened(config: OffPolicyRun) -> OffPolicyRun:
    """Return a run that learns after as few steps as it can."""
    least = config.num_envs * config.agent.n_step
    return replace(config, warmup_steps=min(config.warmup_steps, least + WARMUP_STEPS))
