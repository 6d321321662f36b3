"""Recorded episodes: what they hold in each suite, and the data set that Minari reads back."""

import importlib.util
import json
import sys
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rad import cli, envs
from rad.evaluation import recording
from rad.evaluation.minari_files import Episode, check_space
from rad.evaluation.play import random_policy
from rad.evaluation.recording import Recorded, play_episode, record
from rad.runtime.files import locked
from rad.training.trainer import start
from tests.integration.runs import tiny

needs_minari = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("minari", "h5py")), reason="needs the extra record"
)
SHORT = 24  # simulator steps of an episode of dmc


def played(task: str, seed: int = 5, **options: Any) -> tuple[Episode, Any]:
    """Play an episode at random; return it, and the environment."""
    env: Any = envs.make(task, **options)
    if task.startswith("dmc"):
        env.envs[0].simulator._env._step_limit = SHORT
    return play_episode(env, random_policy(env, 1), seed), env


@pytest.mark.slow
def test_the_states_of_dmc_draw_the_observations() -> None:
    options: dict[str, Any] = {"image_size": 24, "frame_stack": 1, "action_repeat": 10, "render_quality": "fast"}
    episode, env = played("dmc/cartpole-swingup", **options)
    with closing(env):
        assert episode.observations.shape == (4, 3, 24, 24) and episode.observations.dtype == np.uint8
        assert episode.actions.shape == (3, 1) and episode.actions.dtype == np.float32
        assert episode.rewards.shape == (3,) and episode.rewards.dtype == np.float64
        assert episode.terminations.tolist() == [False] * 3 and episode.truncations.tolist() == [False, False, True]
        assert episode.states.shape == (4, 4) and episode.state_sizes.tolist() == [4] * 4
        simulator = env.envs[0].simulator
        for state, obs in zip(episode.states, episode.observations):
            with simulator._physics.reset_context():
                simulator._physics.set_state(state)
            np.testing.assert_array_equal(simulator.frame(), obs)


