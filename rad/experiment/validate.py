"""What is checked before a run starts: each error is one line that names the flag, what came and what is allowed."""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from gymnasium.vector import VectorEnv

import augment
import encoders
from rad import envs
from rad.agents import auxiliary
from rad.agents.bandit_views import BanditViews
from rad.buffers.replay import Replay
from rad.buffers.rollout import RolloutBuffer
from rad.envs.dmc.appearances import TRAIN
from rad.experiment.bounds import check_bounds, flag_name
from rad.experiment.build import (
    action_dim,
    action_repeat,
    distractors,
    make_arms,
    make_env,
    replay_frames,
    rollouts,
)
from rad.experiment.config import PPORun, Run, RunConfig, SACRun
from rad.experiment.splits import check_splits, is_procgen, named, tested_splits
from rad.runtime import device

SCENE = ("image_size", "action_repeat", "camera_id", "render_quality")  # what an environment's errors begin with


def check(config: Run, folder: Path) -> None:
    """Check a run before anything of it is made.

    Raises:
        ValueError: the first thing that is wrong, as `--flag: ...`.
    """
    check_settings(config)
    check_folder(folder)
    check_environment(config)


def check_settings(config: Run) -> None:
    """Check all that takes neither a folder nor an environment to tell; errors as of `check`."""
    check_bounds(config)
    with flag("task"):
        envs.check_task(config.task)
    with flag("device"):
        device.resolve_device(config.device)
    check_procgen(config)
    check_splits(config)
    side, size = check_augment(config)
    check_encoder(config, size)
    check_agent(config)
    if isinstance(config, SACRun):
        check_replay(config)
    if isinstance(config, PPORun):
        check_rollouts(config)
    check_memory(config, side)
    if config.wandb_project and importlib.util.find_spec("wandb") is None:
        raise ValueError("--wandb-project: needs wandb: pip install 'rad-rl[wandb]'")


def check_augment(config: RunConfig) -> tuple[int, tuple[int, int]]:
    """Check the augmentations; return the side to render at and (height, width) of what the encoder sees, px."""
    with named("augment"):
        arms, side = make_arms(config)
        sizes = {op.output_size(side, side) for op in arms.values()}
        if len(arms) > 1:
            BanditViews(arms, (3 * config.frame_stack, side, side), torch.Generator())
        for op in arms.values():
            _draw_once(op, (1, 3 * config.frame_stack, side, side))
    size = sizes.pop()
    if isinstance(config, SACRun):
        if len(arms) > 1:
            raise ValueError(
                f"--augment: ucb chooses by the returns of rollouts, which sac has none of; allowed: one augmentation, "
                f"got {config.augment}"
            )
        with named("strong_augment"):
            strong = config.agent.strong_augment
            augment.make(strong, size=size[0], distractors=distractors(config)).output_size(*size)
    fixed = envs.image_size_for(config.task)
    if is_procgen(config) and side != fixed:
        raise ValueError(
            f"--augment: {config.augment} with --crop {config.crop} needs frames of {side} pixels, but {config.task} "
            f"draws {fixed} only; allowed: --crop pad or resize, and augmentations that keep the size"
        )
    return side, size


def _draw_once(op: augment.Augmentation, shape: tuple[int, ...]) -> None:
    """Draw parameters as the first update will, so that an augmentation from outside is refused before a run is made.

    Raises:
        ValueError: it draws something else than tensors by name.
    """
    try:
        op.draw(shape, torch.Generator())
    except TypeError as error:
        raise ValueError(str(error)) from None


def check_procgen(config: RunConfig) -> None:
    """Check what only Procgen cannot do."""
    if not is_procgen(config):
        return
    if not isinstance(config, PPORun):
        raise ValueError(f"--algo: {config.task} has discrete actions, which sac cannot take; allowed: ppo")
    fixed = envs.image_size_for(config.task)
    if config.image_size not in (0, fixed):
        raise ValueError(f"--image-size: {config.task} draws {fixed} pixels only, got {config.image_size}; allowed: 0")
    if config.parallel_envs:
        raise ValueError(f"--parallel-envs: {config.task} steps all environments in one call; allowed: False, got True")


def check_rollouts(config: PPORun) -> None:
    """Check that the run holds a rollout, and that a rollout can be divided into minibatches."""
    agent = config.agent
    steps = agent.num_steps * config.num_envs
    if agent.num_minibatches > steps:
        raise ValueError(
            f"--num-minibatches: must be at most {steps}, the steps of a rollout, got {agent.num_minibatches}"
        )
    if not rollouts(config):
        raise ValueError(
            f"--frames: must be at least {steps * action_repeat(config):,}, one rollout of {config.num_envs} "
            f"environments and {agent.num_steps} steps, got {config.frames:,}"
        )


