"""How the worker process of an environment handles the signals that are meant for the whole run."""

import multiprocessing
import signal

GRACE_S = 30  # what job schedulers leave between SIGTERM and SIGKILL


def leave_signals_to_parent() -> None:
    """Outlive, in a worker process, the signals on which the run saves its state; elsewhere do nothing.

    A terminal and a job scheduler signal all processes at once, and a run cannot save environments that are gone.
    SIGINT and SIGUSR1 are ignored. SIGTERM, which is also how a pool ends a worker, takes effect GRACE_S seconds later.
    """
    if multiprocessing.parent_process() is None:
        return
    for number in (signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: signal.alarm(GRACE_S))
