"""The configuration of a run: everything that decides what it computes, as plain values."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rad.agents.ppo import PPOConfig
from rad.agents.sac import SACConfig
from rad.runtime import plugins
from rad.runtime.migrate import migrate

EvalPolicy = Literal["mode", "sample"]


@dataclass(frozen=True)
class RunConfig:
    """What every run has. Counts are environment frames unless named `_steps`."""

    task: str = "dmc/cartpole-swingup"
    """What to learn: dmc/DOMAIN-TASK, gym/ID, procgen/GAME or probe/NAME."""
    algo: str = "sac"
    """Learning algorithm: sac or ppo."""
    preset: str = "rad"
    """Defaults of all other fields. Of sac: rad, drq, svea, lean, demo; of ppo: ppo, rad-procgen, drac, ucb-drac."""
    augment: str = "crop"
    """Augmentation: names joined by +, options after a colon, e.g. crop+cutout:min_px=5."""
    crop: Literal["render", "pad", "resize"] = "render"
    """Crop out of: a larger rendering; the image, its border repeated 12 pixels out; the image enlarged 64 to 75."""
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
    """Side in pixels of what the encoder sees; 0 is the paper's: 64 for procgen, 108 for translate, else 84."""
    frame_stack: int = 3
    """Frames per observation."""
    action_repeat: int = 0
    """Environment frames per agent step; 0 takes the task's from its table."""
    camera_id: int = 0
    """Camera of the simulator."""
    render_quality: Literal["paper", "near", "fast"] = "paper"
    """paper; near: the same scene within 0.4/255, faster in software; fast: no shadows or reflections."""
    train_split: str = "train"
    """What to train on: of dmc a look, of procgen levels; rad splits --task TASK names them."""
    test_split: str = ""
    """What to test on as well, at each evaluation; none if not given, but of procgen test."""
    background_dir: tuple[str, ...] = ()
    """Folders of images or videos for looks with clips, train=DIR test=DIR; computed clips if not given."""
    num_envs: int = 1
    """Environments stepped together."""
    parallel_envs: bool = False
    """Give each environment a process of its own."""

    encoder: str = "pixel"
    """Encoder: pixel, impala or nature; options after colons, e.g. pixel:strides=2-2-2-1:num_filters=64."""
    auxiliary_loss: str = "none"
    """Losses that train the encoder beside the algorithm's own, joined by +, e.g. curl or curl:tau=0.01."""

    eval_every: int = 10_000
    """Frames between evaluations; 0 evaluates at the end only."""
    eval_envs: int = 1
    """Environments of each evaluation."""
    eval_episodes: int = 10
    """Episodes of each evaluation in each of its environments."""
    eval_policy: EvalPolicy = "mode"
    """Evaluate with the most likely actions, as published for the DeepMind suite, or with sampled ones."""
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


@dataclass(frozen=True)
class SACRun(RunConfig):
    """A run of SAC."""

    warmup_steps: int = 1_000
    """Agent steps with random actions before the first update."""
    replay_capacity: int = 100_000
    """Frames that the replay holds, each stored once: one per agent step and one per episode."""
    updates_per_step: float = 1.0
    """Updates per agent step; 0.5 for one every second step (DrQ-v2)."""

    agent: SACConfig = field(default_factory=SACConfig)
    """The algorithm's hyperparameters."""


@dataclass(frozen=True)
class ProcgenConfig:
    """Which levels of a Procgen game, and how they look."""

    distribution_mode: str = "easy"
    """easy, hard, extreme, memory or exploration; not every game has each."""
    start_level: int = -1
    """First level to train on, instead of the split's; needs num_levels."""
    num_levels: int = -1
    """Number of levels to train on, instead of the split's; 0 is all of them, and start_level has to be 0 then."""
    use_backgrounds: bool = True
    """Draw backgrounds; black otherwise."""
    restrict_themes: bool = False
    """Draw one theme of each kind of object."""
    use_monochrome_assets: bool = False
    """Draw rectangles of one color instead of pictures."""
    center_agent: bool = True
    """Follow the agent, instead of showing the whole world, in the games that can."""
    paint_vel_info: bool = False
    """Paint the agent's velocity as two grey squares."""
    score_constants: Literal["paper", "train-procgen"] = "paper"
    """Published return ranges that scores are normalised with; they differ in jumper and leaper of easy."""


