"""Measure something in a process of its own: allocator settings, once made, hold for the rest of a process."""

import dataclasses
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]


def measure(module: str, job: Any) -> dict[str, float]:
    """Run `work(job)` of a module, whose dataclass `Job` has a `side`, in a fresh process and return its numbers.

    Raises:
        RuntimeError: the process failed; the text ends with its last line of output.
    """
    command = [sys.executable, "-m", "scripts.bench.process", module, json.dumps(dataclasses.asdict(job))]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise RuntimeError(f"measuring {job.side} ended with {done.returncode}: {lines[-1]}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    bench = importlib.import_module(sys.argv[1])
    print(json.dumps(bench.work(bench.Job(**json.loads(sys.argv[2])))))
