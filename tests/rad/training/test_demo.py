"""The demo fits its task to the machine and the minutes, replaces earlier demos only, and says what it made."""

import dataclasses
import json
from pathlib import Path

import pytest

from rad.experiment.config import RunConfig
from rad.experiment.presets import preset
from rad.runtime.metrics_file import read_rows
from rad.runtime.run_dir import CONFIG_FILE, CURVE_FILE, DEMO_FILE, METRICS_FILE, VIDEO_FILE
from rad.training import demo
from rad.training.measure import Cost
from rad.training.pictures import PICTURES

CONFIG = preset("demo")
COST = Cost(frames_per_s=100.0, bytes=1, play_frames_per_s=500.0)


def test_frames_fill_the_time_that_evaluations_and_pictures_leave() -> None:
    playing_s = ((demo.EVALUATIONS + 1) * CONFIG.eval_episodes * 1_000 + 4_000) / 500  # the warm-up has no updates
    fitted = demo.fitted(CONFIG, COST, left_s=playing_s + demo.ENDING_S + 200.5)
    assert fitted.frames == 24_000  # of 20,050 with updates and 4,000 of the warm-up, evaluated at whole hundreds
    assert fitted.eval_every == 6_000


def test_a_fast_machine_does_not_go_beyond_the_preset() -> None:
    assert demo.fitted(CONFIG, COST, left_s=1e6).frames == CONFIG.frames


def test_a_slow_machine_learns_for_an_episode_at_least() -> None:
    assert demo.fitted(CONFIG, COST, left_s=1.0).frames == 4_800  # of 1,000 behind the warm-up of 4,000


def test_it_says_what_it_chose() -> None:
    enough, few = (demo.fitted(CONFIG, COST, left_s=s) for s in (1_000.0, 100.0))
    assert f"so {enough.frames:,} frames fit into 5 minutes" in demo.choice(enough, COST, 5.0)
    assert "mostly learns" not in demo.choice(enough, COST, 5.0)
    assert few.frames < demo.FEWEST_FRAMES
    assert "it mostly learns within 16,800: --minutes " in demo.choice(few, COST, 3.0)


def test_only_the_folder_of_a_demo_that_ended_is_replaced(tmp_path: Path) -> None:
    of_a_sweep, old = tmp_path / "sweep", tmp_path / "old"
    for folder in (of_a_sweep, old):
        folder.mkdir()
        (folder / CONFIG_FILE).write_text(json.dumps({"preset": "demo"}))
    with pytest.raises(ValueError, match=f"{of_a_sweep} exists and is not a demo that ended; remove it"):
        demo.clear(of_a_sweep)
    assert (of_a_sweep / CONFIG_FILE).exists()
    (old / DEMO_FILE).write_text("{}")
    demo.check_out(old)
    with pytest.raises(ValueError, match="seed"):
        demo.run(5.0, old, seed=-1)
    assert (old / DEMO_FILE).exists()  # and nothing of it before all is checked


def small(config: RunConfig, cost: Cost, left_s: float) -> RunConfig:
    return dataclasses.replace(config, frames=1_000, eval_every=0, eval_episodes=1, warmup_steps=240)


@pytest.mark.slow
def test_a_whole_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("dm_control", reason="the demo is of a DeepMind Control task")
    monkeypatch.setattr(demo, "measure", lambda config: COST)
    monkeypatch.setattr(demo, "fitted", small)
    (tmp_path / "demo").mkdir()
    for name in (DEMO_FILE, "of the earlier one"):
        (tmp_path / "demo" / name).write_text("{}")
    assert demo.run(5.0, tmp_path / "demo", seed=2, pictures=PICTURES) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {row["kind"]: row for row in read_rows(tmp_path / "demo" / METRICS_FILE)}
    ratio = rows["eval"]["episode_return_mean"] / rows["baseline"]["episode_return_mean"]
    assert lines[-1] == f"the trained policy scores {ratio:.1f} times as much as the random policy"
    assert all((tmp_path / "demo" / name).exists() for name in (DEMO_FILE, VIDEO_FILE, CURVE_FILE))
    assert not (tmp_path / "demo" / "of the earlier one").exists()
