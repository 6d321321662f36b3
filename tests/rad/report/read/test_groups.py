"""Runs are found wherever they lie and grouped by their settings, not by what folders are called."""

import json

import pytest

from rad.report.read.final_returns import trained_and_tested
from rad.report.read.groups import differences, find_runs, flat, group, shown
from tests.rad.report.folders import make_run
from tests.rad.report.seeds import groups_in, make_seed, make_seeds, rows_of


def test_runs_are_found_at_any_depth_and_nothing_inside_them(tmp_path):
    make_run(tmp_path / "z")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    make_run(deep / "c")
    make_run(deep / "c" / "inside")
    assert [result.folder.name for result in find_runs(tmp_path).runs] == ["c", "z"]


def test_a_run_is_found_in_its_own_folder(tmp_path):
    result = find_runs(make_run(tmp_path / "mine"))
    assert [run.name for run in result.runs] == ["mine"]
    assert result.shown(result.runs[0].folder) == "."


def test_what_is_not_begun_or_damaged_is_told(tmp_path):
    make_run(tmp_path / "good")
    (make_run(tmp_path / "new") / "metrics.jsonl").unlink()
    (make_run(tmp_path / "torn") / "config.json").write_text("{")
    result = find_runs(tmp_path)
    assert [run.name for run in result.runs] == ["good"]
    assert result.not_started == [tmp_path / "new"]
    assert len(result.unread) == 1
    assert result.unread[0].startswith("torn: ") and "is not JSON" in result.unread[0]


def test_an_evaluation_that_was_cut_off_is_told_and_the_run_is_there(tmp_path):
    folder = make_run(tmp_path / "run")
    (folder / "evaluations").mkdir()
    (folder / "evaluations" / "torn.jsonl").write_text('{"kind": "epi')
    result = find_runs(tmp_path)
    assert [run.name for run in result.runs] == ["run"]
    (line,) = result.unread
    assert line.startswith(f"{folder / 'evaluations' / 'torn.jsonl'} cannot be read: ")
    episode = {"kind": "episode", "split": "train", "env": 0, "episode": 0, "episode_return": 1.0}
    (folder / "evaluations" / "torn.jsonl").write_text(json.dumps(episode) + "\n")
    assert find_runs(tmp_path).unread == [
        f"{folder / 'evaluations' / 'torn.jsonl'} has episodes and no result: it was cut off"
    ]
    assert trained_and_tested(result.runs[0]) == {}


def test_no_run_is_an_error_that_says_why(tmp_path):
    with pytest.raises(ValueError, match="is not a folder; expected a run folder"):
        find_runs(tmp_path / "gone")
    with pytest.raises(ValueError, match=r"holds no run, a folder with config.json and metrics.jsonl$"):
        find_runs(tmp_path)
    (make_run(tmp_path / "torn") / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"holds no run.*torn: .*is not JSON"):
        find_runs(tmp_path)


def test_attention_folders_and_the_record_are_found(tmp_path):
    make_run(tmp_path / "run")
    (tmp_path / "look").mkdir()
    (tmp_path / "look" / "attention.json").write_text("{}")
    (tmp_path / "sweep.json").write_text('{"runs": ["run"]}')
    result = find_runs(tmp_path)
    assert result.attention == [tmp_path / "look"] and result.record == {"runs": ["run"]}


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_record_that_cannot_be_read_is_none(tmp_path, text):
    make_run(tmp_path / "run")
    (tmp_path / "sweep.json").write_text(text)
    assert find_runs(tmp_path).record == {}


def test_seeds_make_a_group_and_none_comes_first(tmp_path):
    make_seeds(tmp_path, {"crop": [1, 2], "none": [3]})
    groups = groups_in(tmp_path)
    assert [(one.task, one.method, len(one.runs)) for one in groups] == [
        ("dmc/walker-walk", "none", 1),
        ("dmc/walker-walk", "crop", 2),
    ]


def test_where_runs_were_written_and_on_what_makes_no_group(tmp_path):
    make_seed(tmp_path / "a", "crop", 1, [], out="x", device="cpu", threads=1, checkpoint_every=5)
    make_seed(tmp_path / "b", "crop", 2, [], out="y", device="cuda", threads=4, checkpoint_every=0)
    assert [one.method for one in groups_in(tmp_path)] == ["crop"]


def test_a_run_that_has_not_recorded_its_precision_yet_is_one_of_the_others(tmp_path):
    folder = make_seed(tmp_path, "crop", 1, [], precision="auto")
    (folder / "done.json").write_text(json.dumps({"made_with": {"precision": "bf16"}}))
    make_seed(tmp_path, "crop", 2, [], precision="auto")
    assert [(group.method, len(group.runs)) for group in group(find_runs(tmp_path).runs)[0]] == [("crop", 2)]


def test_auto_is_the_precision_that_it_was(tmp_path):
    for seed, precision in ((1, "bf16"), (2, "fp32")):
        folder = make_seed(tmp_path, "crop", seed, [], precision="auto")
        (folder / "done.json").write_text(json.dumps({"made_with": {"precision": precision}}))
    make_seed(tmp_path, "crop", 3, [], precision="fp32")
    groups, _ = group(find_runs(tmp_path).runs)
    assert [(one.method, [run.config["seed"] for run in one.runs]) for one in groups] == [
        ("crop, precision=bf16", [1]),
        ("crop, precision=fp32", [2, 3]),
    ]


