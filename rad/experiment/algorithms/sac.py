"""Runs of Soft Actor-Critic: RAD's, DrQ's and SVEA's, from a replay of frames."""

from dataclasses import dataclass, field, replace
from typing import Any

from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv

import augment
from rad.agents.sac import SACAgent, SACConfig
from rad.buffers.replay import Replay
from rad.envs.suites import suite_of
from rad.experiment.algorithms.base import Algorithm, Learning, Stored
from rad.experiment.algorithms.sac_presets import SAC_PRESETS
from rad.experiment.bounds import AT_LEAST_0, AT_LEAST_1, FINITE, POSITIVE, RATE, SHARE, WIDTH, Bound
from rad.experiment.build import action_dim, action_repeat, distractors, make_arms, obs_shape
from rad.experiment.config import RunConfig
from rad.loops import OffPolicyState, off_policy
from rad.runtime.seeding import generator
from rad.settings import SettingError, setting

WARMUP_STEPS = 20  # of a measurement; a batch is drawn with replacement, so these are enough

BOUNDS: dict[str, Bound] = {
    "warmup_steps": AT_LEAST_0,
    "replay_capacity": AT_LEAST_1,
    "updates_per_step": POSITIVE,
    **dict.fromkeys(("hidden_dim", "projection_dim", "batch_size"), WIDTH),
    "n_step": AT_LEAST_1,
    **dict.fromkeys(("actor_update_freq", "target_update_freq", "target_views", "critic_views"), AT_LEAST_1),
    **dict.fromkeys(("actor_lr", "critic_lr", "alpha_lr", "init_temperature"), POSITIVE),
    **dict.fromkeys(("gamma", "critic_tau", "encoder_tau"), RATE),
    "alpha_beta1": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    "strong_weight": SHARE,
    **dict.fromkeys(("log_std_min", "log_std_max"), FINITE),
}


@dataclass(frozen=True)
class SACRun(RunConfig):
    """A run of SAC."""

    warmup_steps: int = 1_000
    """Agent steps with random actions before the first update."""
    replay_capacity: int = 100_000
    """Frames that the replay holds, each stored once: one per agent step and one per episode."""
    updates_per_step: float = 1.0
    """Updates per agent step; 0.5 for one every second step (DrQ-v2)."""

    agent: SACConfig = field(default_factory=SACConfig)
    """The algorithm's hyperparameters."""

    @property
    def augmentations(self) -> tuple[str, ...]:
        """All augmentations of the run, SVEA's strong one behind that for all images."""
        strong = self.agent.strong_augment
        return (self.augment, *(() if strong == "none" else (strong,)))


def make_agent(config: SACRun, env: VectorEnv, common: dict[str, Any]) -> SACAgent:
    """Make the agent; it augments in one way."""
    arms, _ = make_arms(config)
    return SACAgent(obs_shape(env), action_dim(env), config.agent, arms, distractors=distractors(config), **common)


def make_learning(config: SACRun, env: VectorEnv, agent: SACAgent) -> Learning:
    """Make the loop that acts into a replay and learns from batches of it."""
    replay = Replay(
        replay_frames(config),
        obs_shape(env),
        action_dim(env),
        num_envs=env.num_envs,
        frame_stack=config.frame_stack,
        gamma=config.agent.gamma,
        n_step=config.agent.n_step,
    )
    state = OffPolicyState(generator(config.seed, "loop"))
    loop = off_policy(
        env,
        agent,
        replay,
        state,
        batch_size=config.agent.batch_size,
        warmup_steps=config.warmup_steps,
        updates_per_step=config.updates_per_step,
    )
    return Learning(replay, state, loop)


def replay_frames(config: SACRun) -> int:
    """Return how many frames the replay has to hold: its capacity, or all of a run that is shorter.

    An episode takes one frame more than it has steps; twice the steps covers the shortest ones.
    """
    steps = -(-config.frames // action_repeat(config)) + config.num_envs
    held = steps + steps // 10 + 100 if suite_of(config.task).long_episodes else 2 * steps
    return min(config.replay_capacity, held + _least_frames(config))


def _least_frames(config: SACRun) -> int:
    return config.num_envs * Replay.least_slots(config.frame_stack, config.agent.n_step)


def check(config: SACRun, size: tuple[int, int]) -> None:
    """Check the augmentations, and that the replay always has something to sample once the updates begin."""
    n_step, num_envs = config.agent.n_step, config.num_envs
    if len(make_arms(config)[0]) > 1:
        problem = "ucb chooses by the returns of rollouts, which sac has none of; allowed: one augmentation"
        raise SettingError("augment", f"{problem}, got {config.augment}")
    with setting("strong_augment"):
        strong = augment.make(config.agent.strong_augment, size=size[0], distractors=distractors(config))
        strong.output_size(*size)
    if config.replay_capacity < (least := _least_frames(config)):
        allowed = f"at least {least} with {num_envs} environments, {config.frame_stack} stacked frames"
        raise SettingError("replay_capacity", config.replay_capacity, f"{allowed} and {n_step} steps")
    if config.warmup_steps < (least := num_envs * (n_step - 1)):
        allowed = f"at least {least} with {num_envs} environments and {n_step} steps"
        raise SettingError("warmup_steps", config.warmup_steps, allowed)


def stored(config: SACRun, side: int) -> Stored:
    """Return the replay's frames."""
    frames, shape = replay_frames(config), (3 * config.frame_stack, side, side)
    return Stored(Replay.nbytes(frames, shape, config.frame_stack), "replay_capacity", frames, "frames")


def shortened(config: SACRun) -> SACRun:
    """Return a run that learns after as few steps as it can."""
    least = config.num_envs * config.agent.n_step
    return replace(config, warmup_steps=min(config.warmup_steps, least + WARMUP_STEPS))


SAC = Algorithm(SACRun, SAC_PRESETS, BOUNDS, (Box,), make_agent, make_learning, check, stored, shortened)
