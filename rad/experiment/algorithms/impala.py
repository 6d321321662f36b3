"""Runs of IMPALA: actors in this process, in others of this machine, or on a Ray cluster."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import VectorEnv

from rad.actors.loop import DecoupledState, decoupled
from rad.agents.bandit import split_arms
from rad.agents.impala import IMPALAAgent, IMPALAConfig
from rad.buffers.rollout import RolloutBuffer
from rad.experiment import cluster
from rad.experiment.algorithms import on_policy
from rad.experiment.algorithms.base import Algorithm, Learning, Stored
from rad.experiment.algorithms.impala_actors import make_source
from rad.experiment.algorithms.impala_presets import IMPALA_PRESETS
from rad.experiment.bounds import AT_LEAST_0, POSITIVE, WEIGHT, Bound
from rad.settings import SettingError, mention

BOUNDS: dict[str, Bound] = {
    **on_policy.BOUNDS,
    "actors": (lambda value: 0 <= value <= 1024, "from 0 to 1024"),
    "max_lag": AT_LEAST_0,
    **dict.fromkeys(("optimizer_eps", "rho_clip", "c_clip"), POSITIVE),
    "reward_clip": WEIGHT,
}


@dataclass(frozen=True)
class IMPALARun(on_policy.OnPolicyRun):
    """A run of IMPALA."""

    algo: str = "impala"
    preset: str = "impala"
    actors: int = 0
    """Processes that act while the learner learns, each with num_envs environments; 0 acts in the learner's own."""
    order: Literal["fixed", "arrival"] = "fixed"
    """Learn from the actors in turn, which does not depend on how fast they are, or from whoever is ready."""
    max_lag: int = 0
    """Drop rollouts of policies from more updates ago; 0 drops none. In fixed order the lag is the number of actors."""
    address: str = ""
    """Address of a Ray cluster that runs the actors, auto for this machine's, or local for a new one on it."""

    agent: IMPALAConfig = field(default_factory=IMPALAConfig)
    """The algorithm's hyperparameters."""

    @property
    def envs_here(self) -> int:
        """One, for its spaces, where actors have theirs."""
        return 1 if self.actors else self.num_envs

    @property
    def processes(self) -> int:
        """The actors of this machine, or the environments."""
        return super().processes or (0 if self.address else self.actors)

    @property
    def steps_per_report(self) -> int:
        """Those of a rollout."""
        return self.rollout_steps

    def cores(self, threads: int) -> int:
        """Return the cores of the learner and one for each actor, which work at the same time."""
        return threads + self.processes


def make_learning(config: IMPALARun, env: VectorEnv, agent: IMPALAAgent) -> Learning:
    """Make the loop that learns from the actors' trajectories."""
    source, state = make_source(config, env, agent), DecoupledState()
    steps = decoupled(source, agent, state, max_lag=config.max_lag)
    return Learning(source, state, steps, torch.device("cpu"), source.close)


def check(config: IMPALARun, size: tuple[int, int]) -> None:
    """Check that the run holds a rollout, has one augmentation, and that the settings of actors fit each other."""
    on_policy.check(config)
    if len(split_arms(config.augment)) > 1:
        raise SettingError("augment", "ucb chooses by the returns of the rollout before, which actors do not wait for")
    if config.actors:
        _check_actors(config)
        return
    for name in ("order", "max_lag", "address"):
        if (value := getattr(config, name)) != getattr(IMPALARun, name):
            raise SettingError(name, f"has an effect only with {mention('{actors}')} of 1 or more, got {value}")


def _check_actors(config: IMPALARun) -> None:
    if config.parallel_envs:
        raise SettingError("parallel_envs", f"is for runs without {mention('{actors}')}, which are processes already")
    if config.order == "fixed" and 0 < config.max_lag < config.actors:
        allowed = f"0 or at least {config.actors}, the lag in fixed order"
        raise SettingError("max_lag", config.max_lag, allowed)
    if config.address:
        cluster.load("address")
    if config.address not in ("", "local"):
        cluster.check_address(config.address)


def stored(config: IMPALARun, side: int) -> Stored:
    """Return the observations of the rollouts that are held at a time, one for each actor and the learner's."""
    steps, shape = config.agent.num_steps, (3 * config.frame_stack, side, side)
    size = RolloutBuffer.nbytes(steps + 1, config.num_envs, shape) * (1 + config.actors)
    return Stored(size, "num_steps", steps, f"steps of {config.num_envs} environments", torch.device("cpu"))


def shortened(config: IMPALARun) -> IMPALARun:
    """Return the run itself: its rollouts are short."""
    return replace(config)


IMPALA = Algorithm(
    run=IMPALARun,
    presets=IMPALA_PRESETS,
    bounds=BOUNDS,
    action_spaces=(Box, Discrete),
    make_agent=partial(on_policy.make_agent, IMPALAAgent),
    make_learning=make_learning,
    check=check,
    stored=stored,
    shortened=shortened,
    schedules=("anneal_lr",),
)
