"""The table of the learning algorithms: all that differs from one to another; nobody else asks which one it is."""

from typing import Any

from gymnasium.vector import VectorEnv

from rad.agents.base import Agent as Agent  # these four also for rooms above, which make agents and their loops here
from rad.agents.base import PolicyState as PolicyState
from rad.experiment.algorithms.base import Algorithm
from rad.experiment.algorithms.impala import IMPALA
from rad.experiment.algorithms.ppo import PPO
from rad.experiment.algorithms.sac import SAC
from rad.experiment.config import RunConfig
from rad.loops import Episode as Episode
from rad.loops import Report as Report
from rad.runtime import device
from rad.runtime.processes.ranks import ALONE, Ranks
from rad.runtime.seeding import seed_for
from rad.settings import SettingError, check_name

ALGORITHMS: dict[str, Algorithm] = {"sac": SAC, "ppo": PPO, "impala": IMPALA}


def register(name: str, algorithm: Algorithm) -> None:
    """Make an algorithm known.

    Raises:
        ValueError: its name or that of a preset is taken or no word, or its runs are not of it.
    """
    check_name("algorithm", name, ALGORITHMS)
    for preset in algorithm.presets:
        check_name("preset", preset, {taken for other in ALGORITHMS.values() for taken in other.presets})
    if not algorithm.presets or algorithm.run().algo != name:
        raise ValueError(f"algorithm {name!r} must have a preset, and runs whose algo is {name!r} by default")
    ALGORITHMS[name] = algorithm


def algorithm_named(name: str) -> Algorithm:
    """Return an algorithm.

    Raises:
        SettingError: it is unknown.
    """
    if name not in ALGORITHMS:
        is_preset = any(name in algorithm.presets for algorithm in ALGORITHMS.values())
        hint = f"; {name} is a preset: --preset {name}" if is_preset else ""
        raise SettingError("algo", f"unknown algorithm '{name}'; known: {', '.join(ALGORITHMS)}{hint}")
    return ALGORITHMS[name]


def algorithm_of(config: RunConfig) -> Algorithm:
    """Return the algorithm of a run."""
    return algorithm_named(config.algo)


def make_agent(config: RunConfig, env: VectorEnv, ranks: Ranks = ALONE) -> Agent:
    """Make the agent for the spaces of `env`, untrained, on the run's device, which is set to the run's precision.

    Of several ranks each has the same weights, and draws of its own.
    """
    target = device.resolve_device(config.device)
    precision = device.resolve_precision(config.precision, target)
    device.set_precision(target, precision)
    device.set_deterministic(target)
    common: dict[str, Any] = {
        "encoder": config.encoder,
        "auxiliary_loss": config.auxiliary_loss,
        "seed": seed_for(config.seed, "agent"),
        "device": target,
        "precision": precision,
        "ranks": ranks,
    }
    agent = algorithm_of(config).make_agent(config, env, common)
    if ranks.rank:
        agent.draw_from(seed_for(config.seed, "agent", ranks.rank))
    return agent
