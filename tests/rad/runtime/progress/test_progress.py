import io

import pytest

from rad.runtime.progress import Part, Progress, duration, three_digits


class Clock:
    time_s = 0.0

    def __call__(self):
        return self.time_s


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Run:
    """A run of 1,000 frames: evaluated each 250, saved each 500, with two figures at its end."""

    def __init__(self, stream=None):
        self.clock, self.stream = Clock(), stream or io.StringIO()
        every = {Part.EVALUATIONS: 250, Part.CHECKPOINTS: 500}
        self.progress = Progress(1_000, every, figures=2, stream=self.stream, now=self.clock)

    def train(self, *positions, episode_return=None):
        """Learn in each step, at (seconds, frames)."""
        for time_s, frames in positions:
            self.clock.time_s = time_s
            self.progress.update(frames, frames // 8, episode_return, learned=True)

    def spend(self, seconds, name, kind):
        with self.progress.phase(name, kind):
            self.clock.time_s += seconds

    @property
    def lines(self):
        return self.stream.getvalue().splitlines()


def test_the_line():
    run = Run()
    run.spend(6, "random policy", Part.EVALUATIONS)
    run.train((6, 100), (46, 500), episode_return=231.2)
    # 500 frames at 10 a second; of evaluations 750 and the last are to come, 6 s each; one checkpoint is not counted
    assert run.lines[-1] == "500/1,000 frames  1 min + figures left  10 frames/s  episode return 231  62 agent steps"


def test_nothing_is_made_up_before_there_is_something_to_tell():
    run = Run()
    run.progress.update(0, 0)
    assert run.lines == ["0/1,000 frames  training, evaluations, figures left  0 agent steps"]


def test_the_plan_is_told_once_as_soon_as_it_is_measured():
    run = Run()
    run.spend(6, "random policy", Part.EVALUATIONS)
    run.train((6, 100), (7, 110), (11, 150), (12, 160))
    plan = "2 min + figures left: training 1 min at 10 frames/s, 4 evaluations 24 s"  # 85 s and 24 s
    assert [line for line in run.lines if " left: " in line] == [plan]


def test_a_plan_says_what_is_known_and_nothing_where_nothing_is():
    run = Run()
    run.progress.say_plan()
    assert run.lines == []
    run.spend(6, "random policy", Part.EVALUATIONS)
    run.spend(1, "checkpoint", Part.CHECKPOINTS)
    run.progress.begin(600, 75)
    run.progress.say_plan()
    assert run.lines[-1] == "13 s + training, figures left: 2 evaluations 12 s, 1 checkpoint 1 s"


def test_steps_without_updates_do_not_count_as_speed():
    run = Run()
    run.progress.update(0, 0)
    run.clock.time_s = 0.1
    run.progress.update(400, 50)  # warm-up
    run.train((0.2, 401), (6.2, 407), (40.2, 441))
    assert "  1 frames/s  " in run.lines[-1]  # not 441 / 40


def test_evaluations_and_checkpoints_do_not_count_as_slowness():
    run = Run()
    run.train((0, 0), (10, 100))
    run.spend(500, "evaluating", Part.EVALUATIONS)
    run.spend(300, "checkpoint", Part.CHECKPOINTS)
    run.train((820, 200))
    # 80 s of training; evaluations at 250, 500, 750 and the end; checkpoints at 500 and the end: 80 + 2,000 + 600 s
    assert run.lines[-1] == "200/1,000 frames  45 min + figures left  10 frames/s  25 agent steps"


def test_something_is_left_until_all_is_done():
    run = Run(Terminal())
    run.train((0, 0), (99, 990), (100, 1_000))
    for name, kind in (("evaluating", Part.EVALUATIONS), ("video", Part.FIGURES), ("attention figure", Part.FIGURES)):
        run.spend(9, name, kind)
    shown = run.stream.getvalue().split("\r\033[J")
    assert shown[-4:] == [
        "1,000/1,000 frames  evaluations, figures left  10 frames/s  125 agent steps",
        "1,000/1,000 frames  evaluating  figures left",
        "1,000/1,000 frames  video  figures left",
        "1,000/1,000 frames  attention figure",
    ]


def test_a_phase_counts_and_tells_how_long_it_still_takes():
    run = Run()
    with run.progress.phase("random policy", Part.EVALUATIONS, episodes=10) as played:
        for done in range(5):
            run.clock.time_s = 40.0 * done
            played(done)
    assert run.lines == [
        "0/1,000 frames  random policy 0/10 episodes  training, evaluations, figures left",
        "0/1,000 frames  random policy 1/10 episodes  6 min + training, evaluations, figures left",  # 9 x 40 s
        "0/1,000 frames  random policy 2/10 episodes  5 min + training, evaluations, figures left",
        "0/1,000 frames  random policy 3/10 episodes  5 min + training, evaluations, figures left",
        "0/1,000 frames  random policy 4/10 episodes  4 min + training, evaluations, figures left",
    ]


def test_a_phase_that_takes_longer_than_the_last_of_its_kind_is_not_said_to_be_over():
    run = Run(Terminal())
    run.spend(10, "evaluating", Part.EVALUATIONS)
    run.progress.begin(1_000, 125)
    with run.progress.phase("evaluating", Part.EVALUATIONS, episodes=2) as played:
        for time_s in (15, 25):  # after 5 s and after 15 s
            run.clock.time_s = time_s
            played(0)
    shown = run.stream.getvalue().split("\r\033[J")[-2:]
    start = "1,000/1,000 frames  evaluating 0/2 episodes"
    assert shown == [f"{start}  5 s + figures left", f"{start}  figures left"]


def test_what_is_waited_for_is_shown_at_once_and_changes_no_estimate():
    run = Run()
    run.spend(6, "random policy", Part.EVALUATIONS)
    run.progress.begin(1_000, 125)
    run.progress.waiting("evaluation at 750 frames")
    assert run.lines[-1] == "1,000/1,000 frames  waiting for evaluation at 750 frames  6 s + figures left"
    assert run.progress.remaining.costs_s == {Part.EVALUATIONS: 6}


def test_a_file_gets_the_beginning_of_phases_that_may_be_long_only():
    run = Run()
    for seconds in (29, 29, 31, 1):
        run.spend(seconds, "evaluating", Part.EVALUATIONS)
    assert len(run.lines) == 2  # the first, as nothing is known then, and the one after that of 31 s
    run.spend(1, "evaluating", Part.EVALUATIONS)
    assert len(run.lines) == 2


def test_a_file_gets_the_beginning_of_training_however_short_the_phase_before_it_was():
    run = Run()
    run.spend(1, "random policy", Part.EVALUATIONS)
    run.train((1, 1), (2, 2))
    assert [line.split("  ")[0] for line in run.lines] == ["0/1,000 frames", "1/1,000 frames"]


def test_a_resumed_run_does_not_count_old_frames_as_speed():
    run = Run()
    run.progress.begin(800, 100)
    run.train((0, 800), (10, 900))
    run.progress.close()
    assert run.lines[-1] == "900/1,000 frames  10 s + evaluations, figures left  10 frames/s  112 agent steps"


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
