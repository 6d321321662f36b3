"""rad report and rad compare: what they write and print, and what they refuse."""

import subprocess
import sys
from pathlib import Path

import pytest

from rad import cli
from tests.rad.report.seeds import make_seed, make_seeds, rows_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def sweep(tmp_path):
    return make_seeds(tmp_path / "sweep", {"none": [1.0, 2.0], "crop": [4.0, 6.0]})


@pytest.mark.slow
def test_a_report_is_written_into_the_folder(sweep, capsys):
    assert cli.main(["report", str(sweep)]) == 0
    assert (sweep / "report" / "report.html").read_text().startswith("<!doctype html>")
    assert capsys.readouterr().out.splitlines()[0] == str(sweep / "report" / "report.html")
    before = {path.name: path.read_bytes() for path in (sweep / "report").iterdir()}
    assert cli.main(["report", str(sweep)]) == 0
    assert {path.name: path.read_bytes() for path in (sweep / "report").iterdir()} == before


@pytest.mark.slow
def test_a_report_is_written_elsewhere(sweep, tmp_path):
    assert cli.main(["report", str(sweep), "--out", str(tmp_path / "a" / "b")]) == 0
    assert (tmp_path / "a" / "b" / "returns-dmc-walker-walk.csv").is_file()
    assert not (sweep / "report").exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["report"], "Missing from rad report: FOLDER"),
        (["report", "nowhere"], "FOLDER: nowhere is not a folder"),
        (["report", "empty"], "FOLDER: empty holds no run"),
        (["report", "file"], "FOLDER: must be a run folder or a folder of several runs, got file"),
        (["report", "runs", "--out", "file"], "--out: must be a folder that can be written to, got file"),
        (["report", "runs", "--nope"], "--nope"),
        (["compare", "runs"], "RUN_A RUN_B: must be two folders, got 1"),
        (["compare", "nowhere", "runs"], "RUN_A: nowhere is not a folder"),
        (["compare", "one", "empty"], "RUN_B: empty holds no run"),
        (["compare", "runs", "runs/both"], "RUN_A: runs holds runs of 2 settings"),
    ],
)
def test_wrong_input_gives_one_line_and_makes_nothing(typed, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_seeds(tmp_path / "runs", {"none": [1.0], "crop": [2.0]})
    make_seed(tmp_path / "one", "crop", 1, rows_of(3.0))
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    assert cli.main(typed) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith("error: ") and said in captured.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_a_foreign_file_is_named_and_the_report_is_made(sweep, capsys):
    (sweep / "attention.json").write_text("{")
    assert cli.main(["report", str(sweep)]) == 0
    said = "attention.json is not what rad attention writes"
    assert said in (sweep / "report" / "report.html").read_text()
    assert f"Cannot be read, left out:\n  {said}" in capsys.readouterr().out


@pytest.mark.slow
def test_the_terminal_says_what_was_left_out(sweep, capsys):
    cli.main(["report", str(sweep)])
    assert len(capsys.readouterr().out.splitlines()) == 2
    for seed in range(3, 15):
        make_seed(sweep, "crop", seed, rows_of(4.0, upto=200))
    cli.main(["report", str(sweep)])
    lines = capsys.readouterr().out.splitlines()[2:]
    assert lines[0] == "Unfinished runs, left out of the numbers at the end:"
    assert "  dmc-walker-walk/crop/seed-10: 200 of 400 frames" in lines
    assert len(lines) == 12 and lines[-1] == "  and 2 more, see the page"


def test_two_runs_are_compared(tmp_path, capsys):
    first = make_seed(tmp_path / "a", "crop", 1, rows_of(8.0))
    second = make_seed(tmp_path / "b", "none", 1, rows_of(5.0))
    assert cli.main(["compare", str(first), str(second)]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[:2] == [f"A: {first} (dmc/walker-walk, crop)", f"B: {second} (dmc/walker-walk, none)"]
    assert "settings that differ" in shown and "A less B" in shown


@pytest.mark.parametrize("command", ["report", "compare"])
@pytest.mark.slow
def test_neither_needs_torch_or_a_simulator(command, sweep):
    folders = (
        [str(sweep)] if command == "report" else [str(sweep / "dmc-walker-walk" / name) for name in ("none", "crop")]
    )
    code = (
        f"import sys; from rad import cli; status = cli.main([{command!r}, *{folders!r}]); "
        "print({'torch', 'gymnasium', 'dm_control', 'mujoco'} & sys.modules.keys(), status)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set() 0", done.stdout
