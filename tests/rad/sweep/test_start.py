from pathlib import Path

import pytest

from rad.experiment.config import RunConfig
from rad.sweep.plan import plan_text
from rad.sweep.scheduler import Options
from rad.sweep.slots import Slots
from rad.sweep.start import start, table_rows
from rad.sweep.status import State
from rad.training.measure import Cost
from tests.rad.sweep.trials import leave, trial

COST = Cost(20.0, 1_500_000_000)


def test_the_plan_counts_what_is_left_and_estimates_from_what_was_measured(tmp_path: Path) -> None:
    trials = [trial(tmp_path, seed, frames=60) for seed in (1, 2, 3)]
    leave(trials[1], 30)
    states = dict(zip([made.name for made in trials], [State.NEW, State.INTERRUPTED, State.NEW]))
    fitting = Slots(2, "more do not fit the 2 cores", {})
    assert plan_text(trials, states, COST, fitting, Options(tmp_path)).split("\n") == [
        f"3 runs in {tmp_path}: 2 new, 1 interrupted, 0 finished",
        "150 of 180 frames to train",
        "2 at a time, each with 1 thread, 1.5 GB of memory; more do not fit the 2 cores",
        "about 4 s: 20 frames/s measured, evaluations apart",  # 150 / 20 / 2
    ]


def test_finished_runs_tell_better_how_long_others_take(tmp_path: Path) -> None:
    trials = [trial(tmp_path, seed, frames=60) for seed in (1, 2)]
    leave(trials[0], 60, done=True)
    states = {trials[0].name: State.FINISHED, trials[1].name: State.NEW}
    # 60 frames in 6 s
    assert (
        plan_text(trials, states, None, Slots(1, "", {}), Options(tmp_path)).split("\n")[-1]
        == "about 6 s: 10 frames/s in the finished runs"
    )


def test_no_more_runs_are_side_by_side_than_are_left(tmp_path: Path) -> None:
    trials = [trial(tmp_path, seed, frames=60) for seed in (1, 2, 3)]
    for made in trials[:2]:
        leave(made, 60, done=True)
    states = dict(zip([made.name for made in trials], [State.FINISHED, State.FINISHED, State.NEW]))
    assert plan_text(trials, states, None, Slots(8, "", {}), Options(tmp_path)).split("\n")[2:] == [
        "1 at a time, each with 1 thread",
        "about 6 s: 10 frames/s in the finished runs",
    ]


def test_nothing_is_estimated_where_nothing_is_known_or_left(tmp_path: Path) -> None:
    made = trial(tmp_path)
    assert (
        plan_text([made], {made.name: State.NEW}, None, Slots(1, "", {}), Options(tmp_path))
        .split("\n")[-1]
        .startswith("1 at a time")
    )
    leave(made, 60, done=True)
    text = plan_text([made], {made.name: State.FINISHED}, None, Slots(1, "", {}), Options(tmp_path))
    assert text.split("\n")[1:] == ["0 of 60 frames to train"]


def test_a_row_for_each_augmentation_with_the_finished_seeds(tmp_path: Path) -> None:
    trials = [trial(tmp_path, seed, augment) for seed in (1, 2) for augment in ("none", "crop")]
    leave(trials[0], 60, done=True, mean=5.0)
    leave(trials[2], 60, done=True, mean=7.0)
    leave(trials[1], 50)
    head = {"task": "probe/both", "split": ""}
    assert table_rows(trials) == [
        head | {"augment": "none", "returns": {1: 5.0, 2: 7.0}},
        head | {"augment": "crop", "returns": {}},
    ]


def test_splits_and_swept_fields_have_rows_of_their_own(tmp_path: Path) -> None:
    trials = [trial(tmp_path, swept={"gamma": text}) for text in ("0.5", "0.9")]
    for made in trials:
        leave(made, 60, done=True, kind="eval/test")
    assert [(row["gamma"], row["split"], row["returns"]) for row in table_rows(trials)] == [
        ("0.5", "test", {1: 3.0}),
        ("0.9", "test", {1: 3.0}),
    ]


def test_the_plan_warns_once_of_runs_that_would_learn_nothing_and_does_not_time_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [trial(tmp_path, seed, warmup_steps=60) for seed in (1, 2)] + [trial(tmp_path, 3)]
    states = {made.name: State.NEW for made in trials}
    warning = (
        "warning: in 2 of 3 runs --frames 60 is 60 agent steps, and --warmup-steps 60 come before the first update: "
        "nothing will be learned; give more than 60 frames or fewer warm-up steps"
    )
    lines = plan_text(trials, states, COST, Slots(1, "", {}), Options(tmp_path)).split("\n")
    assert [line for line in lines if line.startswith("warning")] == [warning]
    measured: list[RunConfig] = []
    monkeypatch.setattr("rad.sweep.start.in_process", lambda config, _: measured.append(config))
    monkeypatch.setattr("rad.sweep.start._work", lambda *_: 0)
    for left in (trials, trials[2:]):
        start(left, Options(tmp_path / str(len(left))), None, ["rad", "ablate"])
    assert measured == [trials[2].config]
