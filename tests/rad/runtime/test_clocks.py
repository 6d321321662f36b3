import os
import signal
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rad.runtime.clocks import Every, Rate, RunningTime
from rad.runtime.processes.signals import noticing_stops


def test_due_once_for_each_multiple():
    every = Every(10)
    assert [count for count in range(35) if every.due(count)] == [10, 20, 30]


def test_a_jump_over_several_multiples_is_due_once():
    every = Every(10)
    assert [every.due(count) for count in (55, 56, 59, 60, 61)] == [True, False, False, True, False]


def test_zero_is_never():
    every = Every(0)
    assert not any(every.due(count) for count in range(100))


def test_negative_is_refused():
    with pytest.raises(ValueError, match="interval must be 0"):
        Every(-1)


@settings(deadline=None)
@given(st.integers(1, 50), st.lists(st.integers(0, 20), min_size=1))
def test_due_exactly_when_a_multiple_was_passed(interval, steps):
    every, count = Every(interval), 0
    for step in steps:
        passed = any(value % interval == 0 for value in range(count + 1, count + step + 1))
        count += step
        assert every.due(count) == passed


def test_a_restored_clock_with_another_interval_does_not_catch_up():
    slow, quick = Every(100), Every(10)
    assert slow.due(205)
    quick.load_state_dict(slow.state_dict())
    assert not quick.due(205 - 5)
    assert quick.due(210)


def test_a_clock_restored_to_never_and_back():
    never, every = Every(0), Every(10)
    never.load_state_dict({"last_due": 50})
    assert not never.due(100)
    every.load_state_dict({"last_due": 50})
    assert not every.due(59)


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, 100), st.integers(0, 100))
def test_to_come_are_those_that_will_be_due(interval, count, end):
    every = Every(interval)
    every.due(count)
    assert every.to_come(count, end) == sum(every.due(later) for later in range(count + 1, end))


class Clock:
    time_s = 100.0

    def __call__(self):
        return self.time_s


def rate_of(marks):
    """Return the rate after marks at (seconds, count)."""
    clock = Clock()
    rate = Rate(clock)
    for time_s, count in marks:
        clock.time_s = time_s
        rate.mark(count)
    return rate.per_second


def test_rate_is_that_of_the_window():
    # 1,000 a second at first; then 2,100 in the sixty seconds that count
    assert rate_of([(0, 0), (1, 1_000), (2, 2_000), (32, 2_200), (62, 4_100)]) == 35.0


def test_rate_counts_two_marks_however_far_apart():
    assert rate_of([(0, 0), (1, 500), (100, 1_490), (200, 2_490)]) == 10.0


@pytest.mark.parametrize("marks", [[], [(0, 5)], [(0, 5), (4.9, 50)], [(0, 5), (9, 5)]])
def test_rate_says_nothing_before_there_is_enough_to_tell(marks):
    assert rate_of(marks) is None


def test_rate_does_not_count_what_comes_after_the_last_mark():
    clock = Clock()
    rate = Rate(clock)
    for count in (0, 100):
        rate.mark(count)
        clock.time_s += 10
    assert rate.per_second == 10.0


def test_rate_leaves_pauses_out():
    clock = Clock()
    rate = Rate(clock)
    rate.mark(1_000)
    clock.time_s += 10
    with rate.paused():
        clock.time_s += 90
    rate.mark(1_350)
    assert rate.per_second == 35.0  # (1350 - 1000) / 10 s


def test_rate_leaves_a_pause_out_that_ends_in_an_error():
    clock = Clock()
    rate = Rate(clock)
    rate.mark(0)
    clock.time_s += 10

    def fail():
        with rate.paused():
            clock.time_s += 5
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    rate.mark(70)
    assert rate.per_second == 7.0


def test_time_stands_still_while_the_process_is_stopped():
    clock = Clock()
    running_s = RunningTime(clock)
    clock.time_s = 7.0
    with noticing_stops(running_s):
        assert running_s() == 7.0
        clock.time_s = 3_607.0
        os.kill(os.getpid(), signal.SIGCONT)
        assert running_s() == 7.0
        clock.time_s += 2
        assert running_s() == 9.0


def test_a_stop_does_not_slow_the_rate():
    clock = Clock()
    running_s = RunningTime(clock)
    rate = Rate(running_s)
    rate.mark(0)
    clock.time_s += 10
    rate.mark(100)
    clock.time_s += 3_600
    running_s.was_stopped()
    rate.mark(100)
    clock.time_s += 10
    rate.mark(200)
    assert rate.per_second == 10.0


def test_the_handler_is_that_of_before_again():
    before = signal.getsignal(signal.SIGCONT)
    with noticing_stops(RunningTime()):
        assert signal.getsignal(signal.SIGCONT) is not before
    assert signal.getsignal(signal.SIGCONT) is before


def test_elsewhere_than_in_the_main_thread_nothing_is_noticed():
    def enter():
        with noticing_stops(RunningTime()):
            handlers.append(signal.getsignal(signal.SIGCONT))

    handlers = []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGCONT)]
