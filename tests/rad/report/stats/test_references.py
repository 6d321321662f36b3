"""Published scores stand beside runs only if they were measured alike."""

import pytest

from rad.report.read.run import Run
from rad.report.stats import published as module
from rad.report.stats.published import published, references, sources

FITTING = {"task": "dmc/walker-walk", "frames": 100_000, "render_quality": "paper", "train_split": "train"}
STARPILOT = {"task": "procgen/starpilot", "frames": 25_000_000, "procgen": {"distribution_mode": "easy"}}


def run(tmp_path, **config):
    return Run(tmp_path, config, [])


def test_those_of_the_task_and_frames(tmp_path):
    result = references([run(tmp_path, **FITTING)], "train")
    assert [row.method for row in result] == ["RAD", "DrQ", "CURL", "state SAC", "pixel SAC"]
    assert {(row.task, row.frames) for row in result} == {("dmc/walker-walk", 100_000)}
    assert sources(result)[1].startswith("DrQ: 634 ± 169, 10 runs, environment frames. denisyarats/drq")


@pytest.mark.parametrize(
    "other",
    [
        {"frames": 90_000},
        {"render_quality": "fast"},
        {"train_split": "video-easy"},
        {"camera_id": 1},
        {"task": "gym/x"},
    ],
)
def test_none_for_other_runs(tmp_path, other):
    assert references([run(tmp_path, **FITTING | other)], "train") == []
    assert references([run(tmp_path, **FITTING), run(tmp_path, **FITTING | other)], "train") == []


def test_none_for_looks_of_ours(tmp_path):
    assert references([run(tmp_path, **FITTING)], "video-easy") == []


def test_procgen_by_mode_levels_and_what_was_tested_on(tmp_path):
    assert {row.method for row in references([run(tmp_path, **STARPILOT)], "train")} == {"PPO (OpenAI)"}
    assert {row.split for row in references([run(tmp_path, **STARPILOT)], "test-all")} == {"test"}
    assert references([run(tmp_path, **STARPILOT)], "test") == []
    hard = STARPILOT | {"procgen": {"distribution_mode": "hard"}}
    assert references([run(tmp_path, **hard)], "train") == []
    few = STARPILOT | {"procgen": {"distribution_mode": "easy", "start_level": 0, "num_levels": 10}}
    assert references([run(tmp_path, **few)], "train") == []


def test_none_that_count_other_frames(tmp_path, monkeypatch):
    rows = [row._replace(counting="agent steps") for row in published(task="dmc/walker-walk", frames=100_000)]
    monkeypatch.setattr(module, "published", lambda **wanted: rows)
    assert references([run(tmp_path, **FITTING)], "train") == []
