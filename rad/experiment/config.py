"""The configuration of a run: everything that decides what it computes, as plain values."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rad.agents.base import AgentConfig
from rad.envs.options import SuiteOptions
from rad.envs.suites import SUITES
from rad.settings import SettingError

EvalPolicy = Literal["mode", "sample"]


@dataclass(frozen=True)
class RunConfig:
    """What every run has. Counts are environment frames unless named `_steps`."""

    task: str = "dmc/cartpole-swingup"
    """What to learn: dmc/DOMAIN-TASK, gym/ID, procgen/GAME or probe/NAME."""
    algo: str = "sac"
    """Learning algorithm, such as sac or ppo."""
    preset: str = "rad"
    """Defaults of all other fields; the end of this help names those of each algorithm."""
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
    precision: Literal["fp32", "tf32", "bf16", "auto"] = "fp32"
    """fp32, tf32 (GPU only), bf16 (networks except output layers), or auto: bf16 if the hardware has it, else fp32."""
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
    """paper; near: the same scene within 0.4/255, faster in software; fast: no shadows, reflections, smooth edges."""
    train_split: str = "train"
    """What to train on: of dmc an appearance, of procgen levels; rad splits --task TASK names them."""
    test_split: str = ""
    """What to test on as well, at each evaluation; none if not given, but of procgen test."""
    background_dir: tuple[str, ...] = ()
    """Folders of images or videos for appearances with clips, train=DIR test=DIR; computed clips if not given."""
    num_envs: int = 1
    """Environments stepped together."""
    parallel_envs: bool = False
    """Give each environment a process of its own: SAC learns, or PPO acts in the other half, while they simulate."""

    encoder: str = "pixel"
    """Encoder, such as pixel, impala or nature; options after colons, e.g. pixel:strides=2-2-2-1:num_filters=64."""
    auxiliary_loss: str = "none"
    """Losses that train the encoder beside the algorithm's own, joined by +, e.g. curl or curl:tau=0.01."""

    eval_every: int = 10_000
    """Frames between evaluations; 0 evaluates at the end only."""
    eval_envs: int = 1
    """Environments of each evaluation."""
    eval_episodes: int = 10
    """Episodes of each evaluation in each of its environments."""
    eval_workers: int = 0
    """Processes that evaluate while training goes on, at most one for each split; with 0, training waits."""
    eval_policy: EvalPolicy = "mode"
    """Evaluate with the most likely actions, as published for the DeepMind suite, or with sampled ones."""
    checkpoint_every: int = 10_000
    """Frames between checkpoints; 0 saves at the end only."""
    keep_best: bool = False
    """Also keep the policy of the evaluation with the best mean return on train, as best.safetensors."""
    log_every: int = 1_000
    """Frames between rows of training metrics."""
    video_size: int = 240
    """Side in pixels of the evaluation video."""
    tensorboard: bool = True
    """Write TensorBoard events beside metrics.jsonl."""
    wandb_project: str = ""
    """Also log to this Weights & Biases project."""

    suite: SuiteOptions = field(default_factory=SuiteOptions)
    """Options of the task's suite."""
    agent: AgentConfig = field(default_factory=AgentConfig)
    """The algorithm's hyperparameters."""

    def __post_init__(self) -> None:
        """Put the defaults of the suite's own options in the place of those of another; refuse others of another."""
        entry = SUITES.get(self.task.partition("/")[0])
        if entry is None or type(self.suite) is entry.options:
            return
        if self.suite != type(self.suite)():
            raise SettingError("suite", f"has no meaning for {self.task}, got {self.suite}")
        object.__setattr__(self, "suite", entry.options())

    @property
    def augmentations(self) -> tuple[str, ...]:
        """All augmentations of the run, as texts for `augment.make`, the one for all images first."""
        return (self.augment,)

    @property
    def envs_here(self) -> int:
        """How many environments the process of the run itself steps, or asks for their spaces."""
        return self.num_envs

    @property
    def processes(self) -> int:
        """How many processes simulate, beside that of the run itself."""
        return self.num_envs if self.parallel_envs else 0

    @property
    def steps_per_report(self) -> int:
        """Agent steps of all environments between two moments at which a run can be saved."""
        return self.num_envs

    def cores(self, threads: int) -> int:
        """Return the cores that the run keeps busy with so many threads, evaluations apart."""
        return max(threads, self.processes)


def values(config: Any) -> dict[str, Any]:
    """Return all fields by name, those of nested parts among them: no two parts share a name."""
    fields: dict[str, Any] = {}
    for name, value in vars(config).items():
        fields |= values(value) if dataclasses.is_dataclass(value) else {name: value}
    return fields
