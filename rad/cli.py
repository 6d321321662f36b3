"""The `rad` command: each subcommand reads its flags, calls one function and returns an exit status."""

import contextlib
import io
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

USAGE = """usage: rad COMMAND [FLAGS]; rad COMMAND --help shows every flag with its meaning and default

commands:
  train      train from pixels, or go on with a run: rad train --resume RUN
  evaluate   play episodes with a trained run
  attention  draw what the encoder of a run attends to
  demo       train on a small task for some minutes, evaluate and draw: the whole library in one go
  doctor     say what is installed, what is missing and how to get it
  bench      measure speeds: sac, augment, replay, render
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, 2 for wrong input, 128 + signal for a stopped run."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else "--help"
    if command in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    if command not in COMMANDS:
        return _refuse(f"unknown command '{command}'; known: {', '.join(COMMANDS)}")
    try:
        return COMMANDS[command](arguments[1:])
    except (ValueError, FileExistsError, ModuleNotFoundError) as error:
        return _refuse(str(error))


def train(arguments: list[str]) -> int:
    """Train in a new run folder, or go on with an old one."""
    run = _value_of("resume", arguments)
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
    from rad.config import RunConfig, preset

    default = preset(_value_of("preset", arguments) or "rad", _value_of("task", arguments))
    omitted = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)
    return _parse(RunConfig, "rad train", arguments, default=default, config=omitted)


def default_folder(config: Any) -> Path:
    """Return runs/TASK-ALGO-AUGMENT-SEED."""
    words = (config.task.replace("/", "-"), config.algo, config.augment.replace("/", "|"), str(config.seed))
    return Path("runs") / "-".join(words)


def _parse(kind: type, program: str, arguments: Sequence[str], **options: Any) -> Any:
    """Read flags into a dataclass.

    Raises:
        ValueError: a flag is unknown or has no value or a bad one; one line, where tyro draws a box.
    """
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            return tyro.cli(kind, prog=program, args=list(arguments), **options)
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        raise ValueError(_without_box(box.getvalue())) from None


def _without_box(box: str) -> str:
    """Return the text of one of tyro's boxes, a title and sections between rules, as `--flag: text; text`.

    They are drawn in Unicode or, without a frame, in ASCII, and coloured on a terminal.
    """
    rows = [re.sub(r"\x1b\[[0-9;]*m", "", row).strip("│ ") for row in box.splitlines()[1:-1]]
    sections = re.split(r"^[─-]{3,}$", "\n".join(rows), flags=re.MULTILINE)
    text = "; ".join(" ".join(section.split()) for section in sections if section).removeprefix("Error parsing ")
    named = re.search(r"--[\w-]+", text)
    return text if named is None or text.startswith(named[0]) else f"{named[0]}: {text}"


def _value_of(flag: str, arguments: Sequence[str]) -> str | None:
    """Return the last value given to --flag, written with a space or with =; "" where it has none."""
    found = None
    for word, following in zip(arguments, [*arguments[1:], ""]):
        if word == f"--{flag}":
            found = following
        elif word.startswith(f"--{flag}="):
            found = word.partition("=")[2]
    return found


@dataclass(frozen=True)
class Evaluate:
    """Play episodes with a trained run; always the same initial states for the same seed."""

    run: tyro.conf.Positional[Path]
    """Run folder."""
    episodes: int = 10
    """Number of episodes."""
    seed: int = 0
    """Seed of the initial states."""
    video: Path | None = None
    """Also write the first episode as MP4."""
    video_size: int = 240
    """Side of the video in pixels."""


def evaluate(arguments: list[str]) -> int:
    """Evaluate a run and print one line of JSON."""
    flags = _parse(Evaluate, "rad evaluate", arguments)
    if flags.episodes < 1:
        raise ValueError(f"--episodes: must be at least 1, got {flags.episodes}")
    from rad.trained import evaluate_run

    print(json.dumps(evaluate_run(**vars(flags))))
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


def attention(arguments: list[str]) -> int:
    """Draw the attention of a run."""
    flags = _parse(Attention, "rad attention", arguments)
    from rad.trained import attention_of_run

    attention_of_run(**vars(flags))
    print(flags.out)
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
    flags = _parse(Demo, "rad demo", arguments)
    from rad.demo import run

    return run(flags.out, flags.seed)


@dataclass(frozen=True)
class Doctor:
    """Say what is installed, what is missing and how to get it."""

    suite: str = "dmc"
    """The suite that has to work: dmc, gym or probe; the exit status is 1 if it does not."""


def doctor(arguments: list[str]) -> int:
    """Examine the installation."""
    flags = _parse(Doctor, "rad doctor", arguments)
    from rad.doctor import examine

    return examine(flags.suite)


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


def _refuse(text: str) -> int:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