def check_encoder(config: RunConfig, size: tuple[int, int]) -> None:
    """Check that encoder and auxiliary losses exist and take images of `size`, (height, width) in pixels."""
    shape = (3 * config.frame_stack, *size)
    try:
        encoder = encoders.make(config.encoder, shape, generator=torch.Generator().manual_seed(0))
    except ValueError as error:
        wrong = "image_size" if "image_shape" in str(error) else "encoder"
        raise ValueError(f"{flag_name(wrong)}: {error}") from None
    with flag("auxiliary_loss"):
        auxiliary.make(config.auxiliary_loss, encoder, generator=torch.Generator().manual_seed(0))


def check_agent(config: Run) -> None:
    """Check what two fields decide together."""
    try:
        config.agent.check()
    except ValueError as error:
        first, *words = str(error).split(" ")
        words = [flag_name(word) if word in vars(config.agent) else word for word in words]
        raise ValueError(f"{flag_name(first)}: {' '.join(words)}") from None


def check_replay(config: SACRun) -> None:
    """Check that the replay always has something to sample once the updates begin."""
    n_step, num_envs = config.agent.n_step, config.num_envs
    least = num_envs * Replay.least_slots(config.frame_stack, n_step)
    if config.replay_capacity < least:
        raise ValueError(
            f"--replay-capacity: must be at least {least} with {num_envs} environments, {config.frame_stack} "
            f"stacked frames and {n_step} steps, got {config.replay_capacity}"
        )
    if config.warmup_steps < num_envs * (n_step - 1):
        raise ValueError(
            f"--warmup-steps: must be at least {num_envs * (n_step - 1)} with {num_envs} environments and {n_step} "
            f"steps, got {config.warmup_steps}"
        )


def check_folder(folder: Path) -> None:
    """Check that a run folder can be made."""
    try:
        taken = folder.exists()
    except OSError as error:
        raise ValueError(f"--out: {folder} cannot be made: {error.strerror}") from None
    if taken:
        raise ValueError(f"--out: {folder} exists; choose another name, or go on with it: rad train --resume {folder}")
    parent = next(parent for parent in folder.absolute().parents if parent.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise ValueError(f"--out: {folder} cannot be made: {parent} is no folder that can be written to")


def check_environment(config: RunConfig) -> None:
    """Make an environment of each split, and check its scene and its actions; a task's own look is not drawn."""
    for field, split in (("train_split", TRAIN), *(("test_split", name) for name in tested_splits(config))):
        env = _make_env(config, split, field)
        try:
            check_actions(config, env)
        finally:
            env.close()


def _make_env(config: RunConfig, split: str, field: str) -> VectorEnv:
    """Make an environment; an error names the flag that is wrong, `field` if it is the split."""
    try:
        return make_env(config, "check", split=split)
    except ValueError as error:
        scene = next((name for name in SCENE if str(error).startswith(name)), "task")
        wrong = field if str(error).startswith("split ") else scene
        raise ValueError(f"{flag_name(wrong)}: {error}") from None


def check_actions(config: RunConfig, env: VectorEnv) -> None:
    """Check that the algorithm can take an environment's actions."""
    actions = env.single_action_space
    with flag("task"):
        action_dim(env)
    if isinstance(config, SACRun) and len(actions.shape or ()) != 1:
        raise ValueError(
            f"--task: sac needs actions that are a vector of continuous numbers, got {config.task} with {actions}; "
            f"ppo takes them: --algo ppo"
        )


def check_memory(config: RunConfig, side: int) -> None:
    """Check that the observations that are stored, `side` x `side` pixels, fit into the memory that is free."""
    free, needed = device.free_memory_bytes(), stored_bytes(config, side)
    if needed <= free:
        return
    if isinstance(config, PPORun):
        steps = config.agent.num_steps
        raise ValueError(
            f"--num-steps: {steps:,} steps of {config.num_envs} environments with {side}x{side} pixels need "
            f"{needed / 1e9:.1f} GB, but {free / 1e9:.1f} GB of memory are free; allowed here: at most "
            f"{steps * free // needed:,}"
        )
    if isinstance(config, SACRun):
        raise ValueError(
            f"--replay-capacity: {replay_frames(config):,} frames of {side}x{side} need {needed / 1e9:.1f} GB, "
            f"but {free / 1e9:.1f} GB of memory are free; allowed here: at most {free // (3 * side * side):,}"
        )


def stored_bytes(config: RunConfig, side: int) -> int:
    """Return the bytes of the observations that a run stores, `side` x `side` pixels each."""
    shape = (3 * config.frame_stack, side, side)
    if isinstance(config, PPORun):
        return RolloutBuffer.nbytes(config.agent.num_steps, config.num_envs, shape)
    if isinstance(config, SACRun):
        return Replay.nbytes(replay_frames(config), shape, config.frame_stack)
    return 0


@contextmanager
def flag(field: str) -> Iterator[None]:
    """Put the flag's name before the text of any ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{flag_name(field)}: {error}") from None
