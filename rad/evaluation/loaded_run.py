"""Load the agent of a trained run, and play episodes with it on splits."""

import dataclasses
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from gymnasium.vector import VectorEnv

from rad.agents.base import Agent
from rad.evaluation.play import Episodes, Policy, Recorder, evaluate, random_policy, summary
from rad.experiment.algorithms import make_agent
from rad.experiment.build import action_repeat, make_env
from rad.experiment.config import RunConfig
from rad.experiment.config_file import read_config
from rad.report.stats.scores import normalize
from rad.runtime import checkpoint
from rad.runtime.run_dir import CHECKPOINTS
from rad.runtime.seeding import generator, seed_for


class LoadedRun(NamedTuple):
    """A run, loaded from its newest complete checkpoint."""

    config: RunConfig
    agent: Agent
    frames: int  # environment frames that the agent was trained for


def load(folder: Path, device: str = "auto") -> LoadedRun:
    """Load the agent of a run from its newest complete checkpoint, onto any device.

    Raises:
        ValueError: the folder holds no run, or has no checkpoint.
        CheckpointError: all its checkpoints are damaged.
    """
    config = dataclasses.replace(read_config(folder), device=device)
    if not checkpoint.exists(folder / CHECKPOINTS):
        raise ValueError(f"{folder} has no checkpoint in {folder / CHECKPOINTS}")
    frames, state = checkpoint.load(folder / CHECKPOINTS, only=("agent",))
    agent = untrained_agent(config)
    agent.load_state_dict(state["agent"])
    return LoadedRun(config, agent, frames)


def policy_of(agent: Agent, kind: str, seed: int) -> Policy:
    """Return the policy to evaluate: `mode`, or `sample` with a separate generator that follows from `seed`."""
    rng = generator(seed, "evaluation actions")
    return lambda obs: agent.act(obs, deterministic=kind == "mode", generator=rng)


def policy_for(config: RunConfig, agent: Agent | None) -> Callable[[VectorEnv], Policy]:
    """Return what makes the policy of the run's evaluations for its environments: the random one without an agent."""
    if agent is None:
        seed = seed_for(config.seed, "random policy", bits=31)
        return lambda env: random_policy(env, seed)
    return lambda env: policy_of(agent, config.eval_policy, config.seed)


def play(
    config: RunConfig,
    policy_for: Callable[[VectorEnv], Policy],
    split: str = "",
    *,
    recorder: Recorder | None = None,
    played: Callable[[int], None] = lambda count: None,
) -> Episodes:
    """Play the run's evaluation on a split, in new environments, always from the same initial states.

    `recorder` and `played` are those of `evaluate`. Arrays of the result have shape [eval_envs, eval_episodes].
    """
    repeat = action_repeat(config)
    with closing(make_env(config, "evaluation", num_envs=config.eval_envs, split=split)) as env:
        policy = policy_for(env)
        return evaluate(env, policy, config.eval_episodes, action_repeat=repeat, recorder=recorder, played=played)


def play_splits(
    config: RunConfig,
    policy_for: Callable[[VectorEnv], Policy],
    names: Iterable[str],
    *,
    recorder: Recorder | None = None,
    played: Callable[[int], None] = lambda count: None,
) -> dict[str, Episodes]:
    """Play on each split, as `play`; the recorder keeps an episode of the first, `played` counts those of all."""
    episodes: dict[str, Episodes] = {}
    for name in names:
        before = sum(of_split.returns.size for of_split in episodes.values())

        def counted(count: int, before: int = before) -> None:
            played(before + count)

        episodes[name] = play(config, policy_for, name, recorder=None if episodes else recorder, played=counted)
    return episodes


def scores(config: RunConfig, episodes: Episodes) -> dict[str, float]:
    """Return `summary` and, where constants are published, the mean of the returns on the published scale."""
    row = summary(episodes)
    if not config.suite.constants:
        return row
    normalized = normalize(episodes.returns, config.task, vars(config.suite))
    return row | {"normalized_return_mean": float(normalized.mean())}


def untrained_agent(config: RunConfig) -> Agent:
    """Return the agent that the run began with."""
    with closing(make_env(config, "evaluation")) as env:
        return make_agent(config, env)
