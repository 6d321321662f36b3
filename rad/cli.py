"""The `rad` command: each subcommand reads its flags, calls one function and returns an exit status."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from rad import flags

USAGE = """usage: rad COMMAND [FLAGS]; rad COMMAND --help shows every flag with its meaning and default

commands:
  train      train from pixels, or go on with a run: rad train --resume RUN
  evaluate   play episodes with a trained run on one or more splits, and compare them
  splits     name and draw what a task can be trained and tested on
  attention  draw what the encoder of a run attends to
  demo       train on a small task for some minutes, evaluate and draw: the whole library in one go
  doctor     say what is installed, what is missing and how to get it
  bench      measure speeds: sac, ppo, augment, replay, render
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status.

    0; 1 for a run that diverged or a suite that cannot run; 2 for what was asked for and cannot be done, in one
    line; 128 + signal for a stopped run.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else "--help"
    if command in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    if command not in COMMANDS:
        return _report(f"unknown command '{command}'; known: {', '.join(COMMANDS)}", 2)
    try:
        return COMMANDS[command](arguments[1:])
    except (ValueError, OSError, ModuleNotFoundError) as error:
        return _report(str(error), 2)
    except FloatingPointError as error:
        return _report(str(error), 1)


def train(arguments: list[str]) -> int:
    """Train in a new run folder, or go on with an old one."""
    run = flags.value_of("resume", arguments)
    if run is not None:
        return _resume(run, arguments)
    from rad.validate import check

    config = parse_run(arguments)
    out = config.out or default_folder(config)
    check(config, out)
    from rad.train import start

    return start(config, out)


def _resume(run: str, arguments: list[str]) -> int:
    if arguments not in (["--resume", run], [f"--resume={run}"]):
        raise ValueError(
            f"--resume: needs a run folder, takes its settings from RUN/config.json and allows no other flag, "
            f"got {' '.join(arguments)}"
        )
    from rad.build import read_config
    from rad.validate import flag

    with flag("resume"):
        read_config(Path(run))
    from rad.train import resume

    return resume(Path(run))


def parse_run(arguments: Sequence[str]) -> Any:
    """Read a run's configuration; preset and task, wherever they stand, decide the defaults."""
    from rad.presets import choose

    if {"-h", "--help"} & set(arguments):
        print("To go on with a run instead: rad train --resume RUN, without other flags.\n")
    default = choose(*(flags.value_of(name, arguments) for name in ("algo", "preset", "task")))
    omitted = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)
    return flags.parse(type(default), "rad train", arguments, default=default, config=omitted)


def default_folder(config: Any) -> Path:
    """Return runs/TASK-ALGO-AUGMENT-SEED."""
    words = (config.task.replace("/", "-"), config.algo, config.augment.replace("/", "|"), str(config.seed))
    return Path("runs") / "-".join(words)


# tyro shows aliases first, so each flag's usual name is the alias here.
@dataclass(frozen=True)
class Evaluate:
    """Play episodes with a trained run on one or more splits; the same initial states for the same seed."""

    run: tyro.conf.Positional[Path]
    """Run folder."""
    splits: Annotated[tuple[str, ...], tyro.conf.arg(name="split", aliases=("--splits",))] = ()
    """Splits to play, e.g. train test, each once; all that the run is evaluated on if none is given."""
    episodes: Annotated[int, tyro.conf.arg(name="episodes-per-env", aliases=("--episodes",))] = 10
    """Episodes in each environment: a fixed number, since the first to finish are not like all."""
    envs: int = 0
    """Environments; 0 for as many as in the evaluations of the run."""
    policy: Literal["", "sample", "mode"] = ""
    """sample or mode; the run's own if not given."""
    score_constants: Literal["", "paper", "train-procgen"] = ""
    """Published ranges for Procgen's normalised scores; the run's own if not given."""
    background_dir: tuple[str, ...] = ()
    """Folder of images or videos for looks with clips, test=DIR; the run's own if not given."""
    seed: int = 0
    """Seed of the initial states."""
    out: Path | None = None
    """JSONL of all episodes; a name in RUN/evaluations if not given, which tells one question from another."""
    video: Path | None = None
    """Also write the first episode, on the first split, as MP4."""
    video_size: int = 240
    """Side of the video in pixels."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N, whatever the run was trained on."""


