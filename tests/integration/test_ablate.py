"""Sweeps as processes: what they leave, how they are stopped and killed, and that they end the same."""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rad import cli
from rad.runtime.metrics_file import last_rows
from tests.integration.sweeps import finish, flags_of, metrics, sweep, sweep_here, workers

TWO = ("--workers", "2")
NAMES = ["probe-both/flip/seed-1", "probe-both/none/seed-1"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sweeps") / "whole"
    status, output = sweep_here(out, *TWO)
    assert status == 0, output
    return out


def wait_for(result: Callable[[], Any]) -> Any:
    """Return what is found as soon as there is something; a test that waits in vain is stopped by its timeout."""
    while not (thing := result()):
        time.sleep(0.02)
    return thing


def begun(out: Path, frames: int) -> bool:
    return any(
        last_rows(path)[-1:] and last_rows(path)[-1]["frames"] >= frames for path in out.glob("**/metrics.jsonl")
    )


def test_a_sweep_leaves_all_runs_a_record_and_logs(whole: Path) -> None:
    assert sorted(metrics(whole)) == NAMES
    assert sorted(json.loads((whole / "sweep.json").read_text())["runs"]) == NAMES
    for name in NAMES:
        assert "60/60 frames" in (whole / "logs" / f"{name}.log").read_text()
        config = json.loads((whole / name / "config.json").read_text())
        assert (config["out"], config["threads"]) == (str(whole / name), 1)


def test_runs_of_a_sweep_are_those_of_rad_train(whole: Path, tmp_path: Path) -> None:
    typed = [flag for flag in flags_of() if flag != "--no-measure"]
    command = ["train", *typed, "--task=probe/both", "--augment=flip", "--out", str(tmp_path / "run")]
    assert cli.main(command) == 0
    assert metrics(tmp_path)["run"] == metrics(whole)[NAMES[0]]


def test_the_same_command_skips_what_is_finished_and_more_seeds_are_added(whole: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "sweep"))
    shutil.rmtree(out / NAMES[0])
    (out / "sweep.json").unlink()  # runs made by hand
    before = {name: (out / name / "metrics.jsonl").stat().st_mtime_ns for name in NAMES[1:]}
    status, output = sweep_here(out, "--seeds", "1")
    assert status == 0 and "1 new, 0 interrupted, 1 finished" in output
    assert metrics(out) == metrics(whole)
    assert before == {name: (out / name / "metrics.jsonl").stat().st_mtime_ns for name in NAMES[1:]}
    assert "probe/both  none" in output and "probe/both  flip" in output
    status, output = sweep_here(out, "--seeds", "1,2", "--gamma=0.5")
    assert status == 2 and output.startswith("error: --gamma: ") and output.count("\n") == 1


def test_a_stopped_sweep_goes_on_to_the_same_end(whole: Path, tmp_path: Path) -> None:
    process = sweep(tmp_path / "sweep", *TWO)
    wait_for(lambda: begun(tmp_path, 20))
    process.send_signal(signal.SIGINT)
    status, output = finish(process)
    assert status == 130 and "resume with the same command: rad ablate --task probe/both" in output
    assert not list(workers(tmp_path))
    status, output = sweep_here(tmp_path / "sweep", *TWO)
    assert status == 0, output
    assert metrics(tmp_path / "sweep") == metrics(whole)


def test_a_killed_sweep_leaves_no_orphans_and_goes_on_to_the_same_end(whole: Path, tmp_path: Path) -> None:
    process = sweep(tmp_path / "sweep", *TWO)
    wait_for(lambda: begun(tmp_path, 20))
    process.kill()
    process.communicate()
    status, output = sweep_here(tmp_path / "sweep", *TWO)  # at once: the runs may still be saving themselves
    assert status == 0, output
    assert metrics(tmp_path / "sweep") == metrics(whole)
    wait_for(lambda: not list(workers(tmp_path)))


def test_a_killed_run_is_tried_again_and_a_hopeless_one_given_up(whole: Path, tmp_path: Path) -> None:
    hopeless = tmp_path / "sweep" / NAMES[0]

    def spoil() -> None:
        process, _, folder = wait_for(lambda: next(workers(tmp_path), None))
        assert folder.endswith(NAMES[1])
        hopeless.mkdir(parents=True)
        (hopeless / "checkpoints").touch()  # where a folder has to be
        os.kill(process, signal.SIGKILL)

    thread = threading.Thread(target=spoil)
    thread.start()
    status, output = sweep_here(tmp_path / "sweep", "--workers", "1")
    thread.join()
    assert status == 1
    assert "attempt 1 of 3: killed by SIGKILL" in output
    assert f"failed {NAMES[0]}, attempt 3 of 3: status 1" in output
    assert "Traceback" in (tmp_path / "sweep" / "logs" / f"{NAMES[0]}.log").read_text()
    result = metrics(tmp_path / "sweep")
    assert {name: result[name] for name in [NAMES[1]]} == {name: metrics(whole)[name] for name in [NAMES[1]]}


def test_two_sweeps_at_once_are_refused(tmp_path: Path) -> None:
    process = sweep(tmp_path / "sweep", *TWO)
    wait_for((tmp_path / "sweep" / "logs").exists)
    status, output = sweep_here(tmp_path / "sweep", *TWO)
    assert status == 2 and output == f"error: {tmp_path / 'sweep'} is in use by another process\n"
    process.terminate()
    assert finish(process)[0] == 143
