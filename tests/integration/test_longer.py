"""A run that goes on to more frames ends as one of that length from the start, or says why not."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rad import cli
from rad.experiment.config import RunConfig
from rad.experiment.config_file import read_config
from rad.runtime.run_dir import BEST_FILE, CHECKPOINTS, DONE_FILE, METRICS_FILE, is_done
from rad.sweep.grid import Trial
from rad.sweep.status import State, state
from rad.training.pictures import PICTURES
from rad.training.resuming import lengthen
from rad.training.trainer import Trainer, resume, start
from tests.integration.runs import rows, run_until, same, tiny, tiny_game, tiny_impala, tiny_ppo, weights

# 60 frames, then 100: at multiples of what is due every 20 and 10, and apart from them; IMPALA's rollouts are of 12.
CASES: dict[str, RunConfig] = {
    "sac": tiny(frames=100),
    "sac, nothing due at the end": tiny(frames=100, log_every=7, eval_every=25, checkpoint_every=13),
    "sac, evaluated beside": tiny(frames=100, eval_workers=1),
    "ppo": tiny_ppo(frames=100, augment="crop"),
    "ppo, ends within a rollout": tiny_ppo({"num_steps": 4}, frames=100, log_every=7, eval_every=25),
    "impala": tiny_impala({"anneal_lr": False}, frames=96),
}


def extend(folder: Path, frames: int) -> int:
    return cli.main(["train", "--resume", str(folder), "--frames", str(frames)])


@pytest.mark.parametrize("name", CASES)
def test_a_finished_run_goes_on_as_if_it_had_always_been_longer(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = CASES[name]
    assert start(config, tmp_path / "whole") == 0
    first = dataclasses.replace(config, frames=60)
    assert start(first, tmp_path / "run", PICTURES if name == "sac" else {}) == 0
    capsys.readouterr()
    assert extend(tmp_path / "run", config.frames) == 0
    assert "note: " not in capsys.readouterr().out
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))
    assert read_config(tmp_path / "run") == config
    assert json.loads((tmp_path / "run" / "config-60.json").read_text())["frames"] == 60
    assert json.loads((tmp_path / "run" / DONE_FILE).read_text())["frames"] == config.frames


def test_a_run_that_an_earlier_version_finished_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its checkpoints do not tell what its end added, which is nothing where logs and evaluations were due there."""
    config, state_dict = CASES["sac"], Trainer.state_dict
    start(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "state_dict", lambda self: {k: v for k, v in state_dict(self).items() if k != "at_end"})
        start(dataclasses.replace(config, frames=60), tmp_path / "run")
    assert extend(tmp_path / "run", 100) == 0
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


@pytest.mark.parametrize("name", ["sac", "ppo"])
def test_an_unfinished_run_and_one_killed_on_the_way_end_the_same(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CASES[name]
    assert start(config, tmp_path / "whole") == 0
    run_until(dataclasses.replace(config, frames=60), tmp_path / "unfinished", 48)
    assert extend(tmp_path / "unfinished", 100) == 0

    assert start(dataclasses.replace(config, frames=60), tmp_path / "killed") == 0
    monkeypatch.setattr("rad.training.trainer.Trainer.learn", die)
    with pytest.raises(KeyboardInterrupt):
        start_again(tmp_path / "killed", 100)
    assert not is_done(tmp_path / "killed")
    monkeypatch.undo()
    assert cli.main(["train", "--resume", str(tmp_path / "killed")]) == 0
    for folder in ("unfinished", "killed"):
        assert rows(tmp_path / folder) == rows(tmp_path / "whole")
        assert same(weights(tmp_path / folder), weights(tmp_path / "whole"))


def die(trainer: Any) -> int:
    raise KeyboardInterrupt


def start_again(folder: Path, frames: int) -> None:
    lengthen(folder, frames)
    resume(folder)


def test_a_game_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("procgen", reason="no wheel of procgen for this platform")
    start(tiny_game(frames=60), tmp_path / "whole")
    start(tiny_game(frames=40), tmp_path / "run")
    assert extend(tmp_path / "run", 60) == 0
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


@pytest.mark.parametrize("config", [tiny_ppo({"anneal_lr": True}), tiny_impala()], ids=["ppo", "impala"])
def test_a_schedule_that_follows_the_length_is_named(
    tmp_path: Path, config: RunConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start(config, tmp_path / "run") == 0
    assert start(dataclasses.replace(config, frames=96), tmp_path / "whole") == 0
    capsys.readouterr()
    assert extend(tmp_path / "run", 96) == 0
    note = "note: --anneal-lr has followed the length before: the run does not end as one of 96 frames from the start"
    assert capsys.readouterr().out.startswith(note)
    assert not same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


def test_fewer_frames_than_were_made_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    run_until(tiny(), folder, 48)
    for frames, said in ((39, f"must be at least 40, which {folder} has made, got 39"), (0, "must be at least 40")):
        assert extend(folder, frames) == 2
        assert capsys.readouterr().err.startswith(f"error: --frames: {said}")
        assert read_config(folder) == tiny()
    assert extend(folder, 50) == 0, "an unfinished run may become shorter"
    assert start(tiny(frames=50), tmp_path / "whole") == 0
    assert rows(folder) == rows(tmp_path / "whole") and same(weights(folder), weights(tmp_path / "whole"))


def test_a_run_that_cannot_be_resumed_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start(tiny(), tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "torn")
    for manifest in (tmp_path / "run" / CHECKPOINTS).glob("*.json"):
        manifest.write_text("torn")
    lines = (tmp_path / "torn" / METRICS_FILE).read_text().splitlines(keepends=True)
    (tmp_path / "torn" / METRICS_FILE).write_text("".join([lines[0], "torn\n", *lines[1:]]))
    for folder in (tmp_path / "run", tmp_path / "torn"):
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        capsys.readouterr()
        assert extend(folder, 80) == 2
        assert str(folder) in capsys.readouterr().err
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_same_length_is_a_plain_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start(tiny(), tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert extend(tmp_path / "run", 60) == 0
    assert "already reached 60 frames" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_a_sweep_sees_a_longer_run_as_begun_until_it_has_ended(tmp_path: Path) -> None:
    config = tiny(keep_best=True)
    start(config, tmp_path / "run", PICTURES)
    short, longer = (
        Trial("run", dataclasses.replace(config, frames=frames, out=tmp_path / "run")) for frames in (60, 80)
    )
    assert state(short) is State.FINISHED
    with pytest.raises(ValueError, match=r"^frames: .*run was made with 60, got 80"):
        state(longer)
    lengthen(tmp_path / "run", 80)
    assert state(longer) is State.INTERRUPTED
    with pytest.raises(ValueError, match=r"^frames: .*run was made with 80, got 60"):
        state(short)
    assert cli.main(["train", "--resume", str(tmp_path / "run")]) == 0
    assert state(longer) is State.FINISHED and (tmp_path / "run" / BEST_FILE).exists()
