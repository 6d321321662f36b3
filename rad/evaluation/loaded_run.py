"""Load a trained agent, of a run or of an exported file, act with it, and play episodes with it on splits."""

import dataclasses
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import ArrayLike

from rad.envs.suites import TRAIN
from rad.evaluation import agent_file
from rad.evaluation.play import Episodes, Policy, Recorder, evaluate, random_policy, summary
from rad.experiment.algorithms import Agent, make_agent
from rad.experiment.build import action_repeat, make_env
from rad.experiment.config import RunConfig
from rad.experiment.config_file import from_json, read_config
from rad.experiment.splits import check_split
from rad.report.stats.scores import normalize
from rad.runtime import checkpoint
from rad.runtime.device import resolve_device
from rad.runtime.plugins import PluginsMissing
from rad.runtime.run_dir import BEST_FILE, CHECKPOINTS, CONFIG_FILE
from rad.runtime.seeding import generator, seed_for
from rad.settings import SettingError, setting

LAST, BEST = "last", "best"


class LoadedRun(NamedTuple):
    """A trained agent, ready to act, and the settings of the run that it is of."""

    config: RunConfig
    agent: Agent
    frames: int  # environment frames that the agent was trained for
    exported: bool = False  # from a file, which has what acts and nothing that judges

    @property
    def task(self) -> str:
        """What it has learned."""
        return self.config.task

    def act(
        self, obs: ArrayLike | torch.Tensor, *, sample: bool = False, generator: torch.Generator | None = None
    ) -> Any:
        """Choose the action for an observation, or the actions for several.

        Args:
            obs: uint8 (C, H, W) or (N, C, H, W) in 0..255, an array or a tensor on any device: stacked frames as the
                environments of `make_env` give them, which the agent crops itself where it has learned on crops.
            sample: draw from the policy instead of taking its likeliest action.
            generator: CPU generator to draw with; the agent's own if not given.

        Returns:
            NumPy: int64 () or (N,) where actions are discrete, else float32 (A,) or (N, A): in [-1, 1] from SAC; those
            of PPO and IMPALA may lie outside, and `make_env`'s environments clip them.

        Raises:
            ValueError: `obs` has another dtype or shape.
        """
        images = obs.cpu().numpy() if isinstance(obs, torch.Tensor) else np.asarray(obs)
        shape = tuple(self.agent.image_shape)
        if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[-3:] != shape:
            allowed = f"uint8 {shape} or (N, {', '.join(map(str, shape))})"
            raise ValueError(f"obs must be {allowed}, got {images.dtype} {images.shape}")
        batch = np.require(images.reshape(-1, *shape), requirements=["C", "W"])  # torch takes no other
        actions = self.agent.act(batch, deterministic=not sample, generator=generator)
        return actions[0] if images.ndim == 3 else actions

    def make_env(self, split: str = TRAIN, *, num_envs: int = 1, seed: int = 0) -> VectorEnv:
        """Make environments of the task on one of its splits, those of `rad evaluate` with the same seed.

        Raises:
            SettingError: there is no such split, or the suite cannot run here.
        """
        check_split(self.config, split)
        return make_env(seeded(self.config, seed), "evaluation", num_envs=num_envs, split=split)


def load(path: Path, device: str = "auto", which: str = LAST) -> LoadedRun:
    """Load a trained agent onto any device; one of a tf32 run is fp32 on a CPU.

    Args:
        path: folder of a run, or a file of `rad export`.
        device: auto, cpu, cuda or cuda:N.
        which: of a run's checkpoints: `last`, the newest complete one; the frames of another that is there; or `best`,
            what `--keep-best` kept.

    Raises:
        SettingError: `RUN`, the path is neither a run with a checkpoint nor such a file, or the file is damaged; or
            `checkpoint`, there is none of that name.
        CheckpointError: all checkpoints of the run are damaged.
    """
    with setting("RUN"):
        return _load(path, device, which)


def _load(path: Path, device: str, which: str) -> LoadedRun:
    if path.is_file():
        if which != LAST:
            raise SettingError("checkpoint", f"has no meaning for the file {path}, got {which}")
        return _of_file(path, device)
    if not (path / CONFIG_FILE).exists():
        raise SettingError("RUN", path, "a run folder, or a file of rad export")
    config = _on(device, read_config(path))
    if which == BEST:
        if not (path / BEST_FILE).exists():
            raise SettingError("checkpoint", f"{path} has no {BEST_FILE}, which rad train --keep-best writes")
        return _of_file(path / BEST_FILE, device)
    folder = path / CHECKPOINTS
    if not checkpoint.exists(folder):
        raise ValueError(f"{path} has no checkpoint in {folder}")
    frames, state = checkpoint.load(folder, only=("agent",), frames=_frames(folder, which))
    agent = untrained_agent(config)
    agent.load_state_dict(state["agent"])
    return LoadedRun(config, agent, frames)


def _frames(folder: Path, which: str) -> int | None:
    """Return the frames of a checkpoint; None for the newest."""
    kept = checkpoint.kept(folder)
    if which != LAST and which not in map(str, kept):
        raise SettingError("checkpoint", which, f"{LAST}, {BEST} or one of {', '.join(map(str, kept))}")
    return None if which == LAST else int(which)


def _of_file(path: Path, device: str) -> LoadedRun:
    file = agent_file.read(path)
    try:
        config = _on(device, from_json(file.card["config"], str(path)))
        agent = untrained_agent(config)
        agent.load_policy_state(file.weights)
        return LoadedRun(config, agent, file.card["frames"], exported=True)
    except PluginsMissing:
        raise
    except KeyError as error:
        raise ValueError(f"{path} cannot be loaded: it has no {error}") from None
    except (ValueError, TypeError, AttributeError, RuntimeError) as error:  # of another version
        raise ValueError(f"{path} cannot be loaded: {error}") from None


def _on(device: str, config: RunConfig) -> RunConfig:
    """Return the settings of a run for another device."""
    config = dataclasses.replace(config, device=device)
    if config.precision == "tf32" and resolve_device(device).type == "cpu":
        return dataclasses.replace(config, precision="fp32")
    return config


def seeded(config: RunConfig, seed: int) -> RunConfig:
    """Return the settings with which a run is played from states that a seed decides, other ones than in training."""
    return dataclasses.replace(config, seed=seed_for(seed, "play", bits=31))


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
