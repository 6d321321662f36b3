"""Stopping a run between two steps when the system or the user asks for it."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rad.runtime.clocks import RunningTime, running_s

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class StopRequest:
    """Turn SIGINT, SIGTERM and SIGUSR1 into a flag while the `with` block runs.

    The loop reads `requested` between steps, saves, and exits with `exit_code`. A second SIGINT comes from an impatient
    user: it raises SystemExit at once and restores the old handlers. Further SIGTERMs and SIGUSR1s come from programs
    (from a sweep and from what stops the sweep) and change nothing. A signal that was ignored before stays ignored (a
    background job of a shell ignores SIGINT). Outside the main thread, where Python handles no signals, there is no
    flag.

    Forked children inherit the handlers: they ignore SIGINT and SIGUSR1, and SIGTERM ends them. Spawned ones (workers
    of environments) do not, see `rad.envs.pixel_env`.

    Example:
        >>> with StopRequest() as stop:
        ...     stop.requested, stop.exit_code
        (False, 0)
    """

    def __init__(self) -> None:
        self._received: int | None = None
        self._old_handlers: dict[signal.Signals, Callable[..., Any] | int | None] = {}
        self._pid = os.getpid()

    @property
    def requested(self) -> bool:
        """Tell whether a signal has come."""
        return self._received is not None

    @property
    def exit_code(self) -> int:
        """Return 128 + the number of the first signal (SIGINT 130, SIGTERM 143), or 0 if none has come."""
        return 0 if self._received is None else 128 + self._received

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._old_handlers[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *exception: object) -> None:
        self._restore()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:
            if number == signal.SIGTERM:  # multiprocessing ends its workers with this one, and waits
                os._exit(128 + number)
        elif self._received is None:
            self._received = number
        elif number == signal.SIGINT:
            self._restore()
            raise SystemExit(128 + number)

    def _restore(self) -> None:
        for number, handler in self._old_handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._old_handlers = {}


class Terminated(KeyboardInterrupt):
    """A signal of a program, as an exception that ends a command as SIGINT does."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def terminations_raised() -> Iterator[None]:
    """Let SIGTERM and SIGUSR1 raise `Terminated` in the main thread: files and processes are closed, a line is printed.

    Forked children inherit the handler; it ends them, without an exception. Spawned ones do not. A signal that was
    ignored before stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    process = os.getpid()

    def receive(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:
            os._exit(128 + number)
        raise Terminated(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}
    received = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in received:
        signal.signal(number, receive)
    try:
        yield
    finally:
        for number in received:
            signal.signal(number, before[number])


@contextmanager
def if_stopped(note: str) -> Iterator[None]:
    """Let a command that is stopped here also say what became of its work."""
    try:
        yield
    except KeyboardInterrupt as stop:
        stop.add_note(note)
        raise


@contextmanager
def noticing_stops(clock: RunningTime = running_s) -> Iterator[None]:
    """Let a clock stand still while the process is stopped, which SIGCONT ends; in the main thread, while this runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGCONT, lambda number, frame: clock.was_stopped())
    try:
        yield
    finally:
        signal.signal(signal.SIGCONT, before)
