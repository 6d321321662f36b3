import io

import pytest

from rad.runtime.progress import line
from rad.runtime.progress.line import Line, fitting
from tests.rad.runtime.progress.test_progress import Clock, Terminal


@pytest.mark.parametrize(
    ("width", "text"), [(2, "aa"), (3, "aaa"), (7, "aaa"), (8, "aaa  bbb"), (11, "aaa  bbb"), (12, "aaa  bbb  cc")]
)
def test_whole_parts_are_left_out_where_they_do_not_fit(width, text):
    assert fitting(["aaa", "bbb", "cc"], width) == text


def test_a_terminal_line_is_cut_to_its_width_and_a_file_line_is_not(monkeypatch):
    monkeypatch.setattr(line, "columns", lambda: 7)
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        Line(stream).show(["aaa", "bbb"])
    assert terminal.getvalue() == "\raaa\033[K"
    assert file.getvalue() == "aaa  bbb\n"


def test_the_width_is_that_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert line.columns() == 59


@pytest.mark.parametrize(("stream", "period_s"), [(Terminal(), 0.2), (io.StringIO(), 30)])
def test_when_a_line_is_due(stream, period_s):
    clock = Clock()
    shown = Line(stream, clock)
    assert shown.due
    shown.show(["a"])
    for time_s, due in ((0.0, False), (period_s - 0.01, False), (period_s, True)):
        clock.time_s = time_s
        assert shown.due == due


def test_what_stays_takes_the_place_of_what_is_redrawn():
    stream = Terminal()
    shown = Line(stream)
    shown.say("first")
    shown.show(["a"])
    shown.say("second")
    shown.close()
    shown.show(["b"])
    shown.close()
    shown.close()
    assert stream.getvalue() == "first\n\ra\033[K\r\033[Ksecond\n\rb\033[K\n"
