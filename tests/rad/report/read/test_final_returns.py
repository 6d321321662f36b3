"""How far runs came, and what they scored on each split."""

import json
import math

import pytest

from rad.report.read.evaluation_files import read_evaluation, read_evaluations
from rad.report.read.final_returns import (
    evaluation_means,
    final_result,
    final_returns,
    random_policy,
    splits,
    trained_and_tested,
)
from rad.report.read.groups import runs_in
from rad.report.read.run import read_run
from tests.rad.report.seeds import groups_in, make_seed, rows_of, scored, write_episodes


def run_of(tmp_path, rows, **config):
    return read_run(make_seed(tmp_path, "crop", 1, rows, **config))


def test_a_finished_run(tmp_path):
    end = final_result(run_of(tmp_path, rows_of(8.0)))
    assert end.finished and (end.frames, end.target_frames, end.time_s) == (400, 400, 1.5)
    assert end.returns == {"train": 8.0}


def test_the_random_policy_is_the_mean_of_what_runs_measured(tmp_path):
    for seed, random in enumerate([2.0, 5.0, math.nan], start=1):
        make_seed(tmp_path, "crop", seed, rows_of(8.0, test=3.0, random=random))
    make_seed(tmp_path, "none", 1, rows_of(8.0)[1:])
    groups = groups_in(tmp_path)
    assert random_policy(runs_in(groups)) == random_policy(runs_in(groups), "test") == 3.5
    assert random_policy(groups[0].runs) is None


@pytest.mark.parametrize("name", ["env", "episode_return"])
def test_an_episode_that_lacks_a_number_names_its_file(tmp_path, name):
    path = write_episodes(make_seed(tmp_path, "crop", 1, rows_of(8.0)), "0-a.jsonl", {"train": [1.0]})
    path.write_text(path.read_text().replace(f'"{name}": ', '"other": ', 1))
    with pytest.raises(ValueError, match=f"0-a.jsonl has a row of kind episode without {name}; expected a file of rad"):
        read_evaluation(path)


def test_a_run_that_went_beyond_its_frames_is_finished(tmp_path):
    assert final_result(run_of(tmp_path, rows_of(8.0), frames=399)).finished


@pytest.mark.parametrize("rows", [rows_of(8.0, upto=200), rows_of(None), [], rows_of(8.0)[:1]])
def test_a_run_without_a_finite_last_evaluation_is_not(tmp_path, rows):
    assert not final_result(run_of(tmp_path, rows)).finished


def test_other_metrics_of_the_last_evaluation_are_those_that_it_has(tmp_path):
    rows = [scored("eval", 50, 1.0) | {"episode_frames_mean": 9.0}]
    rows.append(scored("eval", 100, 8.0) | {"episode_frames_mean": 7.0, "success_rate": 0.5, "other": 1.0})
    run = run_of(tmp_path / "a", rows)
    assert final_result(run).metrics == {"train": {"episode_frames_mean": 7.0, "success_rate": 0.5}}
    assert final_result(run_of(tmp_path / "b", rows_of(8.0))).metrics == {"train": {}}


def test_all_splits_must_be_there(tmp_path):
    rows = rows_of(8.0, test=6.0)
    assert final_result(run_of(tmp_path / "a", rows)).finished
    assert not final_result(run_of(tmp_path / "b", rows[:-1])).finished


def test_splits_and_their_curves(tmp_path):
    run = run_of(tmp_path, rows_of(8.0, test=6.0, random=1.0))
    assert splits(run) == ["train", "test"]
    assert evaluation_means(run, "train") == [(200, 4.0), (400, 8.0)]
    assert evaluation_means(run, "test") == [(200, 3.0), (400, 6.0)]
    assert random_policy([run], "test") == 1.0 and random_policy([run], "video") is None


def test_a_run_without_splits_is_evaluated_on_train(tmp_path):
    run = run_of(tmp_path, rows_of(8.0, random=1.0))
    assert splits(run) == ["train"] and evaluation_means(run, "train")[-1] == (400, 8.0)
    assert random_policy([run]) == 1.0


def test_finals_are_of_finished_runs(tmp_path):
    for seed, upto in ((1, 400), (2, 200), (3, 400)):
        make_seed(tmp_path, "crop", seed, rows_of(float(seed), upto=upto))
    assert final_returns(groups_in(tmp_path)[0]) == [1.0, 3.0]


def test_gaps_come_from_training_and_from_rad_evaluate_with_the_most_episodes(tmp_path):
    folder = make_seed(tmp_path, "crop", 1, rows_of(8.0, test=6.0))
    assert trained_and_tested(read_run(folder)) == {"test": (8.0, 6.0)}
    write_episodes(folder, "a.jsonl", {"train": [9.0, 9.0], "video": [1.0, 2.0]})
    write_episodes(folder, "b.jsonl", {"train": [7.0], "video": [3.0]})
    write_episodes(folder, "early.jsonl", {"train": [0.0] * 9, "video": [0.0] * 9}, frames=200)
    write_episodes(folder, "without.jsonl", {"light": [5.0]})
    assert trained_and_tested(read_run(folder)) == {"test": (8.0, 6.0), "video": (9.0, 1.5)}


def test_an_unfinished_run_has_no_gap(tmp_path):
    assert trained_and_tested(run_of(tmp_path, rows_of(8.0, test=6.0, upto=200))) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("[1]", "not a JSON object"),
        (json.dumps({"kind": "summary", "task": "t"}), "without frames"),
    ],
)
def test_a_damaged_evaluation_is_named(tmp_path, text, said):
    run = run_of(tmp_path, rows_of(8.0))
    (run.folder / "evaluations").mkdir()
    (run.folder / "evaluations" / "x.jsonl").write_text(text)
    with pytest.raises(ValueError, match=f"x.jsonl .*{said}"):
        read_evaluations(run.folder)
    assert trained_and_tested(run) == {}  # a report tells it, and goes on


def test_a_value_that_is_not_finite_is_kept_as_such(tmp_path):
    assert math.isnan(evaluation_means(run_of(tmp_path, rows_of(None)), "train")[-1][1])
