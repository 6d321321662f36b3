"""rad attention on small trained runs: what it writes, that it repeats, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rad import cli
from rad.attention.study import attend_runs, short_text
from rad.report.draw.result_tables import ONE_SEED, wrapped
from rad.training.trainer import start
from tests.integration.runs import tiny, tiny_game, tiny_ppo

CARTPOLE = {"task": "dmc/cartpole-balance", "action_repeat": 100, "image_size": 40, "frames": 3000, "eval_every": 0}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Train each for seconds."""
    folder = tmp_path_factory.mktemp("runs")
    configs: dict[str, Any] = {
        "none": tiny(**CARTPOLE),
        "crop": tiny(augment="crop", **CARTPOLE),
        "crop2": tiny(augment="crop", seed=2, **CARTPOLE),
        "probe": tiny(),
        "discrete": tiny_ppo(task="gym/tests.rad.envs.painted:Painted-v0"),
        "game": tiny_game(),
    }
    for name, config in configs.items():
        assert start(config, folder / name) == 0
    return {name: folder / name for name in configs}


@pytest.fixture(scope="module")
def written(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "attention"
    command = ["attention", *(str(runs[name]) for name in ("none", "crop", "crop2")), "--out", str(out)]
    assert cli.main([*command, "--states", "9", "--show", "2"]) == 0
    return out


def test_everything_is_written(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == [
        *("attention-1.png", "attention-2.png", "attention.json"),
        *(f"episode-{run}.{kind}" for run in ("crop-seed-1", "crop-seed-2", "none-seed-1") for kind in ("mp4", "png")),
        *("maps.npz", "table.md"),
    ]


def test_numbers_per_run_and_a_table_per_augmentation(written: Path) -> None:
    result = json.loads((written / "attention.json").read_text())
    assert result["question"]["states"] == 9 and result["question"]["target"] == "policy"
    numbers = result["numbers"]
    methods = {row["method"] for row in numbers}
    assert {"activation", "hires_cam", "perturbation", "control: random", "control: robot"} <= methods
    assert "sarfa" not in methods
    rows = {(row["run"], row["method"]): row for row in numbers}
    robot = rows["crop, seed 2", "control: robot"]
    assert set(robot["mass"]) == {1.0} and 0 < robot["area"][0] < 0.1  # of the states with the robot in sight
    activation = rows["none, seed 1", "activation"]
    assert list(activation["rank_correlation"]) == ["heads", "stage 1", "stage 0"]
    assert activation["rank_correlation"]["heads"] == pytest.approx(1.0)
    table = (written / "table.md").read_text().splitlines()
    assert [line.split("|")[3].strip() for line in table if " activation " in line] == ["1", "2"]


def test_the_terminal_shows_the_first_columns_and_names_the_rest(written: Path) -> None:
    head, *lines, rest = short_text(written).splitlines()
    assert head.split()[:5] == ["augmentation", "map", "seeds", "return", "lift"] and "insertion" not in head
    assert wrapped(ONE_SEED).splitlines() == lines[-2:] and rest == f"all columns: {written / 'table.md'}"


def test_maps_are_kept_and_repeat_byte_for_byte(written: Path, runs: dict[str, Path], tmp_path: Path) -> None:
    with np.load(written / "maps.npz") as maps:
        assert maps["crop, seed 2/activation"].shape == (9, 40, 40)
        assert maps["none, seed 1/frames"].dtype == np.uint8 and maps["none, seed 1/robot"].dtype == bool
        assert not np.array_equal(maps["none, seed 1/activation"], maps["none, seed 1/untrained/activation"])
    folders = [runs[name] for name in ("none", "crop", "crop2")]
    (tmp_path / "table.md").write_text("mine")
    attend_runs(folders, tmp_path, states=9, show=2, table=False, video=False)
    assert (tmp_path / "table.md").read_text() == "mine"  # in a folder without maps nothing is of an earlier call
    for name in ("maps.npz", "attention-1.png"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()
    for name in ("attention-3.png", "agents-color-hard.png", "table.md"):
        (tmp_path / name).touch()
    told: list[str] = []
    attend_runs(folders, tmp_path, states=9, show=0, table=False, video=False, seed=1, tell=told.append)
    assert told[0] == "states from run 1 of 3" and told[-1] == "maps of crop, seed 2 (3 of 3)" and len(told) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["maps.npz"]  # what an earlier call had more of is gone
    assert (tmp_path / "maps.npz").read_bytes() != (written / "maps.npz").read_bytes()


@pytest.mark.parametrize(("name", "sarfa"), [("probe", False), ("discrete", True), ("game", True)])
def test_other_suites_and_algorithms(runs: dict[str, Path], tmp_path: Path, name: str, sarfa: bool) -> None:
    """Without the simulator's word on where the robot is, there is no lift; all else is there."""
    attend_runs([runs[name]], tmp_path, states=4, show=1, target="value")
    numbers = json.loads((tmp_path / "attention.json").read_text())["numbers"]
    assert ("sarfa" in {row["method"] for row in numbers}) == sarfa
    assert all("mass" not in row and row["insertion"] >= 0 for row in numbers)
    assert "lift" not in (tmp_path / "table.md").read_text()
    assert len(list(tmp_path.glob("*.mp4"))) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["none", "--stage", "7"], "--stage: stage must be 0 to 1, or -1 to -2 from the end, got 7"),
        (["none", "--methods", "sarfa"], "--methods: sarfa needs discrete actions; allowed here: activation, "),
        (["none", "--methods", "lime"], "--methods: unknown method 'lime'; known: activation, "),
        (["none", "--target", "logit:0"], "--target: unknown target 'logit:0'; known: policy, value, q"),
        (["discrete", "--target", "q"], "--target: unknown target 'q'; known: policy, value"),
        (["none", "--power", "0"], "--power: power is 0.0; expected above 0"),
        (["none", "--norm", "max"], "--norm"),
        (["none", "--split", "nowhere"], "--split: unknown split 'nowhere'"),
        (["game", "--ground-truth"], "--ground-truth: procgen/bossfight cannot change single objects"),
        (["none", "--states", "0"], "--states: must be at least 1, got 0"),
        (["none", "crop", "--states", "1"], "--states: must be at least 2, got 1"),
        (["none", "probe"], "error: RUN: runs differ in task: dmc/cartpole-balance, probe/both; allowed: one for all"),
        (["nowhere"], "RUN: must be a run folder, or a file of rad export, got nowhere"),
        ([], "RUNS: must be one run folder or more, got none"),
    ],
)
def test_bad_input_gives_one_line_and_writes_nothing(
    typed: list[str], said: str, runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert cli.main(["attention", *(str(runs.get(word, word)) for word in typed), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.startswith("error: ") and error.count("\n") == 1
    assert not out.exists()


def test_a_run_without_a_checkpoint(runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_bytes((runs["none"] / "config.json").read_bytes())
    assert cli.main(["attention", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == f"error: RUN: {folder} has no checkpoint in {folder / 'checkpoints'}\n"


def test_the_output_must_be_a_folder(runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["attention", str(runs["none"]), "--out", str(tmp_path / "file")]) == 2
    assert "--out: must be a folder, got the file" in capsys.readouterr().err
