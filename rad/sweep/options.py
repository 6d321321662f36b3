"""How the runs of a sweep are run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rad.sweep.grid import Trial
from rad.training.measure import cores_of


@dataclass(frozen=True)
class Options:
    """How the runs of a sweep are run."""

    out: Path  # its folder
    workers: int = 0  # runs at a time; 0 for as many as memory and cores allow
    measure: bool = True  # time some updates first
    engine: str = "local"  # its name in the table of engines
    address: str = ""  # of a Ray cluster; "" for an instance on this machine
    gpus: float | None = None  # of a run on Ray; None for one if there are any


def cores_each(trials: Sequence[Trial]) -> int:
    """Return the cores that the largest run keeps busy."""
    return max(cores_of(trial.config) for trial in trials)
