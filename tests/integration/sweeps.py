"""Sweeps of tiny runs."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from rad import cli
from rad.settings import flag_name
from tests.integration.runs import rows, tiny

ROOT = Path(__file__).parents[2]
OWN = ("task", "augment", "seed", "out", "agent", "suite", "wandb_project", "tensorboard")


def flags_of(**run: Any) -> list[str]:
    """Return the flags of a tiny run but for task, augmentation, seed and folder."""
    config = tiny(**run)
    known = {**vars(config), **vars(config.agent)}
    typed = [(name, value) for name, value in known.items() if name not in OWN and not isinstance(value, bool | tuple)]
    return [f"{flag_name(name)}={value}" for name, value in typed] + ["--no-tensorboard", "--no-measure"]


def command(out: Path, *more: str, **run: Any) -> list[str]:
    """Return the words of a sweep of one probe task with two augmentations."""
    return ["ablate", "--task", "probe/both", "--augment", "none,flip", "--out", str(out), *flags_of(**run), *more]


def sweep_here(out: Path, *more: str) -> tuple[int, str]:
    """Run a sweep from this process; return its status and what it printed."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        status = cli.main(command(out, *more))
    return status, printed.getvalue()


def sweep(out: Path, *more: str, **run: Any) -> "subprocess.Popen[str]":
    """Start a sweep as a process of its own, that can be stopped and killed."""
    return subprocess.Popen(
        [sys.executable, "scripts/ablate.py", *command(out, *more, **run)[1:]],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for the end of a sweep; return its status and what it printed."""
    output = process.communicate(timeout=280)[0]
    return process.returncode, output


def metrics(out: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the logged rows of all runs by folder, without the times."""
    return {str(path.parent.relative_to(out)): rows(path.parent) for path in sorted(out.glob("**/metrics.jsonl"))}


def workers(out: Path) -> Iterator[tuple[int, int, str]]:
    """Yield process, parent and run folder of all processes that work for a sweep, now."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words: Sequence[str] = path.read_bytes().decode().split("\0")
        except OSError:  # it has just ended
            continue
        if "rad.sweep.worker" in words and words[3].startswith(str(out)):
            yield int(path.parent.name), int(words[4]), words[3]
