"""Sweeps on Ray: a real instance on this machine, and what a node does that does not see the folder of the sweep."""

import dataclasses
import importlib.util
import os
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rad.experiment.config_file import to_json
from rad.runtime.metrics_file import last_rows
from rad.sweep.engines import ray_node
from rad.sweep.engines.ray_node import execute, pack, unpack
from rad.training.trainer import start
from tests.integration.runs import rows, run_until, tiny
from tests.integration.sweeps import finish, metrics, sweep, workers

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="the extra cluster is not installed")

NAMES = ["probe-both/flip/seed-1", "probe-both/none/seed-1"]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the same runs, made in this process."""
    out = tmp_path_factory.mktemp("local")
    for name in NAMES:
        (out / name).parent.mkdir(parents=True)
        assert start(tiny(augment=name.split("/")[1]), out / name) == 0
    return out


def test_a_lost_worker_is_replaced_and_the_sweep_ends_as_on_this_machine_alone(local: Path, tmp_path: Path) -> None:
    process = sweep(tmp_path / "sweep", "--engine", "ray", "--workers", "2")
    found: list[tuple[int, int, str]] = []
    while not found:
        found = [job for job in workers(tmp_path) if any(row["frames"] >= 20 for row in rows_so_far(job[2]))]
        time.sleep(0.02)
    child, ray_worker, _ = found[0]
    os.kill(ray_worker, signal.SIGKILL)
    status, output = finish(process)
    assert status == 0, output
    assert metrics(tmp_path / "sweep") == metrics(local)
    assert child not in [job[0] for job in workers(tmp_path)]
    assert not list((tmp_path / "sweep").glob(".seen-*"))


def rows_so_far(folder: str) -> list[dict[str, Any]]:
    return last_rows(Path(folder) / "metrics.jsonl")


def test_a_stopped_sweep_on_ray_saves_its_runs(local: Path, tmp_path: Path) -> None:
    process = sweep(tmp_path / "sweep", "--engine", "ray", "--workers", "2", frames=4_000, eval_every=0)
    while sum(any(row["frames"] >= 20 for row in rows_so_far(folder)) for _, _, folder in workers(tmp_path)) < 2:
        time.sleep(0.02)
    process.terminate()
    status, output = finish(process)
    assert status == 143 and "resume with the same command" in output
    assert not list(workers(tmp_path))
    assert len(list((tmp_path / "sweep").glob("**/checkpoints/0*.json"))) >= 2


class Elsewhere:
    """A node of its own: its folder for temporary files, and a sweep that does not stop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        folder.mkdir()
        monkeypatch.setattr(ray_node.tempfile, "gettempdir", lambda: str(folder))
        monkeypatch.setattr(ray_node, "_is_asked", lambda stop: False)
        self.folder = folder

    def execute(self, out: Path, name: str, files: ray_node.Files) -> tuple[int, ray_node.Files]:
        config = tiny(augment="flip", out=out / name)
        return execute(str(out), name, to_json(config), ".seen-not-here", files, SimpleNamespace())


def test_files_travel_where_the_folder_is_not_shared(
    local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, out = NAMES[0], tmp_path / "sweep"
    other = Elsewhere(monkeypatch, tmp_path / "node")
    run_until(tiny(augment="flip"), tmp_path / "half", 33)
    status, files = other.execute(out, name, pack(tmp_path / "half"))
    assert status == 0 and b"60/60 frames" in files.pop(ray_node.LOG_FILE)
    assert not out.exists() and not [path for path in other.folder.rglob("*") if path.is_file()]
    unpack(files, out / name)
    assert rows(out / name) == rows(local / name)
    assert (out / name / "learning_curve.png").stat().st_size > 0


def test_a_later_attempt_on_a_node_goes_on_with_what_it_finds_there(
    local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, out = NAMES[0], tmp_path / "sweep"
    other = Elsewhere(monkeypatch, tmp_path / "node")
    left = ray_node.scratch(str(out)) / name
    left.parent.mkdir(parents=True)
    run_until(tiny(augment="flip", out=out / name), left, 43)
    times = []
    monkeypatch.setattr(ray_node, "unpack", lambda *arguments: times.append(arguments))
    status, files = other.execute(out, name, {})
    assert (status, times) == (0, [])
    unpack(files, tmp_path / "run")
    assert rows(tmp_path / "run") == rows(local / name)
    # another sweep in a folder of the same name left something else
    left.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(local / name, left)
    ray_node.receive(left, to_json(dataclasses.replace(tiny(), out=out / name)), {})
    assert len(times) == 1 and [path.name for path in left.iterdir()] == ["config.json"]
