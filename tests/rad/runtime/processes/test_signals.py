import os
import signal
import subprocess
import sys
import threading

import pytest

from rad.runtime.processes.signals import SIGNALS, StopRequest, Terminated, terminations_raised


@pytest.fixture(autouse=True)
def handlers():
    """Start from the default handlers (a background job begins with SIGINT ignored), and see them come back."""
    old = [signal.signal(number, signal.default_int_handler) for number in SIGNALS]
    yield
    left = [signal.getsignal(number) for number in SIGNALS]
    for number, handler in zip(SIGNALS, old):
        signal.signal(number, handler)
    assert left == [signal.default_int_handler] * len(SIGNALS)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 138)])
def test_a_signal_raises_the_flag(number, code):
    with StopRequest() as stop:
        assert not stop.requested and stop.exit_code == 0
        signal.raise_signal(number)
        assert stop.requested and stop.exit_code == code
    assert stop.requested


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_user_who_asks_again_leaves_at_once(first):
    with StopRequest() as stop:
        signal.raise_signal(first)
        with pytest.raises(SystemExit) as leaving:
            signal.raise_signal(signal.SIGINT)
        assert leaving.value.code == 130
        assert stop.exit_code == 128 + first


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGUSR1])
def test_a_program_that_asks_again_changes_nothing(second):
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(second)
        assert stop.exit_code == 143
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGINT)


def test_handlers_come_back_after_an_error():
    with pytest.raises(KeyError), StopRequest():
        raise KeyError  # the fixture compares


def test_an_ignored_signal_stays_ignored():
    old = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        with StopRequest() as stop:
            signal.raise_signal(signal.SIGUSR1)
            assert not stop.requested
    finally:
        signal.signal(signal.SIGUSR1, old)


def test_a_signal_that_was_ignored_terminates_nothing():
    old = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        with terminations_raised():
            signal.raise_signal(signal.SIGUSR1)
            with pytest.raises(Terminated) as stop:
                signal.raise_signal(signal.SIGTERM)
            assert stop.value.number == signal.SIGTERM
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGUSR1, old)


def test_a_thread_may_use_it_too():
    seen = []

    def work():
        with StopRequest() as stop:
            seen.append(stop.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


FORKED = """
import os, signal, sys, time
from rad.runtime.processes.signals import StopRequest
signal.signal(signal.SIGINT, signal.default_int_handler)
def start_worker():
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(told, b"x")
        for _ in range(20):
            time.sleep(1)
        os._exit(0)
    os.read(ready, 1)
    return child
with StopRequest() as stop:
    interrupted, terminated = start_worker(), start_worker()
    os.kill(interrupted, signal.SIGINT)   # as a terminal does to all processes; must not end the worker
    os.kill(terminated, signal.SIGTERM)
    _, status = os.waitpid(terminated, 0)
    alive = os.waitpid(interrupted, os.WNOHANG) == (0, 0)
    os.kill(interrupted, signal.SIGKILL)
    os.waitpid(interrupted, 0)
    print(alive, os.waitstatus_to_exitcode(status), stop.requested)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_worker_outlives_an_interrupt_and_ends_on_terminate():
    # in a process of its own: forking this one, with its threads, would warn
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "143", "False"]