def test_a_field_that_varies_within_task_and_augmentation_tells_groups_apart(tmp_path):
    for number, size in enumerate((64, 128)):
        make_seed(tmp_path / str(number), "crop", 1, [], agent={"batch_size": size})
    assert [one.method for one in groups_in(tmp_path)] == ["crop, batch_size=64", "crop, batch_size=128"]


def test_what_follows_from_task_or_augmentation_or_preset_is_not_named(tmp_path):
    make_seed(tmp_path, "crop", 1, [], task="dmc/cheetah-run", agent={"actor_lr": 2e-4})
    make_seed(tmp_path, "crop", 1, [], task="dmc/walker-walk", agent={"actor_lr": 1e-3})
    make_seed(tmp_path, "flip", 1, [], task="dmc/walker-walk", agent={"actor_lr": 5e-3})
    assert [one.method for one in groups_in(tmp_path)] == ["crop", "crop", "flip"]
    make_seed(tmp_path / "drq", "crop", 1, [], task="dmc/walker-walk", preset="drq", agent={"actor_lr": 7e-3})
    names = [one.method for one in groups_in(tmp_path) if one.task == "dmc/walker-walk"]
    assert names == ["crop, preset=-", "flip, preset=-", "crop, preset=drq"]


def test_each_preset_is_named_with_what_varies_in_it_and_no_more_than_is_needed(tmp_path):
    runs = {
        "lean": {"preset": "lean", "encoder": "small", "image_size": 64, "updates_per_step": 0.5},
        "lean-often": {"preset": "lean", "encoder": "small", "image_size": 64, "updates_per_step": 1.0},
        "rad": {"preset": "rad", "encoder": "pixel", "image_size": 84, "updates_per_step": 1.0},
        "rad-small": {"preset": "rad", "encoder": "small", "image_size": 64, "updates_per_step": 1.0},
        "rad-nature": {"preset": "rad", "encoder": "nature", "image_size": 84, "updates_per_step": 1.0},
    }
    for name, fields in runs.items():
        make_seed(tmp_path / name, "crop", 1, [], **fields)
    assert [one.method for one in groups_in(tmp_path)] == [
        "crop, preset=lean, updates_per_step=0.5",
        "crop, preset=lean, updates_per_step=1.0",
        "crop, preset=rad, encoder=pixel",
        "crop, preset=rad, encoder=nature",
        "crop, preset=rad, encoder=small",
    ]


def test_where_presets_are_not_named_all_are_named_alike(tmp_path):
    for task, preset, augment, encoder in [
        ("dmc/a", "rad", "none", "pixel"),
        ("dmc/a", "rad", "crop", "pixel"),
        ("dmc/a", "rad", "crop", "nature"),
        ("dmc/a", "drq", "shift", "pixel"),
        ("dmc/b", "drq", "crop", "pixel"),
    ]:
        folder = tmp_path / f"{task[-1]}-{augment}-{encoder}"
        make_seed(folder, augment, 1, [], task=task, preset=preset, encoder=encoder)
    groups = groups_in(tmp_path)
    assert {one.method for one in groups if one.task == "dmc/a"} == {
        *(f"{augment}, encoder=pixel" for augment in ("none", "crop", "shift")),
        "crop, encoder=nature",
    }
    assert [one.method for one in groups if one.task == "dmc/b"] == ["crop, encoder=pixel"]


def test_a_second_run_of_a_seed_is_left_out_and_told(tmp_path):
    make_seed(tmp_path / "a", "crop", 1, rows_of(1.0))
    make_seed(tmp_path / "b", "crop", 1, rows_of(9.0))
    groups, duplicates = group(find_runs(tmp_path).runs)
    assert len(groups[0].runs) == 1 and len(duplicates) == 1
    assert "/b/" in duplicates[0] and duplicates[0].endswith(str(groups[0].runs[0].folder)) and "/a/" in duplicates[0]


def test_of_two_runs_of_a_seed_the_one_that_came_farther_is_kept(tmp_path):
    make_seed(tmp_path / "a", "crop", 1, rows_of(1.0, upto=200))
    make_seed(tmp_path / "b", "crop", 1, rows_of(9.0))
    groups, duplicates = group(find_runs(tmp_path).runs)
    assert "/b/" in str(groups[0].runs[0].folder) and "/a/" in duplicates[0]


def test_frames_that_are_no_number_are_told(tmp_path):
    make_seed(tmp_path, "crop", 1, rows_of(1.0))
    make_seed(tmp_path, "crop", 2, rows_of(1.0), frames=None)
    result = find_runs(tmp_path)
    assert len(result.runs) == 1 and "frames in config.json is None; expected a number" in result.unread[0]


def test_a_config_is_flattened():
    assert flat({"a": 1, "agent": {"b": 2, "c": {"d": 3}}}) == {"a": 1, "b": 2, "d": 3}


def test_differences_leave_out_what_is_equal_and_where_runs_lie():
    configs = [{"a": 1, "out": "x", "b": [1], "agent": {"c": 3}}, {"a": 1, "out": "y", "b": [1, 2], "agent": {}}]
    assert differences(configs) == {"b": [(1,), (1, 2)], "c": [3, None]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (100_000, "100,000"),
        (64, "64"),
        (0.5, "0.5"),
        ("", "-"),
        (None, "-"),
        ([], "-"),
        (["a", 2], "a 2"),
    ],
)
def test_values_are_shown_as_typed(value, text):
    assert shown(value) == text


def test_the_helper_writes_what_is_read(tmp_path):
    folder = make_seed(tmp_path, "crop", 4, rows_of(8.0))
    assert json.loads((folder / "config.json").read_text())["seed"] == 4
