import io

import pytest

from rad.runtime.progress import Progress, duration, three_digits


class Clock:
    time_s = 0.0

    def __call__(self):
        return self.time_s


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_line():
    clock, stream = Clock(), io.StringIO()
    progress = Progress(100_000, stream=stream, now=clock)
    clock.time_s = 12_000 / 35
    progress.update(12_000, 1_500, 231.2)
    # 88,000 frames at 35 a second: 2,514 s
    expected = "12,000/100,000 frames  (1,500 agent steps)  35 frames/s  return 231  left 42 min\n"
    assert stream.getvalue() == expected


def test_a_resumed_run_does_not_count_old_frames_as_speed():
    clock, stream = Clock(), io.StringIO()
    progress = Progress(10_000, start_frames=8_000, stream=stream, now=clock)
    clock.time_s = 10
    progress.update(9_000, 4_500, 0.25)
    assert stream.getvalue() == "9,000/10,000 frames  (4,500 agent steps)  100 frames/s  return 0.25  left 10 s\n"


def test_nothing_is_made_up_before_there_is_time_or_an_episode():
    stream = io.StringIO()
    Progress(100, stream=stream, now=Clock()).update(0, 0)
    assert stream.getvalue() == "0/100 frames  (0 agent steps)  0 frames/s  return -  left -\n"


def test_a_file_gets_the_first_line_the_last_and_one_each_30_s():
    clock, stream = Clock(), io.StringIO()
    progress = Progress(1_000, stream=stream, now=clock)
    for frames in range(1, 101):
        clock.time_s = float(frames)
        progress.update(frames, frames)
    progress.close()
    shown = [line.split("/")[0] for line in stream.getvalue().splitlines()]
    assert shown == ["1", "31", "61", "91", "100"]


def test_the_end_is_shown_at_once_and_only_once():
    clock, stream = Clock(), io.StringIO()
    progress = Progress(10, stream=stream, now=clock)
    progress.update(9, 9)
    progress.update(10, 10)
    assert stream.getvalue().startswith("9/10 frames") and "\n10/10 frames" in stream.getvalue()
    progress.close()
    assert [line.split("/")[0] for line in stream.getvalue().splitlines()] == ["9", "10"]


def test_a_terminal_line_is_redrawn_in_place():
    clock, stream = Clock(), Terminal()
    progress = Progress(1_000, stream=stream, now=clock)
    for frames in (1, 2, 3):
        clock.time_s += 0.15
        progress.update(frames, frames)
    assert stream.getvalue().count("\r") == 2  # 0.15 s and 0.45 s; 0.30 s came too soon
    assert "\n" not in stream.getvalue()
    progress.close()
    assert stream.getvalue().endswith("\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (2_460, "41 min"),
        (7_200, "2 h 0 min"),
        (12_000, "3 h 20 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.0, "0"), (1234.5, "1,234"), (-99.96, "-100"), (0.12345, "0.123")]
)
def test_three_digits(value, text):
    assert three_digits(value) == text
