"""The `rad` command: each subcommand reads its flags, calls one function and returns an exit status."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from rad import flags

USAGE = """usage: rad COMMAND [FLAGS]; rad COMMAND --help shows every flag with its meaning and default

commands:
  train      train from pixels, or go on with a run: rad train --resume RUN
  evaluate   play episodes with a trained run
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


@dataclass(frozen=True)
class Evaluate:
    """Play episodes with a trained run; always the same initial states for the same seed."""

    run: tyro.conf.Positional[Path]
    """Run folder."""
    split: str = ""
    """Levels to play, e.g. test; all that the run is evaluated on if not given. Only for tasks that have splits."""
    episodes_per_env: int = 10
    """Episodes in each environment: a fixed number, since the first to finish are not like all."""
    envs: int = 0
    """Environments; 0 for as many as in the evaluations of the run."""
    policy: Literal["", "sample", "mode"] = ""
    """sample or mode; the run's own if not given."""
    score_constants: Literal["", "paper", "train-procgen"] = ""
    """Published ranges for Procgen's normalised scores; the run's own if not given."""
    seed: int = 0
    """Seed of the initial states."""
    video: Path | None = None
    """Also write the first episode as MP4."""
    video_size: int = 240
    """Side of the video in pixels."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N, whatever the run was trained on."""


def evaluate(arguments: list[str]) -> int:
    """Evaluate a run and print one line of JSON for each split."""
    options = flags.parse(Evaluate, "rad evaluate", arguments)
    for name, least in (("episodes_per_env", 1), ("envs", 0), ("seed", 0)):
        if vars(options)[name] < least:
            raise ValueError(f"--{name.replace('_', '-')}: must be at least {least}, got {vars(options)[name]}")
    if options.video:
        flags.check_file("video", options.video)
    from rad.trained import evaluate_run

    for row in evaluate_run(**vars(options)):
        print(json.dumps(row))
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
