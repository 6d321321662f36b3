"""The local engine: each run is a separate process on this machine."""

import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rad.experiment.config_file import to_json
from rad.runtime.files import read_object, write_object
from rad.runtime.run_dir import CONFIG_FILE
from rad.sweep.grid import Trial
from rad.sweep.process import environment, launch, open_log
from rad.sweep.scheduler import Options
from rad.sweep.slots import Slots


@dataclass
class Local:
    """Runs on this machine, each on the GPU where most more of them fit."""

    out: Path  # folder of the sweep
    gpus: Mapping[str, int]  # as `Slots` has them
    ranks: int = 1  # processes that train a run together
    _running: dict[int, str] = field(default_factory=dict)  # its GPU, by the id of a process

    def start(self, trial: Trial) -> "subprocess.Popen[bytes]":
        """Start or resume a run."""
        prepare(trial)
        at_work = Counter(self._running.values())
        gpu = max(self.gpus, key=lambda name: self.gpus[name] - at_work[name], default="")
        with open_log(self.out, trial.name) as log:
            process = launch(trial.folder, log, environment(trial.config.threads, gpu), self.ranks)
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


def make(trials: Sequence[Trial], slots: Slots, options: Options) -> tuple[Local, Slots]:
    """Return the engine, and how many runs it works on at a time."""
    return Local(options.out, slots.gpus, options.ranks), slots


def shares_gpus(slots: Slots, options: Options) -> bool:
    """Tell whether more runs are made at a time than there are GPUs for them."""
    return slots.number > len(slots.gpus) > 0


def prepare(trial: Trial) -> None:
    """Make the folder of a run with its settings, if they are not there or a kill has torn them."""
    trial.folder.mkdir(parents=True, exist_ok=True)
    try:
        read_object(trial.folder / CONFIG_FILE)
    except (OSError, ValueError):
        write_object(trial.folder / CONFIG_FILE, to_json(trial.config))
