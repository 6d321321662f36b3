"""Run folders for the tests of the report."""

import json
from pathlib import Path
from typing import Any

CONFIG = {"task": "dmc/walker-walk", "render_quality": "paper", "algo": "sac", "augment": "crop", "seed": 3}


def row(kind: str, steps: int, repeat: int = 4, **metrics: float | None) -> dict[str, Any]:
    return {"kind": kind, "frames": steps * repeat, "agent_steps": steps, "time_s": 1.5, **metrics}


def evaluation(steps: int, mean: float | None, std: float = 5.0, repeat: int = 4) -> dict[str, Any]:
    return row("eval", steps, repeat, episode_return_mean=mean, episode_return_std=std, episodes=10.0)


def baseline(mean: float) -> dict[str, Any]:
    return row("baseline", 0, episode_return_mean=mean, episode_return_std=1.0, episodes=10.0)


ROWS = [baseline(30.0), row("train", 10, critic_loss=0.5), evaluation(100, 50.0), evaluation(200, 120.0)]


def make_run(folder: Path, rows: list[dict[str, Any]] | None = None, **config: Any) -> Path:
    """Write a run folder with these rows and CONFIG, changed by `config`."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    lines = [json.dumps(one) + "\n" for one in (ROWS if rows is None else rows)]
    (folder / "metrics.jsonl").write_text("".join(lines))
    return folder
