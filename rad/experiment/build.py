"""From a configuration to its parts: environments, augmentation, agent, loop, and the files of a run folder."""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import VectorEnv
from torch import Tensor

import augment
from rad import envs
from rad.agents.ppo import PPOAgent
from rad.agents.sac import SACAgent
from rad.buffers.replay import Replay
from rad.buffers.rollout import RolloutBuffer
from rad.envs.dmc.backgrounds import Folder, Generated, pictures
from rad.experiment.config import PPORun, Run, RunConfig, SACRun, from_json
from rad.experiment.splits import DISTRACTORS, folders, is_dmc, is_procgen, split_options, uses_overlay
from rad.loops import LoopState, OffPolicyState, Report, off_policy, on_policy
from rad.runtime import device
from rad.runtime.run_dir import CONFIG_FILE
from rad.runtime.seeding import generator, seed_for


def read_config(folder: Path) -> Run:
    """Read the configuration of a run.

    Raises:
        ValueError: there is no config.json, or it cannot be read; one line that names it.
    """
    path = folder / CONFIG_FILE
    try:
        return from_json(json.loads(path.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{folder} is no run folder: it has no {CONFIG_FILE}") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def image_size(config: RunConfig) -> int:
    """Return the side in pixels of what the encoder sees."""
    default = envs.image_size_for(config.task) if is_procgen(config) else augment.default_size(config.augment)
    return config.image_size or default


def make_arms(config: RunConfig) -> tuple[dict[str, augment.Augmentation], int]:
    """Return the run's augmentations by name, one or those to choose among, and the side in pixels to render at."""
    size = image_size(config)
    arms = augment.make_arms(config.augment, size, config.crop, distractors=distractors(config))
    return arms, next(iter(arms.values())).input_size(size, size)[0]


def distractors(config: RunConfig) -> Tensor | None:
    """Return what `overlay` blends with, if it is used: pictures of clips to train with, none that is tested with.

    Raises:
        ValueError: the user's own folder holds too few.
    """
    if not uses_overlay(config):
        return None
    return _distractors(folders(config).get("train"))


@functools.cache
def _distractors(folder: Path | None) -> Tensor:
    source = Folder("train", folder, DISTRACTORS) if folder else Generated("train", DISTRACTORS // 4)
    return torch.from_numpy(pictures(source, DISTRACTORS))


def make_env(config: RunConfig, purpose: str, *, num_envs: int = 1, split: str = "") -> VectorEnv:
    """Make environments for one purpose (train, evaluation) on one split of the task's, if it has splits.

    Each purpose has a seed of its own.
    """
    return envs.make(
        config.task,
        num_envs=num_envs,
        seed=seed_for(config.seed, purpose, bits=31),
        image_size=make_arms(config)[1],
        frame_stack=config.frame_stack,
        action_repeat=action_repeat(config),
        camera_id=config.camera_id,
        render_quality=config.render_quality,
        parallel=config.parallel_envs and num_envs > 1,
        **split_options(config, split),
    )


def action_repeat(config: RunConfig) -> int:
    """Return the environment frames of one agent step."""
    return config.action_repeat or envs.action_repeat_for(config.task)


def obs_shape(env: VectorEnv) -> tuple[int, int, int]:
    """Return the shape (C, H, W) of one observation."""
    channels, height, width = env.single_observation_space.shape or ()
    return channels, height, width


def action_dim(env: VectorEnv) -> int:
    """Return the number of discrete actions, or the size of a continuous one.

    Raises:
        ValueError: the actions are neither; one line that says what they are.
    """
    space = env.single_action_space
    if isinstance(space, Discrete):
        return int(space.n)
    if isinstance(space, Box) and len(space.shape) == 1:
        return space.shape[0]
    raise ValueError(f"actions must be discrete or a vector of continuous numbers, got {space}")


def make_agent(config: RunConfig, env: VectorEnv) -> SACAgent | PPOAgent:
    """Make the agent for the spaces of `env`, untrained, on the run's device."""
    target = device.resolve_device(config.device)
    common: dict[str, Any] = {
        "encoder": config.encoder,
        "auxiliary_loss": config.auxiliary_loss,
        "seed": seed_for(config.seed, "agent"),
        "device": target,
        "precision": device.resolve_precision(config.precision, target),
    }
    arms, _ = make_arms(config)
    if isinstance(config, PPORun):
        return PPOAgent(
            obs_shape(env),
            action_dim(env),
            config.agent,
            arms,
            discrete=isinstance(env.single_action_space, Discrete),
            total_updates=rollouts(config),
            **common,
        )
    if not isinstance(config, SACRun):
        raise TypeError(f"a run is of one of the algorithms, got {type(config).__name__}")
    return SACAgent(obs_shape(env), action_dim(env), config.agent, arms, distractors=distractors(config), **common)


@dataclass(frozen=True)
class Learning:
    """A loop with what it fills and where it stands; `steps` begins with the state that these have then."""

    buffer: Replay | RolloutBuffer
    state: LoopState
    steps: Iterator[Report]


def make_learning(config: RunConfig, env: VectorEnv, agent: SACAgent | PPOAgent) -> Learning:
    """Make the loop in which an agent learns from `env`."""
    if isinstance(config, PPORun) and isinstance(agent, PPOAgent):
        rollout = RolloutBuffer(config.agent.num_steps, env.num_envs, obs_shape(env), device=agent.device)
        state = LoopState()
        return Learning(rollout, state, on_policy(env, agent, rollout, state))
    if not (isinstance(config, SACRun) and isinstance(agent, SACAgent)):
        raise TypeError(f"agent and run belong together, got {type(agent).__name__} and {type(config).__name__}")
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


def rollouts(config: PPORun) -> int:
    """Return the number of whole rollouts in the run."""
    return config.frames // (action_repeat(config) * config.num_envs * config.agent.num_steps)


def replay_frames(config: SACRun) -> int:
    """Return how many frames the replay has to hold: its capacity, or all of a run that is shorter.

    An episode takes one frame more than it has steps, and those of the DeepMind suite are long; twice the steps
    covers the shortest ones.
    """
    steps = -(-config.frames // action_repeat(config)) + config.num_envs
    held = steps + steps // 10 + 100 if is_dmc(config) else 2 * steps
    least = config.num_envs * Replay.least_slots(config.frame_stack, config.agent.n_step)
    return min(config.replay_capacity, held + least)
