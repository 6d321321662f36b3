"""The range of every number in a configuration."""

import math
from collections.abc import Callable
from typing import Any

from rad.experiment.config import RunConfig, values

Bound = tuple[Callable[[Any], bool], str]

AT_LEAST_0: Bound = (lambda value: value >= 0, "at least 0")
AT_LEAST_1: Bound = (lambda value: value >= 1, "at least 1")
POSITIVE: Bound = (lambda value: 0 < value < math.inf, "above 0")
RATE: Bound = (lambda value: 0 < value <= 1, "above 0 and at most 1")
SHARE: Bound = (lambda value: 0 <= value <= 1, "from 0 to 1")
SIDE: Bound = (lambda value: value == 0 or 16 <= value <= 1024, "0 (the default) or from 16 to 1024")
WEIGHT: Bound = (lambda value: 0 <= value < math.inf, "at least 0 and finite")
LEVEL: Bound = (lambda value: -1 <= value < 2**31, "from -1 (the split's) to 2^31 - 1")
WIDTH: Bound = (lambda value: 1 <= value <= 2**16, "from 1 to 65,536")  # what is larger is a slip of the hand

BOUNDS: dict[str, Bound] = {
    "camera_id": (lambda value: value >= -1, "at least -1"),
    "seed": (lambda value: 0 <= value < 2**63, "from 0 to 2^63 - 1"),
    "image_size": SIDE,
    "video_size": (lambda value: 16 <= value <= 1024, "from 16 to 1024"),
    "threads": (lambda value: 0 <= value <= 1024, "from 0 to 1024"),
    **dict.fromkeys(("action_repeat", "warmup_steps"), AT_LEAST_0),
    **dict.fromkeys(("eval_every", "checkpoint_every"), AT_LEAST_0),
    **dict.fromkeys(("frames", "frame_stack", "num_envs", "eval_envs"), AT_LEAST_1),
    **dict.fromkeys(("replay_capacity", "eval_episodes", "log_every"), AT_LEAST_1),
    "updates_per_step": POSITIVE,
    **dict.fromkeys(("hidden_dim", "projection_dim", "batch_size"), WIDTH),
    "n_step": AT_LEAST_1,
    **dict.fromkeys(("actor_update_freq", "target_update_freq", "target_views", "critic_views"), AT_LEAST_1),
    **dict.fromkeys(("actor_lr", "critic_lr", "alpha_lr", "init_temperature"), POSITIVE),
    **dict.fromkeys(("gamma", "critic_tau", "encoder_tau"), RATE),
    "alpha_beta1": (lambda value: 0 <= value < 1, "at least 0 and below 1"),
    "strong_weight": SHARE,
    **dict.fromkeys(("num_steps", "num_minibatches", "num_epochs"), AT_LEAST_1),
    **dict.fromkeys(("lr", "adam_eps", "clip_coef", "target_kl", "init_kl_beta"), POSITIVE),
    **dict.fromkeys(("max_grad_norm", "reward_clip"), POSITIVE),
    **dict.fromkeys(("gae_lambda", "reward_gamma"), SHARE),
    **dict.fromkeys(("ent_coef", "vf_coef", "consistency_coef"), WEIGHT),
    **dict.fromkeys(("start_level", "num_levels"), LEVEL),
    **dict.fromkeys(("log_std_min", "log_std_max"), (math.isfinite, "finite")),
}


def check_bounds(config: RunConfig) -> None:
    """Check every number against its range."""
    found = values(config)
    for name, (allowed, words) in BOUNDS.items():
        if name in found and not allowed(found[name]):
            raise ValueError(f"{flag_name(name)}: must be {words}, got {found[name]}")


def flag_name(field: str) -> str:
    """Return the command-line flag of a field."""
    return "--" + field.replace("_", "-")


def unchecked_numbers(config: RunConfig) -> list[str]:
    """Return the numeric fields without a bound; a test keeps this empty but for what is checked elsewhere."""
    numbers = [name for name, value in values(config).items() if type(value) in (int, float)]
    return [name for name in numbers if name not in BOUNDS]
