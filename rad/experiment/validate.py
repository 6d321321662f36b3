"""What is checked before a run starts: each error names the setting, what came and what is allowed."""

import contextlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import torch
from gymnasium.spaces import Discrete, Space

import encoders
from rad import envs
from rad.agents import auxiliary
from rad.agents.bandit import BanditViews
from rad.envs.suites import TRAIN, check_scene, suite_of
from rad.experiment.algorithms import ALGORITHMS, algorithm_of
from rad.experiment.bounds import RUN_BOUNDS, check_bound
from rad.experiment.build import action_dim, make_arms, make_env
from rad.experiment.config import RunConfig, values
from rad.experiment.splits import check_splits, tested_splits
from rad.runtime import device
from rad.runtime.processes import ranks
from rad.runtime.run_dir import CONFIG_FILE
from rad.settings import SettingError, flag_name, mention, setting


def check(config: RunConfig, folder: Path) -> None:
    """Check a run before anything of it is made.

    Raises:
        SettingError: the first thing that is wrong.
    """
    check_settings(config)
    check_folder(folder)
    check_environment(config)


def check_settings(config: RunConfig, count: int = 0) -> None:
    """Check all that takes neither a folder nor an environment to tell; errors as of `check`.

    `count` processes will train the run together; 0 for as many as torchrun started.
    """
    check_bounds(config)
    envs.check_task(config.task)
    device.resolve_precision(config.precision, device.resolve_device(config.device))
    check_suite(config)
    check_splits(config)
    side, size = check_augment(config)
    check_encoder(config, size)
    config.agent.check()
    algorithm_of(config).check(config, size)
    check_ranks(config, count or ranks.size())
    check_memory(config, side)
    if config.wandb_project and importlib.util.find_spec("wandb") is None:
        raise SettingError("wandb_project", "needs wandb: pip install 'rad-rl[wandb]'")


def check_stored(config: RunConfig, folder: Path) -> None:
    """Check the settings of a run that is there, which may have been changed by hand.

    Raises:
        ValueError: one is not allowed; the text names the file.
    """
    try:
        check_settings(config, count=1)  # how many processes it needs stands in its checkpoints
    except SettingError as error:
        raise ValueError(f"{folder / CONFIG_FILE}: {error.say(flag_name)}") from None


def check_augment(config: RunConfig) -> tuple[int, tuple[int, int]]:
    """Check the augmentations; return the side to render at and (height, width) of what the encoder sees, px."""
    with setting("augment"):
        arms, side = make_arms(config)
        sizes = {op.output_size(side, side) for op in arms.values()}
        if len(arms) > 1:
            BanditViews(arms, (3 * config.frame_stack, side, side), torch.Generator())
        for op in arms.values():
            try:  # as the first update will, which an augmentation from outside may fail
                op.draw((1, 3 * config.frame_stack, side, side), torch.Generator())
            except TypeError as error:
                raise ValueError(str(error)) from None
    size = sizes.pop()
    fixed = suite_of(config.task).only.get("image_size", side)
    if side != fixed:
        needs = f"{config.augment} with {mention('{crop}')} {config.crop} needs frames of {side} pixels"
        allowed = mention("{crop} pad or resize, and augmentations that keep the size")
        raise SettingError("augment", f"{needs}, but {config.task} draws {fixed} only; allowed: {allowed}")
    return side, size


def check_bounds(config: RunConfig) -> None:
    """Check every number against its range."""
    fields = values(config)
    for name, bound in (RUN_BOUNDS | dict(algorithm_of(config).bounds)).items():
        check_bound(name, fields[name], bound)


def check_suite(config: RunConfig) -> None:
    """Check what the task's suite has one value of, and its kind of actions where that is known."""
    sizes = {name: getattr(config, name) for name in ("image_size", "action_repeat") if getattr(config, name)}
    with setting("parallel_envs", "parallel"):
        scene = {"camera_id": config.camera_id, "render_quality": config.render_quality}
        check_scene(config.task, **sizes, **scene, parallel=config.parallel_envs)
    if suite_of(config.task).discrete:
        _check_kind(config, Discrete(1))


def _check_kind(config: RunConfig, actions: Space[Any]) -> None:
    if isinstance(actions, algorithm_of(config).action_spaces):
        return
    fitting = ", ".join(name for name, one in ALGORITHMS.items() if isinstance(actions, one.action_spaces))
    kind = type(actions).__name__.lower()
    raise SettingError("algo", f"{config.task} has {kind} actions, which {config.algo} cannot take; allowed: {fitting}")


def check_encoder(config: RunConfig, size: tuple[int, int]) -> None:
    """Check that encoder and auxiliary losses exist and take images of `size`, (height, width) in pixels."""
    shape = (3 * config.frame_stack, *size)
    with setting("encoder"):
        try:
            encoder = encoders.make(config.encoder, shape, generator=torch.Generator().manual_seed(0))
        except encoders.ImageShapeError as error:
            raise SettingError("image_size", str(error)) from None
    with setting("auxiliary_loss"):
        auxiliary.make(config.auxiliary_loss, encoder, generator=torch.Generator().manual_seed(0))


def check_ranks(config: RunConfig, count: int) -> None:
    """Check that the run can be trained by so many processes."""
    if count == 1:
        return
    if not algorithm_of(config).ranks:
        fitting = ", ".join(name for name, one in ALGORITHMS.items() if one.ranks)
        raise SettingError("algo", f"{config.algo} trains in one process, got {count}; allowed: {fitting}")
    if config.num_envs % count:
        raise SettingError("num_envs", config.num_envs, f"a multiple of {count}, the processes that train together")
    if config.auxiliary_loss != auxiliary.NONE:
        raise SettingError("auxiliary_loss", config.auxiliary_loss, f"{auxiliary.NONE} with several processes")


def check_folder(folder: Path) -> None:
    """Check that a run folder can be made."""
    try:
        taken = folder.exists()
    except OSError as error:
        raise SettingError("out", f"{folder} cannot be made: {error.strerror}") from None
    if taken:
        go_on = f", or go on with it: rad train --resume {folder}" if (folder / CONFIG_FILE).is_file() else ""
        raise SettingError("out", f"{folder} exists; choose another name{go_on}")
    parent = next(parent for parent in folder.absolute().parents if parent.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise SettingError("out", f"{folder} cannot be made: {parent} is no folder that can be written to")


def check_environment(config: RunConfig) -> None:
    """Make an environment of each split, and check its scene and its actions; a task's own look is not drawn."""
    for field, split in (("train_split", TRAIN), *(("test_split", name) for name in tested_splits(config))):
        with setting(field, "split"), setting("task"):
            env = make_env(config, "check", split=split)
        with contextlib.closing(env), setting("task"):
            action_dim(env)
            _check_kind(config, env.single_action_space)


def check_memory(config: RunConfig, side: int) -> None:
    """Check that the observations stored, `side` x `side` pixels, fit into what is free where they are to lie."""
    stored = algorithm_of(config).stored(config, side)
    free, on_gpu = device.free_bytes_on(stored.device), stored.device.type == "cuda"
    if stored.bytes > free:
        needs = f"{stored.number:,} {stored.unit} of {side}x{side} pixels need {stored.bytes / 1e9:.1f} GB"
        allowed = f"at most {stored.number * free // stored.bytes:,}"
        place = f"the memory of {stored.device}" if on_gpu else "memory"
        problem = f"{needs}, but {free / 1e9:.1f} GB of {place} are free; allowed here: {allowed}"
        raise SettingError(stored.field, problem)
