import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from rad.sweep import scheduler
from rad.sweep.grid import Trial
from rad.sweep.scheduler import ATTEMPTS, Scheduler
from tests.rad.sweep.trials import leave, trial


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "POLL_S", 0)


class Fake:
    """An engine whose runs take two polls; `end` decides how each ends, by its name and how often it was started."""

    def __init__(self, end: Callable[[Trial, int], int]) -> None:
        self.end, self.started, self.at_work = end, Counter[str](), Counter[str]()
        self.most, self.stopped = 0, list[str]()

    def start(self, made: Trial) -> Trial:
        self.started[made.name] += 1
        self.at_work[made.name] = 2
        self.most = max(self.most, len(+self.at_work))
        return made

    def poll(self, made: Trial) -> int | None:
        if made.name in self.stopped:
            return 143
        self.at_work[made.name] -= 1
        return None if self.at_work[made.name] else self.end(made, self.started[made.name])

    def stop(self, made: Trial) -> None:
        self.stopped.append(made.name)

    def close(self) -> None:
        """Nothing is held."""


def well(made: Trial, times: int) -> int:
    leave(made, 60, done=True)
    return 0


def test_all_runs_are_done_so_many_at_a_time_but_for_finished_ones(tmp_path: Path) -> None:
    trials = [trial(tmp_path, seed) for seed in range(1, 6)]
    engine = Fake(well)
    scheduler = Scheduler(engine, 2, tmp_path, trials, {trials[1].name})
    assert scheduler.run() == 0
    assert engine.started == {made.name: 1 for made in trials if made is not trials[1]}
    assert engine.most == 2 and scheduler.failed == []


def test_a_run_that_fails_is_tried_again_and_stops_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, shaky, good = (trial(tmp_path, seed) for seed in (1, 2, 3))
    log = tmp_path / "logs" / f"{bad.name}.log"
    log.parent.mkdir(parents=True)
    log.write_text("Traceback\nValueError: no luck\n\n")

    def end(made: Trial, times: int) -> int:
        return 1 if made is bad else -9 if made is shaky and times == 1 else well(made, times)

    engine = Fake(end)
    scheduler = Scheduler(engine, 2, tmp_path, [bad, shaky, good], ())
    assert scheduler.run() == 0
    assert engine.started == {bad.name: ATTEMPTS, shaky.name: 2, good.name: 1}
    assert scheduler.failed == [bad]
    said = capsys.readouterr().out
    assert f"failed {bad.name}, attempt 3 of 3: status 1, ValueError: no luck (all of it: {log})" in said
    assert f"failed {shaky.name}, attempt 1 of 3: killed by SIGKILL" in said
    assert f"finished {good.name}" in said


def test_status_0_without_the_last_files_is_a_failure(tmp_path: Path) -> None:
    scheduler = Scheduler(Fake(lambda *_: 0), 1, tmp_path, [made := trial(tmp_path)], ())
    assert scheduler.run() == 0
    assert scheduler.failed == [made]


def test_a_run_that_cannot_be_started_stops_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, good = trial(tmp_path, 1), trial(tmp_path, 2)

    class Locked(Fake):
        def start(self, made: Trial) -> Trial:
            if made is bad:
                raise PermissionError("no permission")
            return super().start(made)

    scheduler = Scheduler(Locked(well), 1, tmp_path, [bad, good], ())
    assert scheduler.run() == 0
    assert scheduler.failed == [bad] and good.name in scheduler.finished
    assert f"failed {bad.name}, attempt 3 of 3: cannot be started, no permission" in capsys.readouterr().out


def test_frames_that_a_run_has_to_make_again_do_not_count_twice(tmp_path: Path) -> None:
    made = trial(tmp_path)
    leave(made, 30)
    scheduler = Scheduler(Fake(well), 1, tmp_path, [made], ())
    assert scheduler.progress_table.start_frames == 30
    leave(made, 10)
    scheduler._fill()
    scheduler._draw()
    assert scheduler.progress_table.start_frames == 10 and scheduler.frames[made.name] == 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_what_is_at_work_and_begins_nothing_more(
    tmp_path: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = [trial(tmp_path, seed) for seed in (1, 2, 3)]

    def end(made: Trial, times: int) -> int:
        if made is trials[0]:
            os.kill(os.getpid(), number)
        return well(made, times)

    engine = Fake(end)
    scheduler = Scheduler(engine, 2, tmp_path, trials, ())
    assert scheduler.run() == 128 + number
    assert len(engine.started) == 2 and len(engine.stopped) <= 1
    assert scheduler.failed == []
