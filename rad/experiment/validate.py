"""What is checked before a run starts: each error is one line that names the flag, what came and what is allowed."""

import importlib.util
import os
from pathlib import Path
from typing import Any

import torch
from gymnasium.spaces import Discrete, Space
from gymnasium.vector import VectorEnv

import augment
import encoders
from rad import envs
from rad.agents import auxiliary
from rad.agents.bandit_views import BanditViews
from rad.envs.suites import TRAIN, check_scene, suite_of
from rad.experiment.algorithms import ALGORITHMS, algorithm_of
from rad.experiment.bounds import RUN_BOUNDS, flag_name
from rad.experiment.build import action_dim, make_arms, make_env
from rad.experiment.config import RunConfig, values
from rad.experiment.splits import check_splits, named, tested_splits
from rad.runtime import device

SCENE = ("image_size", "action_repeat", "camera_id", "render_quality")  # what an environment's errors begin with


def check(config: RunConfig, folder: Path) -> None:
    """Check a run before anything of it is made.

    Raises:
        ValueError: the first thing that is wrong, as `--flag: ...`.
    """
    check_settings(config)
    check_folder(folder)
    check_environment(config)


def check_settings(config: RunConfig) -> None:
    """Check all that takes neither a folder nor an environment to tell; errors as of `check`."""
    check_bounds(config)
    with named("task"):
        envs.check_task(config.task)
    with named("device"):
        device.resolve_device(config.device)
    check_suite(config)
    check_splits(config)
    side, size = check_augment(config)
    check_encoder(config, size)
    with named("algo", vars(config.agent)):
        config.agent.check()
    algorithm_of(config).check(config, size)
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
    fixed = suite_of(config.task).only.get("image_size", side)
    if side != fixed:
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


def check_bounds(config: RunConfig) -> None:
    """Check every number against its range."""
    fields = values(config)
    for name, (allowed, words) in (RUN_BOUNDS | dict(algorithm_of(config).bounds)).items():
        if not allowed(fields[name]):
            raise ValueError(f"{flag_name(name)}: must be {words}, got {fields[name]}")


def check_suite(config: RunConfig) -> None:
    """Check what the task's suite has one value of, and its kind of actions where that is known."""
    sizes = {name: getattr(config, name) for name in ("image_size", "action_repeat") if getattr(config, name)}
    with named("task", SCENE):
        check_scene(config.task, **sizes, camera_id=config.camera_id, render_quality=config.render_quality)
    with named("parallel_envs"):
        check_scene(config.task, parallel=config.parallel_envs)
    if suite_of(config.task).discrete:
        _check_kind(config, Discrete(1))


def _check_kind(config: RunConfig, actions: Space[Any]) -> None:
    if isinstance(actions, algorithm_of(config).action_spaces):
        return
    fitting = ", ".join(name for name, one in ALGORITHMS.items() if isinstance(actions, one.action_spaces))
    kind = type(actions).__name__.lower()
    raise ValueError(f"--algo: {config.task} has {kind} actions, which {config.algo} cannot take; allowed: {fitting}")


def check_encoder(config: RunConfig, size: tuple[int, int]) -> None:
    """Check that encoder and auxiliary losses exist and take images of `size`, (height, width) in pixels."""
    shape = (3 * config.frame_stack, *size)
    try:
        encoder = encoders.make(config.encoder, shape, generator=torch.Generator().manual_seed(0))
    except ValueError as error:
        wrong = "image_size" if "image_shape" in str(error) else "encoder"
        raise ValueError(f"{flag_name(wrong)}: {error}") from None
    with named("auxiliary_loss"):
        auxiliary.make(config.auxiliary_loss, encoder, generator=torch.Generator().manual_seed(0))


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
    with named("task"):
        action_dim(env)
    _check_kind(config, env.single_action_space)


def check_memory(config: RunConfig, side: int) -> None:
    """Check that the observations that are stored, `side` x `side` pixels, fit into the memory that is free."""
    free, stored = device.free_memory_bytes(), algorithm_of(config).stored(config, side)
    if stored.bytes > free:
        raise ValueError(
            f"{flag_name(stored.field)}: {stored.number:,} {stored.unit} of {side}x{side} pixels need "
            f"{stored.bytes / 1e9:.1f} GB, but {free / 1e9:.1f} GB of memory are free; allowed here: at most "
            f"{stored.number * free // stored.bytes:,}"
        )
