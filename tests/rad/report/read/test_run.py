"""Reading run folders, whole and damaged, and what they were made with."""

import json
import math

import pytest

from rad.report.read.groups import find_runs
from rad.report.read.run import Run, column, made_with, read_run
from rad.runtime import checkpoint
from rad.runtime.logging import RunLog
from rad.runtime.migrate import migrate
from tests.rad.report.folders import CONFIG, ROWS, evaluation, make_run


def test_a_run_is_read_back(tmp_path):
    run = read_run(make_run(tmp_path / "mine"))
    assert run.name == "mine"
    assert run.config == migrate(CONFIG)
    assert run.rows == ROWS


def test_missing_and_not_finite_values_are_nan(tmp_path):
    run = read_run(make_run(tmp_path / "mine", [evaluation(1, None), evaluation(2, 7.0)]))
    values = column(run.rows, "episode_return_mean")
    assert math.isnan(values[0]) and values[1] == 7.0
    assert all(map(math.isnan, column(run.rows, "unknown")))


def test_what_a_run_logs_is_what_is_read(tmp_path):
    folder = make_run(tmp_path / "mine", [])
    with RunLog(folder, tensorboard=False) as log:
        log.write("eval", {"episode_return_mean": 4.5}, frames=80, agent_steps=20)
        log.write("eval", {"episode_return_mean": math.inf}, frames=160, agent_steps=40)
    rows = read_run(folder).rows
    assert [(row["frames"], row["agent_steps"]) for row in rows] == [(80, 20), (160, 40)]
    assert rows[0]["episode_return_mean"] == 4.5 and math.isnan(column(rows, "episode_return_mean")[1])


@pytest.mark.parametrize("torn", ['{"kind": "eval", "fra', '{"kind": "ev\ufffd', "12", " "])
def test_a_torn_last_line_is_dropped(tmp_path, torn):
    folder = make_run(tmp_path / "mine")
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(torn)
    assert read_run(folder).rows == ROWS


def test_a_last_line_torn_within_a_character_is_dropped(tmp_path):
    folder = make_run(tmp_path / "mine")
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'{"kind": "\xc3')
    assert read_run(folder).rows == ROWS


def test_a_last_line_that_lacks_only_its_newline_counts(tmp_path):
    folder = make_run(tmp_path / "mine")
    path = folder / "metrics.jsonl"
    path.write_text(path.read_text().rstrip("\n"))
    assert read_run(folder).rows == ROWS


def test_a_damaged_line_in_the_middle_is_an_error(tmp_path):
    folder = make_run(tmp_path / "mine")
    path = folder / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], "{broken\n", *lines[1:]]))
    with pytest.raises(ValueError, match=r"metrics.jsonl' line 2 is not JSON"):
        read_run(folder)


@pytest.mark.parametrize("name", ["kind", "frames", "agent_steps", "time_s"])
def test_a_row_without_its_head_is_an_error(tmp_path, name):
    folder = make_run(tmp_path / "mine", [{key: value for key, value in ROWS[0].items() if key != name}])
    with pytest.raises(ValueError, match=f"line 1 has no {name}"):
        read_run(folder)


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"run folder '.*gone' does not exist"):
        read_run(tmp_path / "gone")


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(ValueError, match="does not exist"):
        read_run(path)


@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl"])
def test_a_folder_without_its_files_is_no_run(tmp_path, name):
    folder = make_run(tmp_path / "mine")
    (folder / name).unlink()
    with pytest.raises(ValueError, match=f"is not a run folder: it has no {name}"):
        read_run(folder)


@pytest.mark.parametrize(("text", "message"), [("{", "is not JSON"), ("[1]", "is a JSON list; expected an object")])
def test_a_broken_config_is_an_error(tmp_path, text, message):
    folder = make_run(tmp_path / "mine")
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=f"config.json cannot be read: it {message}"):
        read_run(folder)


def test_versions_are_those_of_the_newest_checkpoint(tmp_path):
    folder = make_run(tmp_path / "run")
    for frames in (5, 10):
        checkpoint.save(folder / "checkpoints", frames, {"n": 1}, made_with={"device": f"cpu{frames}"})
    (run,) = find_runs(folder).runs
    made = made_with(run)
    assert made["device"] == "cpu10" and {"python", "torch", "numpy"} <= made.keys()
    (folder / "checkpoints" / "000000000010.json").write_text("{")
    assert made_with(run)["device"] == "cpu5"


def test_a_finished_run_says_it_without_checkpoints(tmp_path):
    folder = make_run(tmp_path / "run")
    (folder / "done.json").write_text(json.dumps({"frames": 10, "made_with": {"device": "cpu", "num_threads": 1}}))
    assert made_with(Run(folder, {}, [])) == {"device": "cpu", "num_threads": "1"}


def test_a_run_without_checkpoints_records_nothing(tmp_path):
    assert made_with(Run(make_run(tmp_path / "run"), {}, [])) == {}
