"""Trials of tiny runs, and folders as `rad train` leaves them."""

import json
from pathlib import Path
from typing import Any

from rad.experiment.config import to_json
from rad.sweep.grid import Trial
from tests.integration.runs import tiny


def trial(out: Path, seed: int = 1, augment: str = "none", swept: dict[str, str] | None = None, **run: Any) -> Trial:
    """Return a trial of 60 frames in the folder of a sweep."""
    name = "/".join(["probe-both", augment, *(f"{key}={text}" for key, text in (swept or {}).items()), f"seed-{seed}"])
    return Trial(name, tiny(seed=seed, augment=augment, out=out / name, **run), swept or {})


def leave(made: Trial, frames: int, done: bool = False, mean: float | None = 3.0, kind: str = "eval") -> None:
    """Leave the folder of a run that came to `frames`, evaluated at 40 and, at its end, at 60."""
    made.folder.mkdir(parents=True, exist_ok=True)
    (made.folder / "config.json").write_text(json.dumps(to_json(made.config)))
    rows = [
        {"kind": "episode", "frames": at, "agent_steps": at, "time_s": at / 10, "episode_return": at / 2}
        for at in range(10, frames + 1, 10)
    ]
    rows += [
        {"kind": kind, "frames": at, "agent_steps": at, "time_s": at / 10, "episode_return_mean": value}
        for at, value in ((40, 1.0), (60, mean))
        if at <= frames
    ]
    (made.folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if done:
        (made.folder / "done.json").touch()
