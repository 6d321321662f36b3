"""Speeds: `rad bench`, whose benchmarks stand in a checkout of the repository and in no wheel."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Run a benchmark of the checkout that this `rad` belongs to; return the exit status.

    Raises:
        ModuleNotFoundError: it belongs to none.
        ValueError: as `scripts.bench.main`.
    """
    if not (CHECKOUT / "scripts" / "bench").is_dir():
        raise ModuleNotFoundError(
            "rad bench needs a checkout of the repository, and this rad was installed from a wheel: "
            "clone it, and run `pip install -e .` and `rad bench` there"
        )
    sys.path.insert(0, str(CHECKOUT))  # before any other `scripts` and `tests`
    status: int = importlib.import_module("scripts.bench").main(arguments)
    return status
