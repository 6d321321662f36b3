"""When something is due, how often it still will be, and how fast a count grows."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

WINDOW_S = 60.0  # age of the oldest mark that a rate is measured from; at least two are used, whatever their age
LEAST_S = 5.0  # between first and last mark; a rate over less would be noise


class RunningTime:
    """A clock in seconds that stands still while the process is stopped: by Ctrl-Z, SIGSTOP or a job scheduler.

    The system tells of a stop when it has ended; see `rad.runtime.processes.signals.noticing_stops`. What was computed
    between the last reading and the stop does not count either. `now` is a clock; tests pass their own.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._last_s, self._stopped_s = now, now(), 0.0
        self._was_stopped = False

    def __call__(self) -> float:
        """Return the time."""
        now_s = self._now()
        if self._was_stopped:
            self._stopped_s += now_s - self._last_s
            self._was_stopped = False
        self._last_s = now_s
        return now_s - self._stopped_s

    def was_stopped(self) -> None:
        """Leave out the time since the last reading."""
        self._was_stopped = True


running_s = RunningTime()
"""The clock of this process."""


class Every:
    """Tell once for each multiple of `interval` that a growing count reaches or passes it.

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

    def to_come(self, count: int, end: int) -> int:
        """Return how many multiples lie beyond `count` and below `end`."""
        return max(0, (end - 1) // self.interval - count // self.interval) if self.interval else 0

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
    """Growth of a count per second between recent marks, without the time spent in `paused`.

    Marks are set where work of one kind is complete, such as an update of training, so that neither what precedes the
    first mark nor a part of an update counts. `now` is a clock in seconds; tests pass their own.
    """

    def __init__(self, now: Callable[[], float] = running_s) -> None:
        self._now, self._paused_s = now, 0.0
        self._marks: deque[tuple[float, int]] = deque()

    def mark(self, count: int) -> None:
        """Record the current count."""
        self._marks.append((self._now() - self._paused_s, count))
        while len(self._marks) > 2 and self._marks[-1][0] - self._marks[1][0] >= WINDOW_S:
            self._marks.popleft()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the time spent inside the `with` block out of the rate."""
        began = self._now()
        try:
            yield
        finally:
            self._paused_s += self._now() - began

    @property
    def per_second(self) -> float | None:
        """Return counts per second of unpaused time; None before there is enough of it, or without growth."""
        if len(self._marks) < 2:
            return None
        (first_s, first), (last_s, last) = self._marks[0], self._marks[-1]
        return (last - first) / (last_s - first_s) if last_s - first_s >= LEAST_S and last > first else None
