"""Measures of maps against retention, over agents: by hand, and what is said where they are few."""

from pathlib import Path
from typing import Any

import pytest

from rad.attention.over_agents import TABLE_FILE, agent_rows, write_agents
from rad.evaluation import agent_file
from tests.rad.report.seeds import make_seed, rows_of


def number(seed: int, lift: float, method: str = "activation") -> dict[str, Any]:
    values = {"mass": [0.1 * lift], "area": [0.1], "rank_accuracy": [0.1 * seed]}
    return {"run": f"crop, seed {seed}", "augmentation": "crop", "method": method} | values


def agents(folder: Path, tested: list[float | None]) -> tuple[list[Path], list[dict[str, Any]]]:
    """Make runs with a return of 10 on train and some on test, whose lift is 1, 2, ..."""
    folders = [make_seed(folder, "crop", seed, rows_of(10.0, test=kept)) for seed, kept in enumerate(tested, start=1)]
    numbers = [row for seed in range(1, len(tested) + 1) for row in (number(seed, seed), number(seed, 9, "control: x"))]
    return folders, numbers


def test_rows_by_hand(tmp_path: Path) -> None:
    rows = agent_rows(*agents(tmp_path, [5.0, 8.0]))
    assert [(row["split"], row["method"], row["lift"], row["rank_accuracy"]) for row in rows] == [
        ("test", "activation", pytest.approx(1.0), pytest.approx(0.1)),
        ("test", "activation", pytest.approx(2.0), pytest.approx(0.2)),
    ]
    assert [row["retention"] for row in rows] == pytest.approx([0.5, 0.8])


def test_four_agents_have_a_correlation(tmp_path: Path) -> None:
    """Lifts 1 2 3 4 and retentions 0.2 0.1 0.3 0.4: 1 - 6 * 2 / 60."""
    written = list(write_agents(*agents(tmp_path / "runs", [2.0, 1.0, 3.0, 4.0]), tmp_path))
    assert written == [tmp_path / TABLE_FILE, tmp_path / "agents-test.png"]
    lines = (tmp_path / TABLE_FILE).read_text().splitlines()
    (line,) = [line for line in lines if "lift on the robot" in line]
    cells = [cell.strip() for cell in line.split("|")]
    assert cells[1:5] == ["test", "activation", "lift on the robot", "4"] and cells[5].startswith("0.80 [")
    again = tmp_path / "again"
    again.mkdir()
    list(write_agents(*agents(tmp_path / "runs2", [2.0, 1.0, 3.0, 4.0]), again))
    assert (again / "agents-test.png").read_bytes() == written[1].read_bytes()


def test_what_an_augmentation_does_to_all_its_agents_is_told_apart(tmp_path: Path) -> None:
    """Within both augmentations lift and retention go the same way; over all, the one with more lift retains less."""
    names, lifts, kept = ["crop"] * 3 + ["none"] * 3, [1, 2, 3, 6, 7, 8], [6.0, 7.0, 8.0, 1.0, 2.0, 3.0]
    folders = [
        make_seed(tmp_path / "runs", name, seed, rows_of(10.0, test=test))
        for seed, (name, test) in enumerate(zip(names, kept, strict=True))
    ]
    numbers = [
        number(seed, lift) | {"run": f"{name}, seed {seed}", "augmentation": name}
        for seed, (name, lift) in enumerate(zip(names, lifts, strict=True))
    ]
    list(write_agents(folders, numbers, tmp_path))
    (line,) = [line for line in (tmp_path / TABLE_FILE).read_text().splitlines() if "lift on the robot" in line]
    over_all, within = [float(cell.split()[0]) for cell in line.split("|")[5:7]]
    assert over_all < 0 and within == 1.0


@pytest.mark.parametrize("tested", [[2.0, 1.0, 3.0], [None, None, None, None]])
def test_without_four_retentions_nothing_is_written(tmp_path: Path, tested: list[float | None]) -> None:
    assert not list(write_agents(*agents(tmp_path / "runs", tested), tmp_path))
    assert not (tmp_path / TABLE_FILE).exists()


def test_a_folder_without_metrics_has_no_retention(tmp_path: Path) -> None:
    folders, numbers = agents(tmp_path, [5.0, 8.0])
    (folders[0] / "metrics.jsonl").unlink()
    assert {row["run"] for row in agent_rows(folders, numbers)} == {"crop, seed 2"}


def test_an_exported_agent_has_the_retentions_on_its_card(tmp_path: Path) -> None:
    played = {"episodes": 10, "policy": "mode"}
    returns = {
        "train": played | {"mean": 200.0},
        "color-hard": played | {"mean": 150.0},
        "video-easy": {"episodes": 3, "policy": "mode", "mean": 20.0},  # of another evaluation
    }
    files = [tmp_path / f"{seed}.safetensors" for seed in (1, 2)]
    for file in files:
        agent_file.write(file, {"returns": returns}, {})
    rows = agent_rows(files, [number(1, 1.0), number(2, 2.0)])
    assert [(row["split"], row["retention"]) for row in rows] == 2 * [("color-hard", 0.75)]
