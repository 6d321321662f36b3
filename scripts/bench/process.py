"""Measure something in a process of its own: allocator settings, once made, hold for the rest of a process."""

import contextlib
import dataclasses
import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, TextIO

CHECKOUT = Path(__file__).resolve().parents[2]


class Worker:
    """A fresh process that does jobs of a module one after the other, until it is closed.

    Several at once, given jobs in turns, share the ups and downs of a machine.
    """

    def __init__(self, module: str) -> None:
        self._errors: TextIO = tempfile.TemporaryFile("w+")  # noqa: SIM115 - `close` closes it
        command = [sys.executable, "-m", "scripts.bench.process", module]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._errors}
        self._process = subprocess.Popen(command, cwd=CHECKOUT, text=True, **pipes)

    def measure(self, job: Any) -> dict[str, float]:
        """Run `work(job)` of the module, whose dataclass `Job` has a `side`, and return its numbers.

        Raises:
            RuntimeError: the process failed; the text ends with its last line of output.
        """
        pipes: Any = self._process
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(dataclasses.asdict(job)), file=pipes.stdin, flush=True)
        if answer := pipes.stdout.readline():
            return json.loads(answer)
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines() or ["no message"]
        raise RuntimeError(f"measuring {job.side} ended with {status}: {lines[-1]}")

    def close(self) -> None:
        """End the process, once it has done its job."""
        self._process.communicate()
        self._errors.close()


def measure(module: str, job: Any) -> dict[str, float]:
    """Run `work(job)` of a module, whose dataclass `Job` has a `side`, in a fresh process and return its numbers.

    Raises:
        RuntimeError: the process failed; the text ends with its last line of output.
    """
    with contextlib.closing(Worker(module)) as worker:
        return worker.measure(job)


if __name__ == "__main__":
    bench = importlib.import_module(sys.argv[1])
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print
        for line in sys.stdin:
            print(json.dumps(bench.work(bench.Job(**json.loads(line)))), file=sys.__stdout__, flush=True)
