import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rad.runtime.clocks import Every, Rate


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


class Clock:
    time_s = 100.0

    def __call__(self):
        return self.time_s


def test_rate_leaves_pauses_out():
    clock = Clock()
    rate = Rate(1000, clock)
    clock.time_s += 10
    with rate.paused():
        clock.time_s += 90
    rate.update(1350)
    assert rate.per_second == 35.0  # (1350 - 1000) / 10 s


def test_rate_leaves_a_pause_out_that_ends_in_an_error():
    clock = Clock()
    rate = Rate(0, clock)
    clock.time_s += 1

    def fail():
        with rate.paused():
            clock.time_s += 5
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    rate.update(7)
    assert rate.per_second == 7.0


def test_rate_before_any_time_is_zero():
    assert Rate(0, Clock()).per_second == 0.0
