"""The process of a run and its log. It imports no torch, so that a node of a cluster starts at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from rad.runtime.run_dir import LOGS

SAVING_S = 300  # for a run to save itself, in the middle of a long evaluation too


def launch(folder: Path, log: BinaryIO, variables: dict[str, str], ranks: int = 1) -> "subprocess.Popen[bytes]":
    """Start the process of a run; if several train it together, that of torchrun.

    It is in a separate session: a terminal's Ctrl-C reaches the sweep alone, which then asks its runs to stop.
    """
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    torchrun += ["--shutdown-timeout", str(SAVING_S), "-m"]
    return subprocess.Popen(
        [sys.executable, "-m", *(torchrun if ranks > 1 else []), "rad.sweep.worker", str(folder), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=variables,
        start_new_session=True,
    )


def environment(threads: int, gpu: str = "") -> dict[str, str]:
    """Return the variables of a run's process: threads of OpenMP and of the software renderer, and its GPU.

    The process draws on that GPU as well, see `rad.envs.gl.choose_egl_device`.
    """
    variables = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
    if threads:
        variables |= {"OMP_NUM_THREADS": str(threads), "LP_NUM_THREADS": str(threads)}
    return variables | ({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {})


def ended(status: int) -> str:
    """Say how a process ended."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"


def log_file(out: Path, name: str) -> Path:
    """Return the file of all that a run prints, including its errors."""
    return out / LOGS / f"{name}.log"


def open_log(out: Path, name: str) -> BinaryIO:
    """Open the log of a run to add to it."""
    path = log_file(out, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def last_words(out: Path, name: str) -> str:
    """Return the last error in a run's log, or else its last line."""
    try:
        lines = log_file(out, name).read_text(errors="replace").split("\n")
    except OSError:
        return ""
    printed = [line.strip() for line in reversed(lines) if line.strip()]
    return next((line for line in printed if line.startswith("error: ")), printed[0] if printed else "")
