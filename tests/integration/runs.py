"""Small runs on probe environments, seconds long."""

import dataclasses
from typing import Any

from rad.config import SACRun
from rad.presets import preset

RUN = {
    "task": "probe/both",
    "augment": "none",
    "frames": 60,
    "image_size": 16,
    "frame_stack": 1,
    "num_layers": 2,
    "num_filters": 8,
    "warmup_steps": 20,
    "eval_every": 20,
    "eval_episodes": 2,
    "checkpoint_every": 20,
    "log_every": 10,
    "video_size": 16,
    "threads": 1,
    "tensorboard": False,
}
AGENT = {"batch_size": 16, "hidden_dim": 32, "projection_dim": 8}


def tiny(agent: dict[str, Any] | None = None, **run: Any) -> SACRun:
    """Return the configuration of a run of seconds; arguments replace its fields."""
    base = preset("rad")
    config = dataclasses.replace(base.agent, **(AGENT | (agent or {})))
    return dataclasses.replace(base, **(RUN | run), agent=config)
