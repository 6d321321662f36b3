"""Speeds: `rad bench`, whose benchmarks stand in a checkout of the repository and in no wheel."""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from rad.commands import flags
from rad.settings import SettingError

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Bench:
    """Measure speeds and print them with their ratios, which carry over between machines better than times."""

    name: tyro.conf.Positional[str]
    """What to measure: sac, capture (on a GPU), minutes, overlap, ppo, scaling, augment, replay, render or attention;
    all: the page of speeds."""
    threads: int = 0
    """CPU threads of torch; 0 leaves torch's own choice."""
    repeats: int = 3
    """Rounds. The table has medians over the rounds and, for ratios, their range, in which drift shows."""
    out: Path | None = None
    """Also write the machine and every round's rows as JSON; an existing file is replaced. Of all, the page, and its
    numbers as JSON in the folder bench beside it, from which the same command goes on."""
    short: bool = False
    """Of all: one tiny round, to see that everything runs; its numbers mean nothing."""


def main(arguments: list[str]) -> int:
    """Run a benchmark of the checkout that this `rad` belongs to; return the exit status."""
    options = flags.parse(Bench, "rad bench", arguments)
    flags.check_least(options, threads=0, repeats=1)
    if options.short and options.name != "all":
        raise SettingError("short", f"is for rad bench all, got {options.name}")
    if options.out:
        flags.check_file("out", options.out)
    if not (CHECKOUT / "scripts" / "bench").is_dir():
        raise ModuleNotFoundError(
            "rad bench needs a checkout of the repository, and this rad was installed from a wheel: "
            "clone it, and run `pip install -e .` and `rad bench` there"
        )
    sys.path.insert(0, str(CHECKOUT))  # before any other `scripts` and `tests`
    return importlib.import_module("scripts.bench").main(**vars(options))
