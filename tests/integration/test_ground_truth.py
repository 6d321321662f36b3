"""rad attention --ground-truth on small trained runs: what stands in its files, and which tasks it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from rad import cli
from rad.training.trainer import start
from tests.integration.runs import tiny
from tests.integration.test_attention import CARTPOLE


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Train each for seconds."""
    folder = tmp_path_factory.mktemp("runs")
    configs = {"none": tiny(**CARTPOLE), "crop": tiny(augment="crop", **CARTPOLE), "probe": tiny()}
    for name, config in configs.items():
        assert start(config, folder / name) == 0
    return {name: folder / name for name in configs}


@pytest.fixture(scope="module")
def written(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "attention"
    command = ["attention", str(runs["none"]), str(runs["crop"]), "--out", str(out), "--ground-truth", "--no-video"]
    assert cli.main([*command, "--states", "6", "--show", "1", "--methods", "activation", "hires_cam"]) == 0
    return out


def test_the_ground_truth_beside_each_method(written: Path) -> None:
    result = json.loads((written / "attention.json").read_text())
    assert result["question"]["change"] == "removed"
    rows = {(row["run"], row["method"]): row for row in result["numbers"]}
    assert rows["none, seed 1", "control: ground truth"]["rank_accuracy"] == [1.0] * 6
    assert {"control: uniform", "control: each object alike"} <= {method for _, method in rows}
    hires_cam = rows["crop, seed 1", "hires_cam"]
    assert len(hires_cam["rank_accuracy"]) == len(hires_cam["untrained_rank_accuracy"]) == 6
    assert list(hires_cam["smooth_rank_correlation"]) == ["heads", "stage 0"] and "complexity_rise" in hires_cam
    seen = {row["object"] for row in result["objects"]}
    assert {"cart", "pole_1", "floor", "sky"} <= seen
    table = (written / "table.md").read_text()
    assert "rank acc. [95 %]" in table and "| pole_1 " in table and (written / "attention-1.png").exists()


def test_the_effects_are_kept(written: Path) -> None:
    with np.load(written / "maps.npz") as maps:
        masks, effects = maps["crop, seed 1/object_masks"], maps["crop, seed 1/effects"]
        assert masks.shape == (6, 5, 40, 40) and effects.shape == (6, 5)
        assert (masks.sum(1) == 1).all()  # every pixel shows one
        pole = maps["crop, seed 1/objects"].tolist().index("pole_1")
        truth = maps["crop, seed 1/ground_truth"]
        shares = effects * masks.any((2, 3))
        mass = (truth * masks[:, pole]).sum((1, 2))
        np.testing.assert_allclose(mass, shares[:, pole] / shares.sum(1), rtol=1e-4)


def test_a_task_without_objects_is_refused_in_one_line(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["attention", str(runs["probe"]), "--ground-truth", "--out", str(tmp_path / "out")]) == 2
    said = "error: --ground-truth: probe/both cannot change single objects; allowed: tasks of dmc\n"
    assert capsys.readouterr().err == said and not (tmp_path / "out").exists()
