"""What a folder of runs is listed as, also where files are missing or damaged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rad import cli
from rad.report.read.states import TAIL_BYTES, State, list_runs
from rad.runtime.files import locked
from tests.rad.report.folders import evaluation, make_run, row

CONFIG: dict[str, Any] = {"preset": "rad", "frames": 800}


BLOB = "a" * 64


def saved(folder: Path, frames: int = 400, **made_with: str) -> Path:
    """Leave a checkpoint that says what it was made with."""
    (folder / "checkpoints" / "blobs").mkdir(parents=True, exist_ok=True)
    (folder / "checkpoints" / "blobs" / BLOB).write_bytes(b"weights")
    manifest = {"manifest": {"made_with": {"torch": "2.14", **made_with}, "blobs": [[BLOB, len(b"weights")]]}}
    (folder / "checkpoints" / f"{frames:012d}.json").write_text(json.dumps(manifest))
    return folder


def test_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    (listed,) = list_runs(saved(make_run(tmp_path / "run", **CONFIG)))
    assert (listed.task, listed.method, listed.seed) == ("dmc/walker-walk", "sac/rad crop", "3")
    assert (listed.frames, listed.target_frames, listed.episode_return) == (800, 800, 120.0)
    assert (listed.state, listed.resume) == (State.RESUMABLE, f"rad train --resume {tmp_path / 'run'}")


def test_a_run_is_as_far_as_a_checkpoint_behind_its_last_row(tmp_path: Path) -> None:
    run = saved(make_run(tmp_path / "run", **CONFIG | {"frames": 2_000}), 1_040)
    assert list_runs(run)[0].frames == 1_040
    (run / "metrics.jsonl").unlink()
    assert list_runs(run)[0].frames == 1_040
    (saved(run, 1_200) / "checkpoints" / "000000001200.json").write_text("{")  # damaged: a resume begins before it
    assert list_runs(run)[0].frames == 1_040


def finish(folder: Path) -> None:
    (saved(folder) / "done.json").write_text("{}")


def fail(folder: Path) -> None:
    saved(folder)
    (folder.parent / "logs").mkdir()
    (folder.parent / "logs" / "run.log").write_text("error: training diverged\n")


@pytest.mark.parametrize(
    ("change", "state", "note"),
    [
        (saved, State.RESUMABLE, ""),
        (finish, State.FINISHED, ""),
        (fail, State.FAILED, "error: training diverged"),
        (lambda folder: None, State.NO_CHECKPOINT, ""),
        (lambda folder: (folder / "config.json").unlink(), State.DAMAGED, "it has no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), State.DAMAGED, "config.json cannot be read"),
        (lambda folder: (folder / "config.json").write_text('{"frames": "8"}'), State.DAMAGED, "expected a number"),
        (lambda folder: (folder / "config.json").write_text('{"frames": 8}'), State.DAMAGED, "task"),
    ],
)
def test_states(tmp_path: Path, change: Callable[[Path], object], state: State, note: str) -> None:
    change(make_run(tmp_path / "run", **CONFIG))
    (listed,) = list_runs(tmp_path)
    assert listed.state is state and note in listed.note
    assert bool(listed.resume) == (state in (State.RESUMABLE, State.FAILED))


@pytest.mark.parametrize("left", [b"weigh", None], ids=["cut", "gone"])
def test_a_record_of_a_checkpoint_is_none_to_go_on_from(tmp_path: Path, left: bytes | None) -> None:
    blob = saved(make_run(tmp_path / "run", **CONFIG)) / "checkpoints" / "blobs" / BLOB
    blob.unlink() if left is None else blob.write_bytes(left)
    (listed,) = list_runs(tmp_path)
    assert (listed.state, listed.resume, listed.frames) == (State.NO_CHECKPOINT, "", 800)


def test_a_run_that_a_process_works_on(tmp_path: Path) -> None:
    run = saved(make_run(tmp_path / "run", **CONFIG))
    with locked(run / "config.json"):
        assert [(listed.state, listed.resume) for listed in list_runs(tmp_path)] == [(State.RUNNING, "")]
    assert list_runs(tmp_path)[0].state is State.RESUMABLE


def test_the_command_names_processes_and_plugins(tmp_path: Path) -> None:
    saved(make_run(tmp_path / "my run", **CONFIG, plugins=["mine.py"]), ranks="2")
    (listed,) = list_runs(tmp_path)
    words = f"train --resume '{tmp_path / 'my run'}' --plugin mine.py"
    assert listed.resume == f"torchrun --nproc-per-node 2 -m rad.cli {words}"


def test_the_last_evaluation_is_found_far_from_the_end(tmp_path: Path) -> None:
    rows = [evaluation(50, 7.0), *(row("episode", 50 + step, episode_return=1.0) for step in range(2_000))]
    run = make_run(tmp_path / "run", rows, **CONFIG)
    assert (run / "metrics.jsonl").stat().st_size > 2 * TAIL_BYTES
    assert list_runs(tmp_path)[0].episode_return == 7.0


def test_a_run_without_metrics_is_at_its_beginning(tmp_path: Path) -> None:
    (make_run(tmp_path / "run", **CONFIG) / "metrics.jsonl").unlink()
    (listed,) = list_runs(tmp_path)
    assert (listed.frames, listed.episode_return, listed.state) == (0, None, State.NO_CHECKPOINT)


def test_hundreds_of_runs_are_listed_in_order(tmp_path: Path) -> None:
    for seed in range(300):
        make_run(tmp_path / f"seed-{seed:03}", **CONFIG, **{"seed": seed})
    assert [listed.seed for listed in list_runs(tmp_path)] == [str(seed) for seed in range(300)]


def test_the_command_lists_runs_at_any_depth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").mkdir()
    finish(make_run(tmp_path / "a" / "seed-1", **CONFIG))
    (make_run(tmp_path / "b", **CONFIG) / "config.json").unlink()
    assert cli.main(["runs", str(tmp_path)]) == 0
    head, first, second, _, note, _, total = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "state", "task", "method", "seed", "frames", "of", "return"]
    assert first.split() == ["a/seed-1", "finished", "dmc/walker-walk", "sac/rad", "crop", "3", "800", "800", "120.0"]
    assert second.split() == ["b", "damaged"] and note == f"{tmp_path / 'b'}: it has no config.json"
    assert total == "2 runs: 1 finished, 1 damaged"


def test_a_folder_without_runs_and_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path} holds no run\n"
    monkeypatch.chdir(tmp_path)
    assert cli.main(["runs"]) == 2
    assert capsys.readouterr().err.startswith("error: FOLDER: there is no folder runs here, where rad train puts runs")
    assert cli.main(["runs", str(tmp_path / "gone")]) == 2
    assert capsys.readouterr().err == f"error: FOLDER: must be a folder that exists, got {tmp_path / 'gone'}\n"
