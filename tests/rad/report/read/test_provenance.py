"""Commands that make the same runs."""

import json
import shlex
from pathlib import Path

import pytest

from rad.commands.train import parse_run
from rad.experiment.config_file import to_json
from rad.report.read.groups import Scan
from rad.report.read.provenance import (
    attention_command,
    failures,
    flag,
    not_begun,
    short_command,
    sweep_commands,
    train_command,
)
from rad.report.read.run import Run
from tests.rad.report.folders import make_run


def found_in(folder: Path, **record: object) -> Scan:
    return Scan(folder, [], [], [], record=dict(record))


@pytest.mark.parametrize(
    "typed",
    [
        ["--preset", "demo", "--augment", "crop+flip/rotate", "--seed", "3", "--threads", "1"],
        ["--preset", "drq", "--task", "dmc/walker-walk", "--test-split", "video-easy", "--background-dir", "test=a b"],
        ["--preset", "rad-procgen", "--frames", "1000", "--no-tensorboard", "--parallel-envs"],
        ["--preset", "ucb-drac", "--task", "procgen/coinrun"],
    ],
)
def test_the_whole_command_of_a_run_gives_the_same_settings(typed):
    config = parse_run(typed)
    command = train_command(Run(Path("x"), json.loads(json.dumps(to_json(config))), []), out="again/a b")
    words = shlex.split(command)
    assert words[:2] == ["rad", "train"]
    again, wanted = to_json(parse_run(words[2:])), to_json(config)
    assert again["out"] == "again/a b"
    assert {**again, "out": None} == {**wanted, "out": None}


def test_the_command_of_a_run_loads_its_plugins():
    plain = json.loads(json.dumps(to_json(parse_run([])))) | {"plugins": ["one", "a b/two.py"]}
    command = train_command(Run(Path("x"), plain, []), out="again")
    assert command.endswith("--out=again --plugin one --plugin 'a b/two.py'") and "--plugins" not in command


def test_the_short_command_has_what_tells_runs_apart():
    config = {"task": "dmc/walker-walk", "augment": "crop", "seed": 2, "frames": 5, "agent": {"gamma": 0.9, "lr": 1.0}}
    assert short_command(Run(Path("x"), config, []), ["gamma", "seed"]) == (
        "rad train --task=dmc/walker-walk --augment=crop --seed=2 --frames=5 --gamma=0.9"
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("parallel_envs", True, ["--parallel-envs"]),
        ("parallel_envs", False, ["--no-parallel-envs"]),
        ("background_dir", ["a", "b"], ["--background-dir", "a", "b"]),
        ("background_dir", [], []),
        ("test_split", "", ["--test-split="]),
        ("out", None, []),
    ],
)
def test_settings_become_flags(name, value, words):
    assert flag(name, value) == words


def test_the_commands_of_a_sweep_are_those_recorded(tmp_path):
    words = [["rad", "ablate", "--task", "a b"], ["rad", "ablate"]]
    assert sweep_commands(found_in(tmp_path, commands=words)) == ["rad ablate --task 'a b'", "rad ablate"]
    assert sweep_commands(found_in(tmp_path)) == sweep_commands(found_in(tmp_path, commands="x")) == []


def test_runs_that_are_planned_and_have_no_folder(tmp_path):
    (tmp_path / "a").mkdir()
    assert not_begun(found_in(tmp_path, runs=["a", "b/seed-1"])) == ["b/seed-1"]
    assert not_begun(found_in(tmp_path)) == []


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("Traceback (most recent call last):\n  x\nRuntimeError: no memory\n\n", "RuntimeError: no memory"),
        ("1,000 frames\nerror: training diverged\n", "error: training diverged"),
        ("Traceback (most recent call last):\nKeyError: 1\nresumed\n1,000/2,000 frames  return 5\n", None),
        ("", None),
    ],
)
def test_a_run_failed_if_its_log_ends_in_an_error(tmp_path, log, words):
    folder = tmp_path / "task" / "crop" / "seed-1"
    folder.parent.mkdir(parents=True)
    make_run(folder)
    (tmp_path / "logs" / "task" / "crop").mkdir(parents=True)
    (tmp_path / "logs" / "task" / "crop" / "seed-1.log").write_text(log)
    assert failures([folder, tmp_path / "other"]) == ({folder: words} if words else {})


def test_an_attention_command_repeats_its_question():
    question = {"target": "policy", "settings": {"stage": -1, "seed": 0}, "split": "train", "seed": 0, "states": 24}
    assert attention_command(Path("out"), question) == (
        "rad attention RUN ... --out out --states=24 --target=policy --split=train --seed=0 --stage=-1"
    )
    assert attention_command(Path("out"), {"states": 24, "change": "moved"}) == (
        "rad attention RUN ... --out out --states=24 --ground-truth --change=moved"
    )
    assert "ground" not in attention_command(Path("out"), {"states": 24, "change": ""})