@dataclass(frozen=True)
class PPORun(RunConfig):
    """A run of PPO."""

    algo: str = "ppo"
    """Learning algorithm: sac or ppo."""
    preset: str = "ppo"
    """Defaults of all other fields. Of sac: rad, drq, svea, lean, demo; of ppo: ppo, rad-procgen, drac, ucb-drac."""
    augment: str = "none"
    """Augmentation: names joined by +, options after a colon; ucb:crop,flip chooses one for each rollout."""
    eval_policy: EvalPolicy = "sample"
    """Evaluate with sampled actions, as published for Procgen, or with the most likely ones."""

    procgen: ProcgenConfig = field(default_factory=ProcgenConfig)
    """Of Procgen tasks."""
    agent: PPOConfig = field(default_factory=PPOConfig)
    """The algorithm's hyperparameters."""


Run = SACRun | PPORun

RUNS: dict[str, type[SACRun] | type[PPORun]] = {"sac": SACRun, "ppo": PPORun}


def values(config: RunConfig) -> dict[str, Any]:
    """Return all fields by name, those of nested parts among them: no two parts share a name."""
    return {name: getattr(owner, name) for name, owner in _leaves(config)}


def _leaves(config: Any) -> list[tuple[str, Any]]:
    nested = [getattr(config, f.name) for f in dataclasses.fields(config)]
    own = [(f.name, config) for f, value in zip(dataclasses.fields(config), nested) if not _is_part(value)]
    return own + [leaf for value in nested if _is_part(value) for leaf in _leaves(value)]


def _is_part(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def to_json(config: RunConfig) -> dict[str, Any]:
    """Return the configuration as plain values; with the plugins that are loaded, if there are any."""
    plain = dataclasses.asdict(config) | {"out": None if config.out is None else str(config.out)}
    return plain | ({"plugins": list(plugins.loaded())} if plugins.loaded() else {})


def from_json(plain: Mapping[str, Any]) -> Run:
    """Rebuild a configuration from `to_json`'s values.

    Raises:
        ValueError: a field is missing or unknown: the file was written by another version; or it has a value of a
            wrong type; or a plugin that it needs is not loaded.
    """
    plain = migrate(plain)
    plugins.check_loaded(plain.pop("plugins", ()))
    if plain["algo"] not in RUNS:
        raise ValueError(f"config.json has the algo '{plain['algo']}'; known: {', '.join(RUNS)}")
    default = RUNS[plain["algo"]]()
    parts = {f.name: getattr(default, f.name) for f in dataclasses.fields(default)}
    nested = {name: type(part) for name, part in parts.items() if _is_part(part)}
    odd = _differing(type(default), plain)
    for name, kind in nested.items():
        odd |= _differing(kind, plain.get(name, {}))
    if odd:
        raise ValueError(f"config.json and this version of rad differ in the fields {', '.join(sorted(odd))}")
    out = None if plain["out"] is None else Path(plain["out"])
    plain = {**plain, "out": out, "background_dir": tuple(plain["background_dir"])}
    config = type(default)(**{**plain, **{name: kind(**plain[name]) for name, kind in nested.items()}})
    _check_types(config, values(default))
    return config


def _check_types(config: RunConfig, default: Mapping[str, Any]) -> None:
    for name, value in values(config).items():
        kind = type(default[name])
        if type(value) is not kind and (kind, type(value)) != (float, int) and name != "out":
            raise ValueError(f"config.json has {name} {value!r}; expected a value such as {default[name]!r}")


def _differing(kind: type, plain: Mapping[str, Any]) -> set[str]:
    """Return the names that `plain` or the dataclass `kind` has and the other lacks."""
    return {f.name for f in dataclasses.fields(kind)} ^ set(plain)
