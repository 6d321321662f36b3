"""Runs of Proximal Policy Optimization, RAD's and DrAC's, from rollouts."""

from dataclasses import dataclass, field, replace
from typing import Any

from gymnasium.spaces import Box, Discrete
from gymnasium.vector import VectorEnv

from rad.agents.ppo import PPOAgent, PPOConfig
from rad.buffers.rollout import RolloutBuffer
from rad.experiment.algorithms.base import Algorithm, Learning, Stored
from rad.experiment.algorithms.ppo_presets import PPO_PRESETS
from rad.experiment.bounds import AT_LEAST_1, POSITIVE, RATE, SHARE, WEIGHT, WIDTH, Bound
from rad.experiment.build import action_dim, action_repeat, make_arms, obs_shape
from rad.experiment.config import EvalPolicy, RunConfig
from rad.loops import LoopState
from rad.loops.on_policy import on_policy
from rad.runtime import device
from rad.settings import SettingError

ROLLOUT_STEPS = 16  # of a measurement; the time of an update is proportional to the steps

BOUNDS: dict[str, Bound] = {
    **dict.fromkeys(("num_steps", "num_minibatches", "num_epochs"), AT_LEAST_1),
    **dict.fromkeys(("lr", "adam_eps", "clip_coef", "target_kl", "init_kl_beta"), POSITIVE),
    **dict.fromkeys(("max_grad_norm", "reward_clip"), POSITIVE),
    "gamma": RATE,
    **dict.fromkeys(("gae_lambda", "reward_gamma"), SHARE),
    **dict.fromkeys(("ent_coef", "vf_coef", "consistency_coef"), WEIGHT),
    "hidden_dim": WIDTH,
}


@dataclass(frozen=True)
class PPORun(RunConfig):
    """A run of PPO."""

    algo: str = "ppo"
    preset: str = "ppo"
    augment: str = "none"
    """Augmentation: names joined by +, options after a colon; ucb:crop,flip chooses one for each rollout."""
    eval_policy: EvalPolicy = "sample"
    """Evaluate with sampled actions, as published for Procgen, or with the most likely ones."""

    agent: PPOConfig = field(default_factory=PPOConfig)
    """The algorithm's hyperparameters."""


def make_agent(config: PPORun, env: VectorEnv, common: dict[str, Any]) -> PPOAgent:
    """Make the agent; it chooses among augmentations if there are several."""
    return PPOAgent(
        obs_shape(env),
        action_dim(env),
        config.agent,
        make_arms(config)[0],
        discrete=isinstance(env.single_action_space, Discrete),
        total_updates=rollouts(config),
        **common,
    )


def make_learning(config: PPORun, env: VectorEnv, agent: PPOAgent) -> Learning:
    """Make the loop that acts into a rollout and learns from it."""
    rollout = RolloutBuffer(config.agent.num_steps, env.num_envs, obs_shape(env), device=agent.device)
    state = LoopState()
    return Learning(rollout, state, on_policy(env, agent, rollout, state), agent.device)


def rollouts(config: PPORun) -> int:
    """Return the number of whole rollouts in the run."""
    return config.frames // (action_repeat(config) * config.num_envs * config.agent.num_steps)


def check(config: PPORun, size: tuple[int, int]) -> None:
    """Check that the run holds a rollout, and that a rollout can be divided into minibatches."""
    agent = config.agent
    steps = agent.num_steps * config.num_envs
    if agent.num_minibatches > steps:
        raise SettingError("num_minibatches", agent.num_minibatches, f"at most {steps}, the steps of a rollout")
    if not rollouts(config):
        rollout = f"one rollout of {config.num_envs} environments and {agent.num_steps} steps"
        raise SettingError("frames", f"{config.frames:,}", f"at least {steps * action_repeat(config):,}, {rollout}")


def stored(config: PPORun, side: int) -> Stored:
    """Return the observations of a rollout."""
    steps, shape = config.agent.num_steps, (3 * config.frame_stack, side, side)
    size = RolloutBuffer.nbytes(steps, config.num_envs, shape)
    unit = f"steps of {config.num_envs} environments"
    return Stored(size, "num_steps", steps, unit, device.resolve_device(config.device))


def shortened(config: PPORun) -> PPORun:
    """Return a run of short rollouts."""
    steps = max(ROLLOUT_STEPS, -(-config.agent.num_minibatches // config.num_envs))
    return replace(config, agent=replace(config.agent, num_steps=min(steps, config.agent.num_steps)))


PPO = Algorithm(
    run=PPORun,
    presets=PPO_PRESETS,
    bounds=BOUNDS,
    action_spaces=(Box, Discrete),
    make_agent=make_agent,
    make_learning=make_learning,
    check=check,
    stored=stored,
    shortened=shortened,
    groups=2,
    ranks=True,
    schedules=("anneal_lr",),
)
