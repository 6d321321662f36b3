"""Load the agent of a trained run, and play episodes with it on splits."""

import dataclasses
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from gymnasium.vector import VectorEnv

from rad.evaluation.play import Episodes, Policy, Recorder, evaluate, random_policy, summary
from rad.experiment.algorithms import Agent, make_agent
from rad.experiment.build import action_repeat, make_env
from rad.experiment.config import RunConfig
from rad.experiment.config_file import read_config
from rad.report.stats.scores import normalize
from rad.runtime import checkpoint
from rad.runtime.device import resolve_device
from rad.runtime.run_dir import CHECKPOINTS
from rad.runtime.seeding import generator, seed_for


class LoadedRun(NamedTuple):
    """A run, loaded from its newest complete checkpoint."""

    config: RunConfig
    agent: Agent
    frames: int  # environment frames that the agent was trained for


def load(folder: Path, device: str = "auto") -> LoadedRun:
    """Load the agent of a run from its newest complete checkpoint, onto any device; one of tf32 is fp32 on a CPU.

    Raises:
        ValueError: the folder holds no run, or has no checkpoint.
        CheckpointError: all its checkpoints are damaged.
    """
    config = dataclasses.replace(read_config(folder), device=device)
    if config.precision == "tf32" and resolve_device(device).type == "cpu":
        config = dataclasses.replace(config, precision="fp32")
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


def play_splits(
    config: RunConfig,
    agent: Agent | None,
    names: Iterable[str],
    *,
    recorder: Recorder | None = None,
    played: Callable[[int], None] = lambda count: None,
) -> dict[str, Episodes]:
    """Play the run's evaluation on splits, each in new environments, always from the same initial states.

    Without an agent it is played by the random policy.

    The recorder keeps an episode of the first split; `played` is called after each step with the number of episodes
    that are over on all splits. Arrays of the results have shape [eval_envs, eval_episodes].
    """
    results: dict[str, Episodes] = {}
    repeat = action_repeat(config)
    for name in names:
        before, shown = len(results) * config.eval_envs * config.eval_episodes, None if results else recorder

        def counted(count: int, before: int = before) -> None:
            played(before + count)

        with closing(make_env(config, "evaluation", num_envs=config.eval_envs, split=name)) as env:
            policy, episodes = _policy(config, agent, env), config.eval_episodes
            results[name] = evaluate(env, policy, episodes, action_repeat=repeat, recorder=shown, played=counted)
    return results


def _policy(config: RunConfig, agent: Agent | None, env: VectorEnv) -> Policy:
    if agent is None:
        return random_policy(env, seed_for(config.seed, "random policy", bits=31))
    return policy_of(agent, config.eval_policy, config.seed)


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