def evaluate(arguments: list[str]) -> int:
    """Evaluate a run, print a table with a line for each split, and say where all episodes are."""
    flags.check_once(("splits", "split"), arguments)
    options = flags.parse(Evaluate, "rad evaluate", arguments)
    for name, least in (("episodes", 1), ("envs", 0), ("seed", 0)):
        if vars(options)[name] < least:
            raise ValueError(f"--{name}: must be at least {least}, got {vars(options)[name]}")
    for name in ("out", "video"):
        if vars(options)[name]:
            flags.check_file(name, vars(options)[name])
    from rad.evaluations import default_file, evaluate_run
    from rad.report.tables import split_table

    rows = evaluate_run(**vars(options))
    print(split_table(rows), f"episodes: {options.out or default_file(options.run, rows)}", sep="\n\n")
    return 0


@dataclass(frozen=True)
class Splits:
    """Say which splits a task has, and draw what they look like."""

    task: str
    """dmc/DOMAIN-TASK or procgen/GAME."""
    out: Path | None = None
    """PNG to write; by default splits-TASK.png."""
    episodes: int = 4
    """Episodes of each split to draw."""
    seed: int = 0
    """Seed of the episodes."""
    camera_id: int = 0
    """Camera of the simulator."""
    background_dir: tuple[str, ...] = ()
    """Folder of images or videos for looks with clips, test=DIR; computed clips if not given."""


def splits(arguments: list[str]) -> int:
    """List and draw the splits of a task."""
    options = flags.parse(Splits, "rad splits", arguments)
    for name in ("episodes", "seed"):
        if vars(options)[name] < (least := int(name == "episodes")):
            raise ValueError(f"--{name}: must be at least {least}, got {vars(options)[name]}")
    out = options.out or Path(f"splits-{options.task.replace('/', '-')}.png")
    flags.check_file("out", out)
    from rad.gallery import draw_gallery

    about = draw_gallery(**vars(options) | {"out": out})
    width = max(map(len, about)) + 2
    for name, words in about.items():
        print(f"{name:{width}}{words}")
    print(out)
    return 0


@dataclass(frozen=True)
class Attention:
    """Draw what the last convolution of a run attends to, beside an untrained encoder."""

    run: tyro.conf.Positional[Path]
    """Run folder."""
    out: Path
    """The PNG to write."""
    seed: int = 0
    """Seed of the episode that the frames are taken from."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N, whatever the run was trained on."""


def attention(arguments: list[str]) -> int:
    """Draw the attention of a run."""
    options = flags.parse(Attention, "rad attention", arguments)
    flags.check_file("out", options.out)
    from rad.trained import attention_of_run

    attention_of_run(**vars(options))
    print(options.out)
    return 0


@dataclass(frozen=True)
class Demo:
    """Train for some minutes with the preset `demo`, evaluate, and print what was made."""

    out: Path = Path("runs/demo")
    """Run folder; one left by an earlier demo is replaced."""
    seed: int = 1
    """Seed of the run."""


def demo(arguments: list[str]) -> int:
    """Run the demo."""
    options = flags.parse(Demo, "rad demo", arguments)
    from rad.demo import run

    return run(options.out, options.seed)


@dataclass(frozen=True)
class Doctor:
    """Say what is installed, what is missing and how to get it."""

    suite: str = "dmc"
    """The suite that has to work: dmc, gym, probe or procgen; the exit status is 1 if it does not."""


def doctor(arguments: list[str]) -> int:
    """Examine the installation."""
    options = flags.parse(Doctor, "rad doctor", arguments)
    from rad.doctor import examine

    return examine(options.suite)


def bench(arguments: list[str]) -> int:
    """Measure speeds."""
    from rad.bench import main as run

    return run(arguments)


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "train": train,
    "evaluate": evaluate,
    "splits": splits,
    "attention": attention,
    "demo": demo,
    "doctor": doctor,
    "bench": bench,
}


def _report(error: str, status: int) -> int:
    print(f"error: {' '.join(error.split())}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
