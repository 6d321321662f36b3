"""What is checked before a run starts: each error is one line that names the flag, what came and what is allowed."""

import dataclasses
import importlib.util
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

import augment
import encoders
from rad import envs
from rad.buffers.replay import Replay
from rad.build import make_env, make_op, replay_frames
from rad.config import RunConfig
from rad.runtime import device

Bound = tuple[Callable[[Any], bool], str]

AT_LEAST_0: Bound = (lambda value: value >= 0, "at least 0")
AT_LEAST_1: Bound = (lambda value: value >= 1, "at least 1")
POSITIVE: Bound = (lambda value: 0 < value < math.inf, "above 0")
RATE: Bound = (lambda value: 0 < value <= 1, "above 0 and at most 1")
SHARE: Bound = (lambda value: 0 <= value <= 1, "from 0 to 1")
SIDE: Bound = (lambda value: value == 0 or 16 <= value <= 1024, "0 (the default) or from 16 to 1024")
WIDTH: Bound = (lambda value: 1 <= value <= 2**16, "from 1 to 65,536")  # what is larger is a slip of the hand

BOUNDS: dict[str, Bound] = {
    "camera_id": (lambda value: value >= -1, "at least -1"),
    "seed": (lambda value: 0 <= value < 2**63, "from 0 to 2^63 - 1"),
    "image_size": SIDE,
    "video_size": (lambda value: 16 <= value <= 1024, "from 16 to 1024"),
    "threads": (lambda value: 0 <= value <= 1024, "from 0 to 1024"),
    **dict.fromkeys(("action_repeat", "warmup_steps"), AT_LEAST_0),
    **dict.fromkeys(("eval_every", "checkpoint_every"), AT_LEAST_0),
    **dict.fromkeys(("frames", "frame_stack", "num_envs", "num_layers"), AT_LEAST_1),
    **dict.fromkeys(("replay_capacity", "updates_per_step", "eval_episodes", "log_every"), AT_LEAST_1),
    **dict.fromkeys(("num_filters", "hidden_dim", "projection_dim", "batch_size"), WIDTH),
    "n_step": AT_LEAST_1,
    **dict.fromkeys(("actor_update_freq", "target_update_freq", "target_views", "critic_views"), AT_LEAST_1),
    **dict.fromkeys(("actor_lr", "critic_lr", "alpha_lr", "init_temperature"), POSITIVE),
    **dict.fromkeys(("gamma", "critic_tau", "encoder_tau"), RATE),
    "alpha_beta1": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    "strong_weight": SHARE,
    **dict.fromkeys(("log_std_min", "log_std_max"), (math.isfinite, "finite")),
}

SCENE = ("image_size", "camera_id", "render_quality")  # what an environment's errors begin with


def check(config: RunConfig, folder: Path) -> None:
    """Check a run before anything of it is made.

    Raises:
        ValueError: the first thing that is wrong, as `--flag: ...`.
    """
    check_bounds(config)
    with flag("task"):
        envs.check_task(config.task)
    with flag("augment"):
        op, side = make_op(config)
        size = op.output_size(side, side)
    with flag("strong_augment"):
        augment.make(config.agent.strong_augment, size=size[0]).output_size(*size)
    with flag("device"):
        device.resolve_device(config.device)
    check_encoder(config, size)
    check_agent(config)
    check_replay(config)
    check_memory(config, side)
    check_folder(folder)
    if config.wandb_project and importlib.util.find_spec("wandb") is None:
        raise ValueError("--wandb-project: needs wandb: pip install 'rad-rl[wandb]'")
    check_environment(config)


def check_bounds(config: RunConfig) -> None:
    """Check every number against its range."""
    values = {**vars(config), **vars(config.agent)}
    for name, (allowed, words) in BOUNDS.items():
        if not allowed(values[name]):
            raise ValueError(f"{flag_name(name)}: must be {words}, got {values[name]}")


def check_encoder(config: RunConfig, size: tuple[int, int]) -> None:
    """Check that the encoder exists and takes images of `size`, (height, width) in pixels."""
    if config.encoder not in encoders.names():
        raise ValueError(f"--encoder: unknown encoder '{config.encoder}'; known: {', '.join(encoders.names())}")
    options = {"num_layers": config.num_layers, "num_filters": config.num_filters}
    with flag("image_size"):
        encoders.make(
            config.encoder,
            (3 * config.frame_stack, *size),
            generator=torch.Generator().manual_seed(0),
            **options,
        )


def check_agent(config: RunConfig) -> None:
    """Check what two fields decide together."""
    try:
        config.agent.check()
    except ValueError as error:
        first, *words = str(error).split(" ")
        words = [flag_name(word) if word in vars(config.agent) else word for word in words]
        raise ValueError(f"{flag_name(first)}: {' '.join(words)}") from None


def check_replay(config: RunConfig) -> None:
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
    """Make one environment and check its scene and its actions; of a dmc task nothing is drawn."""
    try:
        env = make_env(config, "check")
    except ValueError as error:
        named = next((name for name in SCENE if str(error).startswith(name)), "task")
        raise ValueError(f"{flag_name(named)}: {error}") from None
    actions = env.single_action_space
    env.close()
    if len(actions.shape or ()) != 1:
        raise ValueError(
            f"--task: sac needs actions that are a vector of continuous numbers, got {config.task} with {actions}"
        )


def check_memory(config: RunConfig, side: int) -> None:
    """Check that a replay of frames of `side` x `side` pixels fits into the memory that is free."""
    frames, free = replay_frames(config), device.free_memory_bytes()
    needed = Replay.nbytes(frames, (3 * config.frame_stack, side, side), config.frame_stack)
    if needed > free:
        raise ValueError(
            f"--replay-capacity: {frames:,} frames of {side}x{side} need {needed / 1e9:.1f} GB, "
            f"but {free / 1e9:.1f} GB of memory are free; allowed here: at most {free // (3 * side * side):,}"
        )


def flag_name(field: str) -> str:
    """Return the command-line flag of a field."""
    return "--" + field.replace("_", "-")


@contextmanager
def flag(field: str) -> Iterator[None]:
    """Put the flag's name before the text of any ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{flag_name(field)}: {error}") from None


def unchecked_numbers(config: RunConfig) -> list[str]:
    """Return the numeric fields without a bound; a test keeps this empty but for what is checked elsewhere."""
    fields = [*dataclasses.fields(config), *dataclasses.fields(config.agent)]
    return [f.name for f in fields if f.type in (int, float) and f.name not in BOUNDS]
