"""`rad bench all` writes each part as it ends, goes on where it was, and survives a part that fails."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rad.commands import bench as command
from rad.settings import SettingError
from scripts.bench import speeds
from scripts.bench.speeds.measured import Measured, rounds_within, rows_of
from tests.scripts.bench.speeds import numbers


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, bool]]:
    """Let the parts give fixed numbers at commit abc, and note what is measured with which rounds."""
    calls: list[tuple[str, int, bool]] = []

    def part(name: str) -> Callable[[int, bool], list[Measured]]:
        def measure(repeats: int, short: bool) -> list[Measured]:
            calls.append((name, repeats, short))
            return [Measured(**row) for row in numbers.ROWS[name]]

        return measure

    monkeypatch.setattr(speeds, "PARTS", {name: part(name) for name in speeds.PARTS})
    monkeypatch.setattr(speeds, "commit", lambda: "abc")
    return calls


def test_the_page_and_the_numbers_of_each_part_are_written(
    tmp_path: Path, measured: list[tuple[str, int, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "performance.md"
    assert command.main(["all", "--repeats", "2", "--out", str(out)]) == 0
    assert measured == [(name, 2, False) for name in speeds.PARTS]
    assert capsys.readouterr().out == out.read_text() + "\n"
    for name in speeds.PARTS:
        part = json.loads((tmp_path / "bench" / f"performance-{name}.json").read_text())
        assert part["rows"] == numbers.ROWS[name]
        assert (part["facts"]["commit"], part["facts"]["repeats"]) == ("abc", 2)
        assert part["facts"]["kornia"]


def test_what_was_measured_at_this_commit_is_not_measured_again(
    tmp_path: Path, measured: list[tuple[str, int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["all", "--out", str(tmp_path / "x.md")]
    command.main(words)
    measured.clear()
    (tmp_path / "bench" / "performance-overlap.json").unlink()
    command.main(words)
    assert [name for name, *_ in measured] == ["overlap"]
    for changed in ("def", "abc-dirty", "abc-dirty", ""):
        measured.clear()
        monkeypatch.setattr(speeds, "commit", lambda changed=changed: changed)
        command.main(words)
        assert len(measured) == len(speeds.PARTS), changed
    measured.clear()
    command.main([*words, "--short"])
    assert measured[0] == ("sac-updates", 3, True)


def test_a_part_that_fails_loses_no_other(tmp_path: Path, measured: list[tuple[str, int, bool]]) -> None:
    def fail(repeats: int, short: bool) -> list[Measured]:
        raise RuntimeError("measuring eager ended with 1: boom")

    speeds.PARTS["sac-runs"] = fail
    out = tmp_path / "x.md"
    assert command.main(["all", "--out", str(out)]) == 1
    assert [name for name, *_ in measured] == [name for name in speeds.PARTS if name != "sac-runs"]
    assert "Not measured: measuring eager ended with 1: boom" in out.read_text()
    assert not (tmp_path / "bench" / "performance-sac-runs.json").exists()


def test_only_all_can_be_short() -> None:
    with pytest.raises(SettingError, match="is for rad bench all, got sac"):
        command.main(["sac", "--short"])


def test_changed_results_leave_a_commit_as_it_is(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True)

    assert speeds.commit(tmp_path) == ""
    git("init", "-q")
    (tmp_path / "results").mkdir()
    for name in ("results/page.md", "source.py"):
        (tmp_path / name).write_text("1")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    first = speeds.commit(tmp_path)
    assert len(first) == 10
    (tmp_path / "results" / "page.md").write_text("2")
    assert speeds.commit(tmp_path) == first
    (tmp_path / "source.py").write_text("2")
    assert speeds.commit(tmp_path) == f"{first}-dirty"


def test_rounds_end_before_they_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    assert rounds_within(35.0, 5, lambda: "x") == ["x"] * 3  # a fourth would end at 40
    assert rounds_within(1.0, 5, lambda: "x") == ["x"]
    assert rounds_within(1000.0, 2, lambda: "x") == ["x"] * 2


def test_texts_are_labels_and_numbers_are_numbers() -> None:
    rounds = [[{"op": "crop", "ratio": 2.0, "none": None}], [{"op": "crop", "ratio": 4.0, "none": None}]]
    (row,) = rows_of(rounds)
    assert row.labels == {"op": "crop"}
    assert row.values("ratio") == [2.0, 4.0]
    assert row.values("none") == [] and row.ratios("ratio", "none") == []
