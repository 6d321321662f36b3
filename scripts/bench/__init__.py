"""Benchmarks: each module measures one thing in `run()`, which returns rows; here they are repeated and printed."""

import importlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import tyro

from rad.commands import flags
from rad.report.draw.tables import Column, Table

BENCHMARKS = ("sac", "minutes", "ppo", "augment", "replay", "render", "attention")

Row = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """Measure speeds and print them with their ratios, which carry over between machines better than times."""

    name: tyro.conf.Positional[str]
    """What to measure: sac, minutes, ppo, augment, replay, render or attention."""
    threads: int = 0
    """CPU threads of torch; 0 leaves torch's own choice."""
    repeats: int = 3
    """Rounds. The table has medians over the rounds and, for ratios, their range, in which drift shows."""
    out: Path | None = None
    """Also write the machine and every round's rows as JSON; an existing file is replaced."""


def main(arguments: Sequence[str]) -> int:
    """Run a benchmark, print its table and the machine; return the exit status.

    Raises:
        ValueError: a flag is impossible, or the benchmark is unknown.
        ModuleNotFoundError: the benchmark needs something that is not installed.
    """
    options = flags.parse(Bench, "rad bench", arguments)
    check(options)
    set_threads(options.threads)
    from rad.runtime.device import describe

    facts = describe()
    rounds = run_rounds(options.name, options.repeats)
    print(table(rounds))
    print(f"medians of {options.repeats} rounds" if options.repeats > 1 else "one round", end="; ")
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    if options.out:
        result = {"benchmark": options.name, "machine": facts, "rounds": rounds}
        options.out.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def check(options: Bench) -> None:
    """Check the flags before anything is measured.

    Raises:
        ValueError: one line that names what came and what is allowed.
    """
    if options.name not in BENCHMARKS:
        raise ValueError(f"unknown benchmark '{options.name}'; known: {', '.join(BENCHMARKS)}")
    flags.check_least(options, threads=0, repeats=1)
    if options.out:
        flags.check_file("out", options.out)


def set_threads(count: int) -> None:
    """Set torch's threads here and, through the environment, in the processes that a benchmark starts."""
    if count:
        from rad.runtime import device

        os.environ["OMP_NUM_THREADS"] = str(count)
        device.set_threads(count)


def run_rounds(name: str, repeats: int) -> list[list[Row]]:
    """Run a benchmark several times; each round gives the same rows with other numbers."""
    module = importlib.import_module(f"scripts.bench.{name}")
    rounds = []
    for number in range(1, repeats + 1):
        print(f"{name}: round {number} of {repeats}", file=sys.stderr, flush=True)
        rounds.append(module.run())
    return rounds


def table(rounds: Sequence[Sequence[Row]]) -> str:
    """Lay out rounds of rows as one table: words to the left, numbers to the right."""
    names = list(dict.fromkeys(key for row in rounds[0] for key in row))
    numeric = {key for row in rounds[0] for key, value in row.items() if isinstance(value, int | float)}
    cells = [[cell(name, [row.get(name) for row in same]) for name in names] for same in zip(*rounds)]
    return Table([Column(name, "number" if name in numeric else "text") for name in names], cells).plain()


def cell(key: str, values: Sequence[Any]) -> str:
    """Write one value of all rounds: the median of numbers, with the range if it is a ratio."""
    numbers = [value for value in values if isinstance(value, int | float)]
    if not numbers:
        return str(values[0]) if values[0] is not None else "-"
    middle = median(numbers)
    if not is_ratio(key):
        return f"{middle:,.0f}" if abs(middle) >= 1000 else f"{middle:.3g}"
    spread = f" ({min(numbers):.2f}-{max(numbers):.2f})" if len(numbers) > 1 else ""
    return f"{middle:.2f}x{spread}"


def is_ratio(key: str) -> bool:
    """Tell whether a column holds ratios, by its name."""
    return "ratio" in key or "speedup" in key or key == "target"
