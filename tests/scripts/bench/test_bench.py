"""The benchmarks measure what they say and refuse what they cannot; no test looks at a speed."""

import importlib
import inspect
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rad import cli
from rad.commands import bench as command
from scripts import bench

ROWS = [{"what": "add", "ratio": 2.0, "ms": 1234.0}, {"what": "sample", "ratio": 0.5, "ms": 0.25}]


@pytest.fixture
def fake_replay(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the benchmark `replay` give ROWS, with a ratio that drifts; put back what --threads changes."""
    calls = []

    def run() -> list[bench.Row]:
        calls.append(None)
        return [{**row, "ratio": row["ratio"] + len(calls) - 1} for row in ROWS]

    monkeypatch.setattr("scripts.bench.replay.run", run)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["rendr"],
            "unknown benchmark 'rendr'; known: "
            "sac, capture, minutes, overlap, ppo, scaling, augment, replay, render, attention, all",
        ),
        (["replay", "--threads", "-1"], "threads: must be at least 0, got -1"),
        (["replay", "--repeats", "0"], "repeats: must be at least 1, got 0"),
        (["replay", "--out", "/nowhere/x.json"], "out: must be a file in a folder that exists, got /nowhere/x.json"),
        (["replay", "--out", "/"], "out: must be a file in a folder that exists, got /"),
    ],
)
def test_what_is_impossible_is_refused_before_anything_is_measured(arguments: list[str], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        command.main(arguments)
    assert str(caught.value) == text


def test_the_command_refuses_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "rendr"]) == 2
    known = "sac, capture, minutes, overlap, ppo, scaling, augment, replay, render, attention, all"
    assert capsys.readouterr() == ("", f"error: unknown benchmark 'rendr'; known: {known}\n")


@pytest.mark.parametrize("name", bench.BENCHMARKS)
def test_every_benchmark_runs_without_arguments(name: str) -> None:
    module = importlib.import_module(f"scripts.bench.{name}")
    inspect.signature(module.run).bind()


@pytest.mark.usefixtures("fake_replay")
def test_the_table_has_medians_and_the_range_of_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["replay", "--repeats", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "what                ratio     ms",
        "add     3.00x (2.00-4.00)  1,234",
        "sample  1.50x (0.50-2.50)   0.25",
    ]


@pytest.mark.usefixtures("fake_replay")
def test_one_round_has_no_range_and_names_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["replay", "--repeats", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "add     2.00x  1,234"
    assert lines[-1].startswith("one round; cpu ")
    for fact in ("cpus", "threads", "fast_bf16", "load_1min", "python", "torch", "rad"):
        assert f", {fact} " in lines[-1]


@pytest.mark.usefixtures("fake_replay")
def test_the_file_holds_the_machine_and_every_round(tmp_path: Path) -> None:
    command.main(["replay", "--repeats", "2", "--out", str(tmp_path / "x.json")])
    written = json.loads((tmp_path / "x.json").read_text())
    assert written["benchmark"] == "replay"
    assert [rows[0]["ratio"] for rows in written["rounds"]] == [2.0, 3.0]
    assert written["machine"]["torch"] == torch.__version__


@pytest.mark.usefixtures("fake_replay")
def test_threads_hold_here_and_in_started_processes(capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(2)
    command.main(["replay", "--repeats", "1"])
    assert (torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]) == (2, "7")
    command.main(["replay", "--repeats", "1", "--threads", "1"])
    assert (torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]) == (1, "1")
    assert "threads 1," in capsys.readouterr().out


def test_a_column_of_numbers_may_begin_with_a_gap() -> None:
    assert bench.table([[{"per_s": None}, {"per_s": 12.0}]]).splitlines() == ["per_s", "    -", "   12"]


def test_cells() -> None:
    assert bench.cell("what", ["add", "add"]) == "add"
    assert bench.cell("target", [None]) == "-"
    assert bench.cell("target", [1.25, 1.25]) == "1.25x (1.25-1.25)"
    assert bench.cell("speedup", [2.0]) == "2.00x"
    assert bench.cell("ms", [1.0, 9.0, 2.0]) == "2"
    assert bench.cell("bytes", [180_012.0]) == "180,012"
