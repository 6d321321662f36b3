"""Benchmarks: each module measures one thing in `run()`, which returns rows; here they are repeated and printed."""

import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rad.report.draw.tables import Column, Table

BENCHMARKS = ("sac", "minutes", "overlap", "ppo", "augment", "replay", "render", "attention")

Row = dict[str, Any]


def main(name: str, threads: int, repeats: int, out: Path | None) -> int:
    """Run a benchmark, print its table and the machine; return the exit status.

    The arguments are those of `rad bench`.

    Raises:
        ValueError: the benchmark is unknown.
        ModuleNotFoundError: the benchmark needs something that is not installed.
    """
    if name not in BENCHMARKS:
        raise ValueError(f"unknown benchmark '{name}'; known: {', '.join(BENCHMARKS)}")
    set_threads(threads)
    from rad.runtime.device import describe

    facts = describe()
    rounds = run_rounds(name, repeats)
    print(table(rounds))
    print(f"medians of {repeats} rounds" if repeats > 1 else "one round", end="; ")
    print(", ".join(f"{fact} {value}" for fact, value in facts.items()))
    if out:
        out.write_text(json.dumps({"benchmark": name, "machine": facts, "rounds": rounds}, indent=2) + "\n")
    return 0


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
