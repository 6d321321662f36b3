import io

import pytest

from rad.runtime.progress.line import Lines, fitting
from tests.rad.runtime.progress.test_progress import Clock, Terminal


@pytest.mark.parametrize(
    ("width", "text"), [(2, "aa"), (3, "aaa"), (7, "aaa"), (8, "aaa  bbb"), (11, "aaa  bbb"), (12, "aaa  bbb  cc")]
)
def test_whole_parts_are_left_out_where_they_do_not_fit(width, text):
    assert fitting(["aaa", "bbb", "cc"], width) == text


def test_a_terminal_line_is_cut_to_its_width_and_a_file_line_is_not(monkeypatch):
    monkeypatch.setenv("COLUMNS", "8")  # a line of 8 would wrap
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        Lines(stream).show(["aaa", "bbb"], ["cc", "ddd"])
    assert terminal.getvalue() == "aaa\ncc  ddd"
    assert file.getvalue() == "aaa  bbb\ncc  ddd\n"


def test_a_terminal_that_is_resized_gets_lines_of_its_new_width(monkeypatch):
    terminal = Terminal()
    shown = Lines(terminal)
    for columns in ("9", "8", "9"):
        monkeypatch.setenv("COLUMNS", columns)
        shown.show(["aaa", "bbb"])
    assert terminal.getvalue() == "aaa  bbb\r\033[Jaaa\r\033[Jaaa  bbb"


@pytest.mark.parametrize(("stream", "period_s"), [(Terminal(), 0.2), (io.StringIO(), 30)])
def test_when_a_line_is_due(stream, period_s):
    clock = Clock()
    shown = Lines(stream, clock)
    assert shown.due
    shown.show(["a"])
    for time_s, due in ((0.0, False), (period_s - 0.01, False), (period_s, True)):
        clock.time_s = time_s
        assert shown.due == due


def test_a_line_that_is_not_due_is_not_shown():
    clock, file = Clock(), io.StringIO()
    shown = Lines(file, clock)
    for clock.time_s in (0.0, 29.0, 30.0):
        shown.show_if_due(f"{clock.time_s:g} s")
    assert file.getvalue() == "0 s\n30 s\n"


def test_what_stays_takes_the_place_of_what_is_redrawn():
    stream = Terminal()
    shown = Lines(stream)
    shown.say("first")
    shown.show(["a"])
    shown.say("second")
    shown.close()
    shown.show(["b"], ["c"], ["d"])
    shown.show(["e"])
    shown.close()
    shown.close()
    shown.show(["f"])
    shown.clear()
    assert stream.getvalue() == "first\na\r\033[Jsecond\nb\nc\nd\r\033[2A\033[Je\nf\r\033[J"
