"""When something is due, and how fast a count grows."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

__all__ = ["Every", "Rate", "process_age_s"]


class Every:
    """Say once for each multiple of `interval` that a growing count reaches or passes.

    Args:
        interval: spacing of the multiples in the unit of the count; 0 means never.

    Raises:
        ValueError: a negative `interval`.

    Example:
        >>> every = Every(10)
        >>> [every.due(count) for count in (9, 10, 11, 35, 39, 40)]
        [False, True, False, True, False, True]
    """

    def __init__(self, interval: int) -> None:
        if interval < 0:
            raise ValueError(f"interval must be 0 (never) or more, got {interval}")
        self.interval = interval
        self._passed = 0

    def due(self, count: int) -> bool:
        """Return True if `count` passed a multiple since the last True; a jump over several is due once."""
        if self.interval == 0 or count // self.interval <= self._passed:
            return False
        self._passed = count // self.interval
        return True

    def state_dict(self) -> dict[str, int]:
        """Return the last count that was due, rounded down to a multiple of the interval."""
        return {"last_due": self._passed * self.interval}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Restore `state_dict`; a clock with another interval continues from the same count."""
        self._passed = state["last_due"] // self.interval if self.interval else 0


def process_age_s() -> float:
    """Return the seconds since this process was started, imports included."""
    return time.time() - psutil.Process().create_time()


class Rate:
    """Growth of a count per second, leaving out the time spent in `paused`.

    Args:
        count: the count at the start.
        now: a clock in seconds; tests pass their own.
    """

    def __init__(self, count: int = 0, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._first_count = self._count = count
        self._start = now()
        self._paused_s = 0.0

    def update(self, count: int) -> None:
        """Tell the present count."""
        self._count = count

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the time spent inside the `with` block out of the rate."""
        began = self._now()
        try:
            yield
        finally:
            self._paused_s += self._now() - began

    @property
    def per_second(self) -> float:
        """Return counts per second of unpaused time since the start; 0.0 before any time has passed."""
        elapsed_s = self._now() - self._start - self._paused_s
        return (self._count - self._first_count) / elapsed_s if elapsed_s > 0 else 0.0
