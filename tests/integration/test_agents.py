"""Agents of small runs: loaded and acting, exported, evaluated and looked at from a file, and the best one kept."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rad
from rad import cli
from rad.evaluation import agent_file, loaded_run
from rad.evaluation.compare_splits import evaluate_run
from rad.runtime import checkpoint
from rad.runtime.run_dir import BEST_FILE, CHECKPOINTS
from rad.training.messages import EVALUATION
from rad.training.trainer import resume, start
from tests.integration.runs import rows, run_until, same, tiny, tiny_impala, tiny_ppo, weights

CONFIGS = {
    "sac": tiny(augment="crop", eval_every=0),
    "ppo": tiny_ppo(augment="crop", eval_every=0),
    "discrete": tiny_ppo(task="probe/both-discrete", eval_every=0),
    "impala": tiny_impala(eval_every=0),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    for name, config in CONFIGS.items():
        assert start(config, folder / name) == 0
    return {name: folder / name for name in CONFIGS}


@pytest.fixture(scope="module")
def files(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("agents")
    for name, run in runs.items():
        assert cli.main(["export", str(run), "--out", str(out / f"{name}.safetensors")]) == 0
    return {name: out / f"{name}.safetensors" for name in runs}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_loaded_agent_acts_in_its_environments(runs: dict[str, Path], name: str) -> None:
    run = rad.load(runs[name])
    assert (run.task, run.frames) == (CONFIGS[name].task, 60)
    with closing(run.make_env(num_envs=2, seed=3)) as env:
        obs, _ = env.reset()
        action = run.act(obs)
        assert env.action_space.contains(np.clip(action, -1, 1) if action.dtype == np.float32 else action)
        assert isinstance(action, np.ndarray) and len(action) == 2
        env.step(action)
    # One image, and tensors, as several arrays; all of it twice.
    np.testing.assert_array_equal(run.act(obs[1]), run.act(obs[1:])[0])
    np.testing.assert_array_equal(run.act(torch.from_numpy(obs)), action)
    obs.flags.writeable = False
    np.testing.assert_array_equal(run.act(obs[:, :, ::-1][:, :, ::-1]), action)


def test_sampled_actions_follow_from_a_generator(runs: dict[str, Path]) -> None:
    run = rad.load(runs["sac"])
    obs = np.zeros((4, *run.agent.image_shape), np.uint8)
    drawn = [run.act(obs, sample=True, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).all() and len(set(drawn[0][:, 0])) == 4
    assert len(set(run.act(obs)[:, 0])) == 1


@pytest.mark.parametrize(
    ("obs", "came"),
    [
        (np.zeros((3, 5, 5), np.uint8), r"uint8 \(3, 5, 5\)"),
        (np.zeros((3, 16, 16), np.float32), r"float32 \(3, 16, 16\)"),
        (torch.zeros(16, 16, dtype=torch.uint8), r"uint8 \(16, 16\)"),
        (np.zeros((1, 1, 3, 16, 16), np.uint8), r"uint8 \(1, 1, 3, 16, 16\)"),
    ],
)
def test_other_observations_are_refused(runs: dict[str, Path], obs: Any, came: str) -> None:
    allowed = r"uint8 \(3, 16, 16\) or \(N, 3, 16, 16\)"
    with pytest.raises(ValueError, match=f"^obs must be {allowed}, got {came}$"):
        rad.load(runs["discrete"]).act(obs)


def test_environments_are_those_of_an_evaluation(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    make = loaded_run.make_env

    def noted(config: Any, purpose: str, **options: Any) -> Any:
        made.append((config.seed, purpose, options))
        return make(config, purpose, **options)

    run = rad.load(runs["sac"])
    monkeypatch.setattr(loaded_run, "make_env", noted)
    with pytest.raises(ValueError, match="split"):
        run.make_env("nope")
    for seed in (5, 6):
        run.make_env(num_envs=2, seed=seed).close()
    evaluate_run(runs["sac"], splits=["train"], episodes=1, envs=2, seed=5, out=tmp_path / "one.jsonl")
    assert made[-1] == made[0] != made[1]


@pytest.mark.parametrize("name", CONFIGS)
def test_an_exported_agent_evaluates_as_its_run(
    runs: dict[str, Path], files: dict[str, Path], tmp_path: Path, name: str
) -> None:
    played = [
        evaluate_run(path, episodes=3, seed=2, out=tmp_path / f"{number}.jsonl")[0]
        for number, path in enumerate((runs[name], files[name]))
    ]
    kept = [vars(result) | {"run": ""} for result in played]
    assert kept[0] == kept[1]
    assert [result.run for result in played] == [name, f"{name}.safetensors"]


def test_a_card_says_what_the_agent_is(runs: dict[str, Path], files: dict[str, Path]) -> None:
    card, policy = agent_file.read(files["sac"])
    assert policy.keys() == {"encoder", "actor"}
    assert {name: card[name] for name in ("task", "algo", "preset", "augment", "seed", "frames", "agent_steps")} == {
        **{"task": "probe/both", "algo": "sac", "preset": "rad", "augment": "crop"},
        **{"seed": 1, "frames": 60, "agent_steps": 60},
    }
    row = rows(runs["sac"])[-1]
    train = card["returns"]["train"]
    assert train["mean"] == row["episode_return_mean"] and train["episodes"] == 2
    assert train["interval"][0] <= train["mean"] <= train["interval"][1]
    assert card["command"].startswith("rad train --algo=sac --preset=rad --task=probe/both --augment=crop --seed=1")
    assert card["command"].endswith(" --out=RUN") and card["config"]["out"] is None
    assert card["commit"] == json.loads((runs["sac"] / "done.json").read_text())["made_with"]["commit"]
    assert str(runs["sac"].parent) not in json.dumps(card)


def test_returns_of_rad_evaluate_come_first_and_are_played_again(runs: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(runs["sac"], run)
    for episodes in ("4", "3"):
        assert cli.main(["evaluate", str(run), "--episodes", episodes, "--seed", "9"]) == 0
    file = tmp_path / "a.safetensors"
    assert cli.main(["export", str(run), "--out", str(file)]) == 0
    (scores,) = agent_file.read(file).card["returns"].values()
    assert scores["episodes"] == 4
    words = scores["source"].split()
    assert words[:3] == ["rad", "evaluate", "FILE"]
    assert cli.main(["evaluate", str(file), *words[3:]]) == 0
    (kept,) = (tmp_path / "evaluations").iterdir()
    assert kept.name.startswith("a-9-")
    assert json.loads(kept.read_text().splitlines()[-1])["episode_return_mean"] == scores["mean"]


def test_attention_of_a_file_is_that_of_its_run(
    runs: dict[str, Path], files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--states", "4", "--show", "0", "--no-video", "--methods", "activation", "grad_cam"]
    for name, path in (("run", runs["sac"]), ("file", files["sac"])):
        assert cli.main(["attention", str(path), "--out", str(tmp_path / name), *options]) == 0
    of_run, of_file = (np.load(tmp_path / name / "maps.npz") for name in ("run", "file"))
    assert of_run.files == of_file.files
    for name in of_run.files:
        np.testing.assert_array_equal(of_run[name], of_file[name])
    numbers = [json.loads((tmp_path / name / "attention.json").read_text())["numbers"] for name in ("run", "file")]
    assert numbers[0] == numbers[1] and numbers[0][0]["episode_return"] is not None
    command = ["attention", "--out", str(tmp_path / "q"), *options, "--target", "value"]
    assert cli.main([*command, str(files["sac"])]) == 2
    assert "error: --target: needs what judges actions" in capsys.readouterr().err
    assert cli.main([*command, str(files["ppo"])]) == 0, "its value is on the same head"


@pytest.mark.parametrize("damage", ["task", "field", "weights", "byte"])
def test_what_cannot_be_loaded_is_one_line(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    card, policy = agent_file.read(files["sac"])
    path = tmp_path / "a.safetensors"
    if damage == "task":
        card["config"]["task"] = "probe/nope"
    elif damage == "field":
        card["config"]["color"] = 1
    elif damage == "weights":
        policy["actor"].pop(next(iter(policy["actor"])))
    agent_file.write(path, card, policy)
    if damage == "byte":
        path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    said = {
        "task": "cannot be loaded: task: unknown task 'probe/nope'",
        "field": "cannot be loaded: it and this version of rad differ in the fields color",
        "weights": "cannot be loaded: Error(s) in loading state_dict for Actor: Missing key(s)",
        "byte": "is damaged: its contents do not match their SHA-256",
    }[damage]
    for command in ("evaluate", "attention"):
        assert cli.main([command, str(path)]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"error: RUN: {path} {said}") and error.count("\n") == 1


def test_a_file_has_no_checkpoints_and_is_not_replaced(
    runs: dict[str, Path], files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", str(files["sac"]), "--checkpoint", "best"]) == 2
    assert capsys.readouterr().err.startswith(f"error: --checkpoint: has no meaning for the file {files['sac']}, got")
    assert cli.main(["export", str(runs["sac"]), "--out", str(files["sac"])]) == 2
    assert capsys.readouterr().err.startswith(f"error: --out: {files['sac']} exists")


def test_a_checkpoint_by_its_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    start(tiny(), folder)
    assert [rad.load(folder, checkpoint=which).frames for which in ("40", 60, "last")] == [40, 60, 60]
    early = checkpoint.load(folder / CHECKPOINTS, only=("agent",), frames=40)[1]["agent"]["actor"]
    assert same(rad.load(folder, checkpoint="40").agent.actor.state_dict(), early)
    assert not same(rad.load(folder).agent.actor.state_dict(), early)
    assert cli.main(["evaluate", str(folder), "--checkpoint", "4e1"]) == 0
    capsys.readouterr()
    for which, said in (
        ("20", "must be last, best or one of 40, 60, got 20"),
        ("best", f"{folder} has no {BEST_FILE}"),
    ):
        assert cli.main(["evaluate", str(folder), "--checkpoint", which]) == 2
        assert capsys.readouterr().err.startswith(f"error: --checkpoint: {said}")


@pytest.fixture(scope="module")
def best(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("best") / "run"
    assert start(tiny(keep_best=True, eval_every=7, eval_episodes=1), folder) == 0
    return folder


def test_the_best_policy_is_kept_beside_the_last(best: Path) -> None:
    scored = [row for row in rows(best) if row["kind"] == EVALUATION]
    top = max(scored, key=lambda row: row["episode_return_mean"])  # the first one, of equals
    assert top["frames"] < 60, "else the test says nothing: take another seed"
    kept = rad.load(best, checkpoint="best")
    assert kept.frames == top["frames"]
    card = agent_file.read(best / BEST_FILE).card
    assert card["returns"]["train"]["mean"] == top["episode_return_mean"]
    (again,) = evaluate_run(best, checkpoint="best", episodes=2)
    assert again.frames == top["frames"]
    plain = best.parent / "plain"
    assert start(tiny(eval_every=7, eval_episodes=1), plain) == 0
    assert rows(plain) == rows(best) and same(weights(plain), weights(best)) and not (plain / BEST_FILE).exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_killed_run_keeps_the_same_best_one(best: Path, tmp_path: Path, workers: int) -> None:
    folder = tmp_path / "run"
    run_until(tiny(keep_best=True, eval_every=7, eval_episodes=1, eval_workers=workers), folder, 33)
    assert resume(folder) == 0
    (card, policy), (whole, of_whole) = (agent_file.read(run / BEST_FILE) for run in (folder, best))
    assert card["frames"] == whole["frames"] and card["returns"] == whole["returns"]
    for network, of in of_whole.items():
        for name, value in of.items():
            np.testing.assert_array_equal(policy[network][name], value)
