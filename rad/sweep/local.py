"""The local engine: each run is a process of its own on this machine."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from rad.build import CONFIG_FILE
from rad.config import Run, to_json
from rad.runtime.files import replacing
from rad.sweep.plan import Trial

LOGS = "logs"


@dataclass
class Local:
    """Runs on this machine, spread over its GPUs if it has several.

    Attributes:
        out: folder of the sweep.
        gpus: their names for CUDA_VISIBLE_DEVICES; none to leave that as it is.
    """

    out: Path
    gpus: Sequence[str] = ()
    _running: dict[int, str] = field(default_factory=dict)  # its GPU, by the id of a process

    def start(self, trial: Trial) -> "subprocess.Popen[bytes]":
        """Begin a run, or go on with it."""
        prepare(trial)
        gpu = self._least_used()
        with open_log(self.out, trial.name) as log:
            process = launch(trial.folder, log, environment(trial.config.threads, gpu))
        self._running[process.pid] = gpu
        return process

    def poll(self, process: "subprocess.Popen[bytes]") -> int | None:
        """Return the exit status of a run, or None while it goes on."""
        status = process.poll()
        if status is not None:
            self._running.pop(process.pid, None)
        return status

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        """Ask a run to save itself and end."""
        process.terminate()

    def close(self) -> None:
        """Let go of what the engine holds: nothing."""

    def _least_used(self) -> str:
        used = list(self._running.values())
        return min(self.gpus, key=used.count, default="")


def prepare(trial: Trial) -> None:
    """Make the folder of a run with its settings, if it is not there."""
    trial.folder.mkdir(parents=True, exist_ok=True)
    path = trial.folder / CONFIG_FILE
    if not _is_whole(path):
        write_config(trial.config, path)


def write_config(config: Run, path: Path) -> None:
    """Write settings as `rad train` does, in one step."""
    with replacing(path) as file:
        file.write(json.dumps(to_json(config), indent=2).encode() + b"\n")


def _is_whole(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    return True


def log_file(out: Path, name: str) -> Path:
    """Return where all that a run prints is kept, its errors among it."""
    return out / LOGS / f"{name}.log"


def open_log(out: Path, name: str) -> BinaryIO:
    """Open the log of a run to add to it."""
    path = log_file(out, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def launch(folder: Path, log: BinaryIO, variables: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start the process of a run.

    It has a session of its own, so that a terminal's Ctrl-C reaches the sweep alone, which then asks it to stop.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "rad.sweep.worker", str(folder), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=variables,
        start_new_session=True,
    )


def environment(threads: int, gpu: str = "") -> dict[str, str]:
    """Return the variables of a run's process: threads of OpenMP and of the software renderer, and its GPU."""
    found = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
    if threads:
        found |= {"OMP_NUM_THREADS": str(threads), "LP_NUM_THREADS": str(threads)}
    return found | ({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {})


def ended(status: int) -> str:
    """Say how a process ended."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"


def last_words(out: Path, name: str) -> str:
    """Return the last line of a run's log, which is the error of one that failed."""
    try:
        lines = log_file(out, name).read_text(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
