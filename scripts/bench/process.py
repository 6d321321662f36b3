"""Measure something in a process of its own: allocator settings, once made, hold for the rest of a process."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]


def measure(module: str, job: Any) -> dict[str, float]:
    """Run `python -m module JOB` and read the numbers that it prints.

    Args:
        module: its main reads a job, a dataclass, as JSON from the first argument and prints JSON.
        job: what to measure; it has a `side` for the error's text.

    Raises:
        RuntimeError: the process failed; the text ends with its last words.
    """
    command = [sys.executable, "-m", module, json.dumps(dataclasses.asdict(job))]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"measuring {job.side} ended with {done.returncode}: {words[0]}")
    return json.loads(done.stdout)


def check_source(path: str, benchmark: str) -> None:
    """Check that a file of the source checkout is there.

    Raises:
        ModuleNotFoundError: it is not: the library was installed from a wheel.
    """
    if not (CHECKOUT / path).is_file():
        raise ModuleNotFoundError(
            f"`bench {benchmark}` compares with {path}, which no wheel has: run it in a source checkout"
        )
