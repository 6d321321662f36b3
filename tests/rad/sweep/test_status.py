import dataclasses
import json
from pathlib import Path

import pytest

from rad.runtime.run_dir import CURVE_FILE, DONE_FILE
from rad.sweep.status import RunProgress, State, final_returns, is_finished, progress_of, state
from tests.rad.sweep.trials import leave, trial


def test_a_folder_that_is_not_there_or_empty_is_new(tmp_path: Path) -> None:
    made = trial(tmp_path)
    assert state(made) is State.NEW
    made.folder.mkdir(parents=True)
    assert state(made) is State.NEW


@pytest.mark.parametrize("text", ["", '{"task": "pr'])
def test_a_run_killed_while_it_was_made_is_new(tmp_path: Path, text: str) -> None:
    made = trial(tmp_path)
    made.folder.mkdir(parents=True)
    (made.folder / "config.json").write_text(text)
    assert state(made) is State.NEW
    (made.folder / ".tmp-17-config.json").touch()
    assert state(made) is State.NEW
    (made.folder / "metrics.jsonl").touch()
    with pytest.raises(ValueError, match=r"^out: .*seed-1 is no run folder: its config.json is missing or"):
        state(made)


@pytest.mark.parametrize("text", ["null", "[1]", "5"])
def test_a_configuration_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    made = trial(tmp_path)
    leave(made, 60)
    (made.folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"^out: .*seed-1 is no run folder: its config.json is missing or"):
        state(made)


def test_an_interrupted_run_that_its_worker_could_not_resume_is_refused(tmp_path: Path) -> None:
    made = trial(tmp_path)
    leave(made, 30)
    config = made.folder / "config.json"
    fields = json.loads(config.read_text())
    for plain, problem in (({}, "it has no 'algo'"), (fields | {"new": 1}, "differ in the fields new")):
        config.write_text(json.dumps(plain))
        with pytest.raises(ValueError, match=rf"^out: .*config.json cannot be read: .*{problem}"):
            state(made)
    leave(made, 60, done=True)
    config.write_text(json.dumps(fields | {"new": 1}))  # of a later version, but nothing is left to do
    assert state(made) is State.FINISHED


@pytest.mark.parametrize("marker", [DONE_FILE, CURVE_FILE])  # which versions before the marker made last
def test_only_the_last_evaluation_and_the_marker_make_a_run_finished(tmp_path: Path, marker: str) -> None:
    made = trial(tmp_path)
    for frames, done, finished in ((30, False, False), (50, True, False), (60, False, False), (60, True, True)):
        leave(made, frames)
        if done:
            (made.folder / marker).touch()
        assert is_finished(made) is finished
        assert state(made) is (State.FINISHED if finished else State.INTERRUPTED)
        (made.folder / marker).unlink(missing_ok=True)


def test_a_torn_last_row_is_passed_over(tmp_path: Path) -> None:
    made = trial(tmp_path)
    leave(made, 60, done=True)
    path = made.folder / "metrics.jsonl"
    path.write_text(path.read_text()[:-5])
    assert state(made) is State.INTERRUPTED


def test_returns_at_the_end_by_split(tmp_path: Path) -> None:
    made = trial(tmp_path)
    leave(made, 50)
    assert final_returns(made) == {}
    leave(made, 60)
    assert final_returns(made) == {"": 3.0}
    leave(made, 60, kind="eval/test", mean=None)
    assert final_returns(made) == {"test": None}


def test_how_far_a_run_is(tmp_path: Path) -> None:
    made = trial(tmp_path)
    assert progress_of(made) == RunProgress()
    leave(made, 30)
    assert progress_of(made) == RunProgress(30, 3.0, 10.0, 15.0)
    leave(made, 10)
    assert progress_of(made) == RunProgress(10, 1.0, None, 5.0)


def test_other_settings_are_refused_and_the_folders_name_is_none_of_them(tmp_path: Path) -> None:
    made = trial(tmp_path)
    leave(dataclasses.replace(made, config=dataclasses.replace(made.config, out=made.folder)), 60, done=True)
    config = json.loads((made.folder / "config.json").read_text())
    (made.folder / "config.json").write_text(json.dumps(config | {"out": "/elsewhere"}))
    assert state(made) is State.FINISHED
    config["agent"]["gamma"] = 0.5
    (made.folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"^gamma: .*seed-1 was made with 0.5, got 0.99; .*choose another --out$"):
        state(made)
