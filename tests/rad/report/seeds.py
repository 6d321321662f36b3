"""Folders with several runs of known returns for the tests of the report."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rad.report.read.groups import Group, group
from rad.report.read.run import read_run
from tests.rad.report.folders import make_run, row

FRAMES = 400


def scored(kind: str, steps: int, mean: float | None, std: float = 5.0) -> dict[str, Any]:
    return row(kind, steps, episode_return_mean=mean, episode_return_std=std, episodes=10.0)


def rows_of(final: float | None, *, test: float | None = None, random: float = 2.0, upto: int = FRAMES) -> list[Any]:
    """Return evaluations at each 200 frames: half of `final`, then `final`; on two splits where `test` is given."""
    splits = {"": final} if test is None else {"/train": final, "/test": test}
    result = [scored(f"baseline{split}", 0, random) for split in splits]
    result.append(row("train", 10, loss=0.5))
    for steps in range(50, upto // 4 + 1, 50):
        for split, mean in splits.items():
            result.append(scored(f"eval{split}", steps, mean if steps * 4 == FRAMES or mean is None else mean / 2))
    return result


def make_seed(root: Path, augment: str, seed: int, rows: list[Any], **config: Any) -> Path:
    """Write ROOT/TASK/AUGMENT/seed-N."""
    task = config.setdefault("task", "dmc/walker-walk")
    folder = root / task.replace("/", "-") / augment / f"seed-{seed}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    return make_run(folder, rows, **{"augment": augment, "seed": seed, "frames": FRAMES, **config})


def make_seeds(root: Path, finals: dict[str, Sequence[float]], **config: Any) -> Path:
    """Write a finished run for each final return of each augmentation."""
    for augment, values in finals.items():
        for seed, value in enumerate(values, start=1):
            make_seed(root, augment, seed, rows_of(value), **config)
    return root


def groups_in(root: Path) -> list[Group]:
    return group(read_run(path.parent) for path in sorted(root.rglob("config.json")))[0]


def write_episodes(run: Path, name: str, returns: dict[str, Sequence[float]], **fields: Any) -> Path:
    """Write a file as `rad evaluate` does, of one environment."""
    request = {"kind": "summary", "task": "dmc/walker-walk", "frames": FRAMES, "seed": 0, "policy": "mode", "envs": 1}
    path = run / "evaluations" / name
    path.parent.mkdir(exist_ok=True)
    lines: list[dict[str, Any]] = []
    for split, values in returns.items():
        for number, value in enumerate(values):
            lines.append({"kind": "episode", "split": split, "env": 0, "episode": number, "episode_return": value})
    for split, values in returns.items():
        counts = {"split": split, "episodes": len(values), "episodes_per_env": len(values), "train_split": "train"}
        lines.append(request | counts | {"episode_return_mean": sum(values) / len(values)} | fields)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
