"""The table of engines, which run the runs of a sweep."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rad.sweep.engines import local, ray
from rad.sweep.grid import Trial
from rad.sweep.scheduler import Engine, Options
from rad.sweep.slots import Slots


@dataclass(frozen=True)
class Entry:
    """An engine."""

    # Given the trials to train, how many fit side by side on this machine, and the options; returns the engine and
    # how many trials it runs at a time.
    make: Callable[[Sequence[Trial], Slots, Options], tuple[Engine, Slots]]
    # Whether more than one run is on a GPU at a time.
    shares_gpus: Callable[[Slots, Options], bool]
    # Raises a SettingError if it cannot be used.
    check: Callable[[Options], object] = lambda options: None
    flags: tuple[str, ...] = ()  # of `rad ablate` that only some engines take


ENGINES: Mapping[str, Entry] = {
    "local": Entry(local.make, local.shares_gpus),
    "ray": Entry(ray.make, ray.shares_gpus, ray.check, flags=("address", "gpus")),
}
