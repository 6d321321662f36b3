"""Runs of Soft Actor-Critic: RAD's, DrQ's and SVEA's."""

from dataclasses import dataclass, field
from typing import Any

from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv

import augment
from rad.agents.sac import SACAgent, SACConfig
from rad.experiment.algorithms import off_policy
from rad.experiment.algorithms.base import Algorithm
from rad.experiment.algorithms.sac_presets import SAC_PRESETS
from rad.experiment.bounds import AT_LEAST_1, FINITE, POSITIVE, RATE, SHARE, WIDTH, Bound
from rad.experiment.build import action_dim, distractors, make_arms, obs_shape
from rad.settings import setting

BOUNDS: dict[str, Bound] = {
    **off_policy.BOUNDS,
    **dict.fromkeys(("hidden_dim", "projection_dim"), WIDTH),
    **dict.fromkeys(("actor_update_freq", "target_update_freq", "target_views", "critic_views"), AT_LEAST_1),
    **dict.fromkeys(("actor_lr", "critic_lr", "alpha_lr", "init_temperature"), POSITIVE),
    **dict.fromkeys(("critic_tau", "encoder_tau"), RATE),
    "alpha_beta1": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    **dict.fromkeys(("strong_weight", "tanh_floor"), SHARE),
    **dict.fromkeys(("log_std_min", "log_std_max"), FINITE),
}


@dataclass(frozen=True)
class SACRun(off_policy.OffPolicyRun):
    """A run of SAC."""

    capture: bool = True
    """On a GPU, record the update once and replay it as one CUDA graph; the numbers stay the same."""

    agent: SACConfig = field(default_factory=SACConfig)
    """SAC's hyperparameters."""

    @property
    def augmentations(self) -> tuple[str, ...]:
        """All augmentations of the run, SVEA's strong one behind that for all images."""
        strong = self.agent.strong_augment
        return (self.augment, *(() if strong == "none" else (strong,)))


def make_agent(config: SACRun, env: VectorEnv, common: dict[str, Any]) -> SACAgent:
    """Make the agent; it augments in one way."""
    arms, _ = make_arms(config)
    options = {"distractors": distractors(config), "capture": config.capture, **common}
    return SACAgent(obs_shape(env), action_dim(env), config.agent, arms, **options)


def check(config: SACRun, size: tuple[int, int]) -> None:
    """Check the strong augmentation, and what every run with a replay has to keep to."""
    off_policy.check(config, size)
    with setting("strong_augment"):
        strong = augment.make(config.agent.strong_augment, size=size[0], distractors=distractors(config))
        strong.output_size(*size)


SAC = Algorithm(
    *(SACRun, SAC_PRESETS, BOUNDS, (Box,), make_agent, off_policy.make_learning),
    *(check, off_policy.stored, off_policy.shortened),
    idle=off_policy.idle,
)
