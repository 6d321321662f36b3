"""Benchmarks: each module measures one thing in `run()`, which returns rows; here they are repeated and printed."""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rad.report.draw.tables import Column, Table

BENCHMARKS = ("sac", "capture", "minutes", "overlap", "ppo", "scaling", "augment", "replay", "render", "attention")
ALL = "all"  # the page of speeds, from several of them

Row = dict[str, Any]


def main(name: str, threads: int, repeats: int, out: Path | None, short: bool = False) -> int:
    """Run a benchmark with the arguments of `rad bench`, print its table and the machine; return the exit status.

    Raises:
        ValueError: the benchmark is unknown.
        ModuleNotFoundError: the benchmark needs something that is not installed.
    """
    if name not in (*BENCHMARKS, ALL):
        raise ValueError(f"unknown benchmark '{name}'; known: {', '.join((*BENCHMARKS, ALL))}")
    from rad.runtime import device

    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # for the processes that a benchmark starts
        device.set_threads(threads)
    facts = device.describe()
    if name == ALL:
        return importlib.import_module("scripts.bench.speeds").main(facts, repeats, out, short)
    rounds = run_rounds(name, repeats)
    print(table(rounds))
    print(f"medians of {repeats} rounds" if repeats > 1 else "one round", end="; ")
    print(", ".join(f"{fact} {value}" for fact, value in facts.items()))
    if out:
        out.write_text(json.dumps({"benchmark": name, "machine": facts, "rounds": rounds}, indent=2) + "\n")
    return 0


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
    """Write one value of all rounds: the median of numbers, with the range if its name says that it is a ratio."""
    numbers = [value for value in values if isinstance(value, int | float)]
    if not numbers:
        return str(values[0]) if values[0] is not None else "-"
    middle = median(numbers)
    if not ("ratio" in key or "speedup" in key or key == "target"):
        return f"{middle:,.0f}" if abs(middle) >= 1000 else f"{middle:.3g}"
    spread = f" ({min(numbers):.2f}-{max(numbers):.2f})" if len(numbers) > 1 else ""
    return f"{middle:.2f}x{spread}"


def wall_s(call: Callable[..., object], *arguments: object) -> float:
    """Return the seconds that one call takes."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def adding(call: Callable[..., Any], spent: dict[str, float], part: str) -> Callable[..., Any]:
    """Return the same function, which adds its seconds to a part of `spent`."""

    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = call(*args, **kwargs)
        spent[part] += time.perf_counter() - start
        return result

    return timed
