"""The local engine: each run is a separate process on this machine."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rad.experiment.config_file import to_json
from rad.runtime.run_dir import CONFIG_FILE
from rad.sweep.engines.ray_node import write_config
from rad.sweep.grid import Trial
from rad.sweep.process import environment, launch, open_log


@dataclass
class Local:
    """Runs on this machine, spread over its GPUs if it has several."""

    out: Path  # folder of the sweep
    gpus: Sequence[str] = ()  # their names for CUDA_VISIBLE_DEVICES; none to leave that as it is
    _running: dict[int, str] = field(default_factory=dict)  # its GPU, by the id of a process

    def start(self, trial: Trial) -> "subprocess.Popen[bytes]":
        """Start or resume a run."""
        prepare(trial)
        gpu = self._least_used()
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

    def _least_used(self) -> str:
        used = list(self._running.values())
        return min(self.gpus, key=used.count, default="")


def prepare(trial: Trial) -> None:
    """Make the folder of a run with its settings, if it is not there."""
    trial.folder.mkdir(parents=True, exist_ok=True)
    path = trial.folder / CONFIG_FILE
    if not _is_whole(path):
        write_config(to_json(trial.config), path)


def _is_whole(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    return True
