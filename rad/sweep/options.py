"""How a sweep is worked through."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rad.sweep.grid import Trial
from rad.training.measure import cores_of


@dataclass(frozen=True)
class Options:
    """How a sweep is worked through.

    Attributes:
        out: its folder.
        workers: runs at a time; 0 for as many as memory and cores allow.
        measure: time some updates first.
        engine: its name in the table of engines.
        address: of a Ray cluster; "" for an instance on this machine.
        gpus: of a run on Ray; None for one if there are any.
    """

    out: Path
    workers: int = 0
    measure: bool = True
    engine: str = "local"
    address: str = ""
    gpus: float | None = None


def cores_each(trials: Sequence[Trial]) -> int:
    """Return the cores that the largest run keeps busy."""
    return max(cores_of(trial.config) for trial in trials)
