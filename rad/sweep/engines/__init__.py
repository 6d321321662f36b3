"""What runs of a sweep are started with: the table of engines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rad.sweep.engines import local, ray
from rad.sweep.grid import Trial
from rad.sweep.options import Options
from rad.sweep.scheduler import Engine


@dataclass(frozen=True)
class Entry:
    """An engine.

    Attributes:
        check: raises a ValueError, OSError or ModuleNotFoundError, in one line, if it cannot be used.
        make: given the trials to train, how many fit side by side on this machine, and the options; returns the engine
            and how many trials it works on at a time.
        flags: of `rad ablate` that only some engines take.
    """

    check: Callable[[Options], None]
    make: Callable[[Sequence[Trial], int, Options], tuple[Engine, int]]
    flags: tuple[str, ...] = ()


ENGINES: Mapping[str, Entry] = {
    "local": Entry(local.check, local.make),
    "ray": Entry(ray.check, ray.make, flags=("address", "gpus")),
}
