"""The configuration of a run, its presets with the source of every number, and what is checked before it starts."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rad.agents.sac import SACConfig


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a training run computes. Counts are environment frames unless named `_steps`."""

    task: str = "dmc/cartpole-swingup"
    """What to learn: dmc/DOMAIN-TASK, gym/ID or probe/NAME."""
    algo: Literal["sac"] = "sac"
    """Learning algorithm."""
    preset: str = "rad"
    """Defaults of all other fields: rad, drq or demo."""
    augment: str = "crop"
    """Augmentation: names joined by +, options after a colon, e.g. crop+cutout:min_px=5."""
    seed: int = 1
    """Seed of everything that is random in the run."""
    frames: int = 100_000
    """Length of the run in environment frames (agent steps x action repeat)."""
    out: Path | None = None
    """Run folder; by default runs/TASK-ALGO-AUGMENT-SEED."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    """fp32, bf16 (networks except output layers), or auto: bf16 where the hardware has it."""
    threads: int = 0
    """CPU threads of torch; 0 leaves torch's own choice. Results are bit-equal only for equal counts."""

    image_size: int = 0
    """Side in pixels of what the encoder sees; 0 is the paper's: 108 for translate, else 84."""
    frame_stack: int = 3
    """Frames per observation."""
    action_repeat: int = 0
    """Environment frames per agent step; 0 takes the task's from its table."""
    camera_id: int = 0
    """Camera of the simulator."""
    render_quality: Literal["paper", "near", "fast"] = "paper"
    """paper; near: the same scene within 0.4/255, faster in software; fast: no shadows or reflections."""
    num_envs: int = 1
    """Environments stepped together."""
    parallel_envs: bool = False
    """Give each environment a process of its own."""

    encoder: str = "pixel"
    """Encoder's name."""
    num_layers: int = 4
    """Convolutions of the pixel encoder."""
    num_filters: int = 32
    """Filters of each convolution."""

    warmup_steps: int = 1_000
    """Agent steps with random actions before the first update."""
    replay_capacity: int = 100_000
    """Frames that the replay holds, each stored once: one per agent step and one per episode."""
    updates_per_step: int = 1
    """Updates per agent step."""
    eval_every: int = 10_000
    """Frames between evaluations; 0 evaluates at the end only."""
    eval_episodes: int = 10
    """Episodes of each evaluation."""
    checkpoint_every: int = 10_000
    """Frames between checkpoints; 0 saves at the end only."""
    log_every: int = 1_000
    """Frames between rows of training metrics."""
    video_size: int = 240
    """Side in pixels of the evaluation video."""
    tensorboard: bool = True
    """Write TensorBoard events beside metrics.jsonl."""
    wandb_project: str = ""
    """Also log to this Weights & Biases project."""

    agent: SACConfig = field(default_factory=SACConfig)
    """The algorithm's hyperparameters."""


@dataclass(frozen=True)
class Preset:
    """Named values for a run, and where they come from."""

    source: str
    run: Mapping[str, Any] = field(default_factory=dict)
    agent: Mapping[str, Any] = field(default_factory=dict)
    agent_for: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by task, over `agent`

    def config(self, name: str, task: str | None) -> RunConfig:
        """Return the defaults with this preset's values for `task` in their place."""
        run = {**self.run, "preset": name} | ({} if task is None else {"task": task})
        agent = {**self.agent, **self.agent_for.get(run.get("task", RunConfig.task), {})}
        return RunConfig(**run, agent=SACConfig(**agent))


PRESETS: dict[str, Preset] = {
    # The defaults of RunConfig and SACConfig are RAD's; batch 128 is what its scripts and the ten-seed rerun
    # in rliable have, the paper says 512.
    "rad": Preset(
        "Laskin et al. 2020 (arXiv 2004.14990) and its published scripts; the learning rate of cheetah-run from "
        "Srinivas et al. 2020 (CURL), table 3",
        agent_for={"dmc/cheetah-run": {"actor_lr": 2e-4, "critic_lr": 2e-4}},
    ),
    "drq": Preset(
        "Kostrikov et al. 2020 (arXiv 2004.13649) and its published code: K = M = 2, pad 4 and crop, lr 1e-3 for "
        "all, tau 0.01 for all, batch 512 for the paper's scores, tanh after LayerNorm; not taken over: its orthogonal "
        "convolutions (here delta-orthogonal as in RAD) and its sum over M (here the mean, which Adam evens out)",
        run={"augment": "shift"},
        agent={
            "batch_size": 512,
            "target_views": 2,
            "critic_views": 2,
            "alpha_lr": 1e-3,
            "alpha_beta1": 0.9,
            "encoder_tau": 0.01,
            "projection_tanh": True,
        },
    ),
    "demo": Preset(
        "measured here: what visibly learns within 6 minutes on two CPU cores",
        run={
            "task": "dmc/cheetah-run",
            "frames": 30_000,
            "out": Path("runs/demo"),
            "precision": "auto",
            "image_size": 64,
            "num_filters": 16,
            "render_quality": "fast",
            "warmup_steps": 250,
            "eval_every": 5_000,
        },
        # Temperature: cheetah's first rewards are small, and an entropy bonus of RAD's 0.1 drowns them.
        agent={"batch_size": 64, "hidden_dim": 256, "init_temperature": 0.01, "critic_tau": 0.02},
    ),
}


def preset(name: str, task: str | None = None) -> RunConfig:
    """Return a preset's configuration for a task; without one, for the preset's own.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in PRESETS:
        raise ValueError(f"--preset: unknown preset '{name}'; known: {', '.join(PRESETS)}")
    return PRESETS[name].config(name, task)


def to_json(config: RunConfig) -> dict[str, Any]:
    """Return the configuration as plain values."""
    plain = dataclasses.asdict(config)
    return plain | {"out": None if config.out is None else str(config.out)}


def from_json(plain: Mapping[str, Any]) -> RunConfig:
    """Rebuild a configuration from `to_json`'s values.

    Raises:
        ValueError: a field is missing or unknown: the file was written by another version.
    """
    odd = _differing(RunConfig, plain) or _differing(SACConfig, plain["agent"])
    if odd:
        raise ValueError(f"config.json and this version of rad differ in the fields {', '.join(sorted(odd))}")
    out = None if plain["out"] is None else Path(plain["out"])
    return RunConfig(**{**plain, "out": out, "agent": SACConfig(**plain["agent"])})


def _differing(kind: type, plain: Mapping[str, Any]) -> set[str]:
    """Return the names that `plain` or the dataclass `kind` has and the other lacks."""
    return {f.name for f in dataclasses.fields(kind)} ^ set(plain)
