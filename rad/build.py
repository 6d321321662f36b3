"""From a configuration to its parts: environment, augmentation, agent, and the files of a run folder."""

import json
from pathlib import Path

from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv

import augment
from rad import envs
from rad.agents.sac import SACAgent
from rad.buffers.replay import Replay
from rad.config import RunConfig, from_json
from rad.runtime import device
from rad.runtime.seeding import seed_for

CONFIG_FILE = "config.json"
CHECKPOINTS = "checkpoints"
VIDEO_FILE, CURVE_FILE, ATTENTION_FILE = "evaluation.mp4", "learning_curve.png", "attention.png"


def read_config(folder: Path) -> RunConfig:
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


def make_op(config: RunConfig) -> tuple[augment.Augmentation, int]:
    """Return the run's augmentation and the side, in pixels, to render at for what the encoder shall see."""
    size = config.image_size or augment.default_size(config.augment)
    op = augment.make(config.augment, size=size)
    return op, op.input_size(size, size)[0]


def make_env(config: RunConfig, purpose: str, *, num_envs: int = 1) -> VectorEnv:
    """Make environments for one purpose (train, evaluation); each purpose has a seed of its own."""
    return envs.make(
        config.task,
        num_envs=num_envs,
        seed=seed_for(config.seed, purpose, bits=31),
        image_size=make_op(config)[1],
        frame_stack=config.frame_stack,
        action_repeat=action_repeat(config),
        camera_id=config.camera_id,
        render_quality=config.render_quality,
        parallel=config.parallel_envs and num_envs > 1,
    )


def action_repeat(config: RunConfig) -> int:
    """Return the environment frames of one agent step."""
    return config.action_repeat or envs.action_repeat_for(config.task)


def shapes(env: VectorEnv) -> tuple[tuple[int, int, int], int]:
    """Return the shape (C, H, W) of one observation and the size of one action.

    Raises:
        ValueError: the actions are not continuous.
    """
    obs, action = env.single_observation_space, env.single_action_space
    if not isinstance(action, Box) or obs.shape is None:
        raise ValueError(f"--task: sac needs continuous actions, got {action}")
    channels, height, width = obs.shape
    return (channels, height, width), action.shape[0]


def make_agent(config: RunConfig, env: VectorEnv) -> SACAgent:
    """Make the agent for the spaces of `env`, untrained, on the run's device."""
    target = device.resolve_device(config.device)
    return SACAgent(
        *shapes(env),
        config.agent,
        make_op(config)[0],
        encoder=config.encoder,
        encoder_options={"num_layers": config.num_layers, "num_filters": config.num_filters},
        seed=seed_for(config.seed, "agent"),
        device=target,
        precision=device.resolve_precision(config.precision, target),
    )


def replay_frames(config: RunConfig) -> int:
    """Return how many frames the replay has to hold: its capacity, or all of a run that is shorter.

    An episode takes one frame more than it has steps, and those of the DeepMind suite are long; twice the steps
    covers the shortest ones.
    """
    steps = -(-config.frames // action_repeat(config)) + config.num_envs
    held = steps + steps // 10 + 100 if config.task.startswith("dmc/") else 2 * steps
    least = config.num_envs * Replay.least_slots(config.frame_stack, config.agent.n_step)
    return min(config.replay_capacity, held + least)
