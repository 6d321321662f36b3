"""Runs that learn from rollouts of their own steps, whatever their agent."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from gymnasium.spaces import Discrete
from gymnasium.vector import VectorEnv

from rad.agents.on_policy import OnPolicyAgent, OnPolicyConfig
from rad.experiment.bounds import AT_LEAST_1, POSITIVE, RATE, WEIGHT, WIDTH, Bound
from rad.experiment.build import action_dim, action_repeat, make_arms, obs_shape
from rad.experiment.config import EvalPolicy, RunConfig
from rad.settings import SettingError

BOUNDS: dict[str, Bound] = {
    "num_steps": AT_LEAST_1,
    **dict.fromkeys(("lr", "max_grad_norm"), POSITIVE),
    "gamma": RATE,
    **dict.fromkeys(("ent_coef", "vf_coef"), WEIGHT),
    "hidden_dim": WIDTH,
}

A = TypeVar("A", bound=OnPolicyAgent)


@dataclass(frozen=True)
class OnPolicyRun(RunConfig):
    """A run that learns from rollouts."""

    augment: str = "none"
    """Augmentation, drawn for each environment and rollout: names joined by +, options after a colon."""
    eval_policy: EvalPolicy = "sample"
    """Evaluate with sampled actions, as published for Procgen, or with the most likely ones."""

    agent: OnPolicyConfig = field(default_factory=OnPolicyConfig)
    """The algorithm's hyperparameters."""

    @property
    def rollout_steps(self) -> int:
        """Agent steps of all environments in a rollout."""
        return self.num_envs * self.agent.num_steps


def make_agent(kind: type[A], config: OnPolicyRun, env: VectorEnv, common: dict[str, Any]) -> A:
    """Make an agent of this kind; PPO's chooses among augmentations if there are several."""
    return kind(
        obs_shape(env),
        action_dim(env),
        config.agent,
        make_arms(config)[0],
        discrete=isinstance(env.single_action_space, Discrete),
        total_updates=rollouts(config),
        **common,
    )


def rollouts(config: OnPolicyRun) -> int:
    """Return the number of whole rollouts in the run."""
    return config.frames // (action_repeat(config) * config.rollout_steps)


def check(config: OnPolicyRun) -> None:
    """Check that the run holds a rollout."""
    if not rollouts(config):
        rollout = f"one rollout of {config.num_envs} environments and {config.agent.num_steps} steps"
        least = f"at least {config.rollout_steps * action_repeat(config):,}, {rollout}"
        raise SettingError("frames", f"{config.frames:,}", least)
