import io

import pytest

from rad.sweep.progress_table import ProgressTable, run_line
from rad.sweep.status import RunProgress
from tests.rad.runtime.progress.test_progress import Clock, Terminal

RUNNING = {"a/none/seed-1": (RunProgress(300, 10.0, 34.5, 215.0), 1_000), "a/crop/seed-1": (RunProgress(), 1_000)}
LINES = [
    "  a/none/seed-1  300/1,000 frames  34.5 frames/s  return 215\n",
    "  a/crop/seed-1  0/1,000 frames  - frames/s  return -\n",
    "1/3 runs  1,300/3,000 frames  10 frames/s  left 3 min\n",
]


def test_a_line_for_each_run_and_one_for_all() -> None:
    clock, stream = Clock(), io.StringIO()
    table = ProgressTable(1_200, stream, clock)
    clock.time_s = 10.0
    table.draw(RUNNING, (1, 3), (1_300, 3_000))
    assert stream.getvalue() == "".join(LINES)
    assert run_line("a", RunProgress(5), 7) == ["  a", "5/7 frames", "- frames/s", "return -"]


def test_a_terminal_is_redrawn_in_place_and_what_is_said_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    clock, stream = Clock(), Terminal()
    table = ProgressTable(1_200, stream, clock)
    assert table.due
    clock.time_s = 10.0
    table.draw(RUNNING, (1, 3), (1_300, 3_000))
    assert not table.due
    clock.time_s = 11.0
    assert table.due
    table.draw({}, (1, 3), (1_300, 3_000))
    table.say("finished a")
    assert stream.getvalue().startswith("".join(LINES).rstrip("\n") + "\r\033[2A\033[J1/3 runs")
    assert stream.getvalue().endswith("\r\033[Jfinished a\n")


def test_lines_that_would_wrap_are_cut_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "21")
    stream = Terminal()
    ProgressTable(0, stream, Clock()).draw(RUNNING, (1, 3), (1_300, 3_000))
    assert stream.getvalue().splitlines() == ["  a/none/seed-1", "  a/crop/seed-1", "1/3 runs"]


def test_elsewhere_lines_come_at_intervals() -> None:
    clock = Clock()
    table = ProgressTable(0, io.StringIO(), clock)
    table.draw(RUNNING, (1, 3), (1_300, 3_000))
    assert not table.due
    clock.time_s = table.periods_s[1]
    assert table.due
