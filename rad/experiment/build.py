"""From a configuration to the parts of any algorithm: environments, their spaces, and augmentations."""

import functools
from collections.abc import Hashable
from pathlib import Path

import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import VectorEnv
from torch import Tensor

import augment
from rad import envs
from rad.agents import bandit
from rad.envs.dmc.backgrounds import Folder, Generated, pictures
from rad.envs.suites import suite_of
from rad.experiment.config import RunConfig
from rad.experiment.splits import DISTRACTORS, folders, split_of, uses_overlay
from rad.runtime import device
from rad.runtime.seeding import seed_for


def image_size(config: RunConfig) -> int:
    """Return the side in pixels of what the encoder sees."""
    fixed: int = suite_of(config.task).only.get("image_size", 0)
    return config.image_size or fixed or max(map(augment.default_size, bandit.split_arms(config.augment)))


def make_arms(config: RunConfig) -> tuple[dict[str, augment.Augmentation], int]:
    """Return the run's augmentations by name, one or those to choose among, and the side in pixels to render at."""
    size = image_size(config)
    arms = bandit.make_arms(config.augment, size, config.crop, distractors=distractors(config))
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


def make_env(
    config: RunConfig, purpose: str, *, num_envs: int = 1, split: str = "", groups: int = 1, index: int = 0
) -> VectorEnv:
    """Make environments for one purpose (train, evaluation) on one split of the task's, if it has splits.

    Each purpose has a seed of its own, and so has each index. Several groups are stepped one by one, see
    `rad.envs.make`.
    """
    return envs.make(
        config.task,
        num_envs=num_envs,
        seed=seed_for(config.seed, purpose, index, bits=31),
        image_size=make_arms(config)[1],
        frame_stack=config.frame_stack,
        action_repeat=action_repeat(config),
        camera_id=config.camera_id,
        render_quality=config.render_quality,
        # A single environment simulates while the agent learns; in an evaluation it would have nothing to wait for.
        parallel=config.parallel_envs and (num_envs > 1 or purpose == "train"),
        options=config.suite,
        split=split_of(config, split),
        # On a CPU, threads that step the environments would disturb the networks, which take most of the time.
        num_threads=0 if device.resolve_device(config.device).type == "cpu" else 4,
        groups=groups,
    )


def view_of(config: RunConfig) -> tuple[Hashable, ...]:
    """Return what decides the observations of `make_env`, beside seed and split name: runs that share it see alike."""
    drawn = (config.task, make_arms(config)[1], config.camera_id, config.render_quality, config.suite)
    looks = (config.train_split, tuple(config.background_dir))  # `train` is what a run trains on
    return (*drawn, *looks, config.frame_stack, action_repeat(config))


def action_repeat(config: RunConfig) -> int:
    """Return the environment frames of one agent step."""
    return config.action_repeat or envs.action_repeat_for(config.task)


def tells_robot(config: RunConfig) -> bool:
    """Tell whether the run's environments know which pixels show the robot."""
    return suite_of(config.task).tells_robot


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