@pytest.mark.slow
def test_the_states_of_procgen_draw_the_observations() -> None:
    pytest.importorskip("procgen")
    episode, env = played("procgen/bossfight")
    with closing(env):
        steps = len(episode.rewards)
        assert episode.actions.shape == (steps,) and episode.actions.dtype == np.int64
        assert episode.terminations.tolist() == [False] * (steps - 1) + [True] and not episode.truncations.any()
        assert episode.states.dtype == np.uint8 and episode.states.shape == (steps + 1, episode.state_sizes.max())
        for t in (0, steps // 2, steps - 1):
            env._native.set_blob(0, episode.states[t, : episode.state_sizes[t]].tobytes())
            np.testing.assert_array_equal(env._native.read().frames[0].transpose(2, 0, 1), episode.observations[t])
        np.testing.assert_array_equal(episode.observations[-1], episode.observations[-2])  # it is never drawn


def test_a_suite_without_states_has_none() -> None:
    episode, env = played("probe/discounting", image_size=16, frame_stack=1)
    with closing(env):
        assert episode.states.shape == (3, 0) and episode.rewards.tolist() == [0.0, 1.0]
        assert [obs.mean() for obs in episode.observations] == [40.0, 215.0, 215.0]


def test_an_episode_depends_on_its_seed_alone() -> None:
    with closing(envs.make("probe/both", image_size=16, frame_stack=1)) as env:

        def colors(seeds: range) -> list[float]:
            return [float(play_episode(env, random_policy(env, 1), seed).observations.mean()) for seed in seeds]

        assert colors(range(12)) == colors(range(11, -1, -1))[::-1]
        assert len(set(colors(range(12)))) == 2


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    start(tiny(task="probe/discounting", frames=30, eval_every=0), folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@needs_minari
def test_minari_reads_the_data_set(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import minari

    out = tmp_path / "probe data"
    assert cli.main(["record", str(run), "--episodes", "3", "--out", str(out), "--split", "train", "--seed", "4"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"{out / 'data'}: 3 episodes, 6 steps",
        f"read it with: minari.MinariDataset('{out / 'data'}')",
    ]
    data = minari.MinariDataset(str(out / "data"))
    assert (data.total_episodes, data.total_steps, data.id) == (3, 6, "probe-data-v0")
    assert data.observation_space.shape == (3, 16, 16) and data.action_space.shape == (1,)
    for episode in data.iterate_episodes():
        assert episode.observations.dtype == np.uint8 and episode.observations.shape == (3, 3, 16, 16)
        assert episode.observations.mean((1, 2, 3)).tolist() == [40.0, 215.0, 215.0]
        assert episode.actions.shape == (2, 1) and episode.rewards.tolist() == [0.0, 1.0]
        assert episode.terminations.tolist() == [False, True] and not episode.truncations.any()
    of_each = list(data.storage.get_episode_metadata(range(3)))
    assert [(one["split"], one["episode_return"]) for one in of_each] == [("train", 1.0)] * 3
    assert len({one["seed"] for one in of_each}) == 3
    recorded = data.storage.metadata["recording"]
    assert (recorded["run"], recorded["split"], recorded["frames_trained"]) == ("run", "train", 30)
    assert sorted(path.name for path in out.iterdir()) == ["data", "recording.json"]


@needs_minari
def test_a_relative_path_holds_the_same_data_set(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import minari

    monkeypatch.chdir(tmp_path)
    made = record(run, Path("data/demo"), episodes=1)
    assert made == Recorded(Path("data/demo/data"), 1, 2)
    assert minari.MinariDataset(str(made.folder))[0].rewards.tolist() == [0.0, 1.0]
    assert contents(made.folder) == contents(record(run, tmp_path / "whole" / "demo", episodes=1).folder)


@needs_minari
def test_states_are_read_back_without_their_padding(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import minari

    play = play_episode
    states = np.array([[1, 2, 0], [3, 0, 0], [4, 5, 6]], np.uint8)
    monkeypatch.setattr(
        recording, "play_episode", lambda *args: play(*args)._replace(states=states, state_sizes=np.array([2, 1, 3]))
    )
    made = record(run, tmp_path / "data", episodes=1)
    infos = minari.MinariDataset(str(made.folder))[0].infos
    np.testing.assert_array_equal(infos["state"].view(np.uint8), states)
    assert infos["state_size"].tolist() == [2, 1, 3]


@needs_minari
@pytest.mark.parametrize("interrupted", ["play_episode", "_write"])
def test_an_interrupted_recording_goes_on_to_the_same_data_set(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: str
) -> None:
    whole = record(run, tmp_path / "whole" / "data-v1", episodes=4, policy="sample")
    calls = []
    original: Callable[..., Any] = getattr(recording, interrupted)

    def interrupt(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == (3 if interrupted == "play_episode" else 1):
            raise KeyboardInterrupt
        return original(*args)

    out = tmp_path / "parts" / "data-v1"
    monkeypatch.setattr(recording, interrupted, interrupt)
    with pytest.raises(KeyboardInterrupt):
        record(run, out, episodes=4, policy="sample")
    assert not (out / "data").exists() and len(list((out / "episodes").iterdir())) == (2 if len(calls) == 3 else 4)
    assert record(run, out, episodes=4, policy="sample") == Recorded(out / "data", 4, 8)
    assert len(calls) == (5 if interrupted == "play_episode" else 2)
    assert contents(out / "data") == contents(whole.folder)
    calls.clear()
    assert record(run, out, episodes=4, policy="sample").steps == 8 and not calls


@needs_minari
def test_plugins_may_move_before_a_recording_goes_on(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    record(run, out, episodes=1)
    request = json.loads((out / "recording.json").read_text())
    assert "plugins" not in request["settings"]
    request["settings"]["plugins"] = ["/old/place.py"]  # as version 0.2.0 wrote it
    (out / "recording.json").write_text(json.dumps(request))
    assert record(run, out, episodes=1).folder == out / "data"


@needs_minari
def test_what_a_folder_holds_is_not_mixed_with_something_else(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, words = tmp_path / "data", ["record", str(run), "--episodes", "1", "--out"]
    record(run, out, episodes=1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    for typed, said in [
        ([*words, str(out), "--seed", "1"], f"--out: {out} was recorded with seed 0, now 1; choose"),
        ([*words, str(out), "--policy", "sample"], f"--out: {out} was recorded with policy mode, now sample; choose"),
        (
            [*words, str(out), "--episodes", "2"],
            f"--episodes: must be 1, as many as {out} holds, or --out another folder, got 2",
        ),
        ([*words, str(tmp_path / "other")], "holds something else than a recording; choose another folder"),
        ([*words, str(tmp_path / "other" / "file")], "holds something else than a recording; choose another folder"),
        ([*words, str(tmp_path / "new"), "--split", "dark"], "--split: probe/discounting has no split dark; allowed"),
        (
            ["record", "nowhere", "--out", str(tmp_path / "new")],
            "RUN: must be a run folder, or a file of rad export, got nowhere",
        ),
        (["record", str(run), "--episodes", "0", "--out", "x"], "--episodes: must be at least 1, got 0"),
    ]:
        assert cli.main(typed) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and said in error and error.count("\n") == 1
    assert not (tmp_path / "new").exists()
    with locked(out / "recording.json"):
        assert cli.main([*words, str(out)]) == 2
    assert capsys.readouterr().err == f"error: {out} is in use by another process\n"


@pytest.mark.parametrize(("frame_stack", "error"), [(10, None), (11, "got 33")])
def test_stacks_that_minari_takes_for_images_are_refused(frame_stack: int, error: str | None) -> None:
    refused: Any = pytest.raises(ValueError, match=error) if error else nullcontext()
    with closing(envs.make("probe/both", image_size=16, frame_stack=frame_stack)) as env, refused:
        check_space(env)


def test_without_minari_nothing_is_played(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "minari", None)
    assert cli.main(["record", str(run), "--out", str(tmp_path / "data")]) == 2
    assert capsys.readouterr().err == "error: recording needs minari: pip install 'rad-rl[record]'\n"
    assert not (tmp_path / "data").exists()
