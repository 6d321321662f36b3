"""Runs of Proximal Policy Optimization, RAD's and DrAC's, from rollouts."""

from dataclasses import dataclass, field, replace
from functools import partial

from gymnasium.spaces import Box, Discrete
from gymnasium.vector import VectorEnv

from rad.agents.ppo import PPOAgent, PPOConfig
from rad.buffers.rollout import RolloutBuffer
from rad.experiment.algorithms import on_policy
from rad.experiment.algorithms.base import Algorithm, Learning, Stored
from rad.experiment.algorithms.ppo_presets import PPO_PRESETS
from rad.experiment.bounds import AT_LEAST_1, POSITIVE, SHARE, WEIGHT, Bound
from rad.experiment.build import obs_shape
from rad.loops import LoopState
from rad.loops.on_policy import on_policy as loop
from rad.runtime import device
from rad.settings import SettingError

ROLLOUT_STEPS = 16  # of a measurement; the time of an update is proportional to the steps

BOUNDS: dict[str, Bound] = {
    **on_policy.BOUNDS,
    **dict.fromkeys(("num_minibatches", "num_epochs"), AT_LEAST_1),
    **dict.fromkeys(("adam_eps", "clip_coef", "target_kl", "init_kl_beta", "reward_clip"), POSITIVE),
    **dict.fromkeys(("gae_lambda", "reward_gamma"), SHARE),
    "consistency_coef": WEIGHT,
}


@dataclass(frozen=True)
class PPORun(on_policy.OnPolicyRun):
    """A run of PPO."""

    algo: str = "ppo"
    preset: str = "ppo"
    augment: str = "none"
    """Augmentation: names joined by +, options after a colon; ucb:crop,flip chooses one for each rollout."""

    agent: PPOConfig = field(default_factory=PPOConfig)
    """The algorithm's hyperparameters."""


def make_learning(config: PPORun, env: VectorEnv, agent: PPOAgent) -> Learning:
    """Make the loop that acts into a rollout and learns from it."""
    rollout = RolloutBuffer(config.agent.num_steps, env.num_envs, obs_shape(env), device=agent.device)
    state = LoopState()
    return Learning(rollout, state, loop(env, agent, rollout, state), agent.device)


def check(config: PPORun, size: tuple[int, int]) -> None:
    """Check that the run holds a rollout, and that a rollout can be divided into minibatches."""
    if (minibatches := config.agent.num_minibatches) > config.rollout_steps:
        raise SettingError("num_minibatches", minibatches, f"at most {config.rollout_steps}, the steps of a rollout")
    on_policy.check(config)


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
    make_agent=partial(on_policy.make_agent, PPOAgent),
    make_learning=make_learning,
    check=check,
    stored=stored,
    shortened=shortened,
    groups=2,
    ranks=True,
    schedules=("anneal_lr",),
)
