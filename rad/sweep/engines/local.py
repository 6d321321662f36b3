"""The local engine: each run is a separate process on this machine."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from rad.experiment.config_file import to_json
from rad.runtime.files import read_object, write_object
from rad.runtime.run_dir import CONFIG_FILE
from rad.sweep.grid import Trial
from rad.sweep.process import environment, launch, open_log
from rad.sweep.scheduler import Options


@dataclass
class Local:
    """Runs on this machine, spread over its GPUs if it has several."""

    out: Path  # folder of the sweep
    gpus: Sequence[str] = ()  # their names for CUDA_VISIBLE_DEVICES; none to leave that as it is
    _running: dict[int, str] = field(default_factory=dict)  # its GPU, by the id of a process

    def start(self, trial: Trial) -> "subprocess.Popen[bytes]":
        """Start or resume a run."""
        prepare(trial)
        gpu = min(self.gpus, key=list(self._running.values()).count, default="")  # the least used
        with open_log(self.out, trial.name) as log:
            process = launch(trial.folder, log, environment(trial.config.threads, gpu))
        self._running[process.pid] = gpu
        return process

    def poll(self, process: "subprocess.Popen[bytes]") -> int | None:
        """Return the exit status of a run, or None while it runs."""
        status = process.poll()
        if status is not None:
            self._running.pop(process.pid, None)
        return status

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        """Ask a run to save itself and end."""
        process.terminate()

    def close(self) -> None:
        """Release the engine's resources: it has none."""


def make(trials: Sequence[Trial], slots: int, options: Options) -> tuple[Local, int]:
    """Return the engine, and how many runs it works on at a time."""
    return Local(options.out, spread_gpus(trials)), slots


def spread_gpus(trials: Sequence[Trial]) -> list[str]:
    """Return the GPUs to spread runs over: none unless there are several and the runs leave the choice open."""
    if any(trial.config.device not in ("auto", "cuda") for trial in trials):
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = visible.split(",") if visible else [str(i) for i in range(torch.cuda.device_count())]
    return names if len(names) > 1 else []


def prepare(trial: Trial) -> None:
    """Make the folder of a run with its settings, if they are not there or a kill has torn them."""
    trial.folder.mkdir(parents=True, exist_ok=True)
    try:
        read_object(trial.folder / CONFIG_FILE)
    except (OSError, ValueError):
        write_object(trial.folder / CONFIG_FILE, to_json(trial.config))
