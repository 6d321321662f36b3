"""What is typed after `rad ablate`, up to where the sweep would start."""

import dataclasses
import importlib.util
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rad import cli
from rad.experiment import cluster
from rad.runtime.files import locked
from rad.sweep import start
from tests.rad.sweep.trials import leave

PROBE = ["--task", "probe/both", "--image-size", "16", "--encoder", "pixel:num_layers=2", "--out", "sweep"]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Note what would be worked through."""
    calls: list[Any] = []

    def note(trials: Any, states: Any, cost: Any, options: Any, command: str) -> int:
        calls.append(SimpleNamespace(trials=trials, states=states, cost=cost, options=options, command=command))
        return 7

    monkeypatch.setattr(start, "_work", note)
    monkeypatch.setattr(start, "in_process", lambda config, variables: (config, variables["OMP_NUM_THREADS"]))
    return calls


# What is typed besides, the flag that must be named, what must be said.
BAD: list[tuple[list[str], str, str]] = [
    (["--augment", "none,crp"], "--augment", "unknown augmentation 'crp'; known: none, crop"),
    (["--task", "probe/both", "probe/nope"], "--task", "must be given once, with all its values"),
    (["--seeds", "0"], "--seeds", "must be from 1 to 10,000, got 0"),
    (["--seeds", "2", "--seed", "1"], "--seeds", "takes the place of --seed, got both"),
    (["--seed", "-1"], "--seed", "must be from 0 to 2^63 - 1, got -1"),
    (["--sweep", "batch_size=16,0"], "--batch-size", "must be from 1 to 65,536, got 0"),
    (["--sweep", "nope=1"], "--sweep", "unknown field 'nope'; known: action_repeat"),
    (["--sweep", "16"], "--sweep", "must be FIELD=VALUE,VALUE, got 16"),
    (["--pairs"], "--pairs", "needs augmentations to pair"),
    (["--pairs", "--augment", "ucb:crop,flip", "flip"], "--augment", ""),
    (["--workers", "-1"], "--workers", "must be at least 0, got -1"),
    (["--workers", "x"], "--workers", "must be a whole number"),
    (["--engine", "dask"], "--engine", "unknown engine 'dask'; known: local, ray"),
    (["--address", "auto"], "--address", "is for --engine ray, got auto with --engine local"),
    (["--gpus", "0.5"], "--gpus", "is for --engine ray"),
    (["--engine", "ray", "--gpus", "-2"], "--gpus", "must be at least 0, or -1"),
    (
        ["--engine", "ray", "--address", "nowhere"],
        "--address",
        "must be auto or HOST:PORT of a Ray cluster, got nowhere",
    ),
    (["--engine", "ray", "--address", "127.0.0.1:1"], "--address", "Connection refused"),
    (["--resume", "run"], "--resume", "the same command goes on with a sweep"),
    (["--frames", "x"], "--frames", "'x'"),
    (["--nope", "3"], "--nope", "Unrecognized options: --nope, 3"),
    (["--out", "taken/file"], "--out", "taken/file is no folder that can be written to"),
    (["--out", "taken/run"], "--out", "taken/run is the folder of a run"),
    (["--out", "taken/file/sweep"], "--out", "cannot be made"),
    (["--augment", "crop:" + "ratio=1.19:" * 30], "--augment", ""),
]


@pytest.mark.parametrize(("typed", "flag", "said"), BAD, ids=[" ".join(typed)[:60] for typed, *_ in BAD])
@pytest.mark.slow
def test_wrong_input_gives_one_line_and_makes_nothing(
    typed: list[str], flag: str, said: str, capsys: pytest.CaptureFixture[str], here: Path, started: list[Any]
) -> None:
    (here / "taken" / "run").mkdir(parents=True)
    (here / "taken" / "file").touch()
    (here / "taken" / "run" / "config.json").write_text("{}")
    before = sorted(here.rglob("*"))
    assert cli.main(["ablate", *PROBE, *typed]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith(f"error: {flag}") and said in captured.err
    assert sorted(here.rglob("*")) == before and started == []


@pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="the extra cluster is not installed")
def test_a_cluster_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    """What Ray says where none runs: on this machine, one of another test may."""
    said = subprocess.CompletedProcess([], 1, stderr="Traceback\nConnectionError: no running Ray instance\n")
    monkeypatch.setattr(cluster.subprocess, "run", lambda *_, **__: said)
    assert cli.main(["ablate", *PROBE, "--engine", "ray", "--address", "auto"]) == 2
    expected = "error: --address: no Ray cluster answers at auto: ConnectionError: no running Ray instance\n"
    assert capsys.readouterr().err == expected
    assert not (here / "sweep").exists()


def test_the_folder_has_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ablate", "--frames", "30"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --out: Missing") and "--frames" not in error


def test_what_is_asked_for_is_worked_through(started: list[Any], here: Path) -> None:
    typed = [*PROBE, "--augment", "none,flip", "--seeds", "2", "--sweep", "gamma=0.5,0.9", "--workers", "3"]
    assert cli.main(["ablate", *typed, "--frames", "2_000"]) == 7
    (call,) = started
    assert len(call.trials) == 8 and call.options.workers == 3
    config, threads = call.cost
    assert config == call.trials[0].config and threads == "1"
    assert (config.frames, config.threads, config.out) == (2_000, 1, Path("sweep/probe-both/none/gamma=0.5/seed-1"))
    assert call.command.startswith("rad ablate --task probe/both")
    assert [path.name for path in (here / "sweep").iterdir() if path.name != ".lock"] == ["sweep.json"]


def test_the_number_of_threads_is_the_users_if_given(started: list[Any]) -> None:
    assert cli.main(["ablate", *PROBE, "--threads", "2", "--no-measure"]) == 7
    assert started[0].trials[0].config.threads == 2 and started[0].cost is None


def test_finished_runs_are_known_and_only_the_others_are_checked(
    started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["ablate", *PROBE, "--seeds", "2", "--frames", "60"]
    checked: list[Any] = []
    assert cli.main(typed) == 7
    leave(started[0].trials[0], 60, done=True)
    monkeypatch.setattr(start, "check_trials", lambda trials, ranks: checked.extend(trials))
    assert cli.main(typed) == 7
    assert [result.value for result in started[1].states.values()] == ["finished", "new"]
    assert checked == [started[1].trials[1]]


def test_a_sweep_in_use_is_refused(started: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ablate", *PROBE, "--no-measure"]) == 7
    with locked(Path("sweep/.lock")):
        assert cli.main(["ablate", *PROBE, "--no-measure"]) == 2
    assert capsys.readouterr().err == "error: sweep is in use by another process\n"


def test_runs_with_other_settings_in_the_folder_are_refused(
    started: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ablate", *PROBE, "--frames", "60", "--no-measure"]) == 7
    (made,) = started[0].trials
    leave(dataclasses.replace(made, config=dataclasses.replace(made.config, log_every=7)), 60, done=True)
    Path("sweep/sweep.json").unlink()
    assert cli.main(["ablate", *PROBE, "--frames", "60", "--no-measure"]) == 2
    assert capsys.readouterr().err.startswith(
        "error: --log-every: sweep/probe-both/crop/seed-1 was made with 7, got 1000;"
    )


def test_help_shows_the_flags_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["ablate", "--help"])
    assert not stop.value.code
    text = capsys.readouterr().out
    assert all(flag in text for flag in ("--pairs", "--seeds", "--sweep", "--workers", "--engine", "rad train"))
