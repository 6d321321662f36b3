"""The messages of a run: at its beginning, after each evaluation, and at its end."""

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from rad.experiment.algorithms import algorithm_of
from rad.experiment.build import action_repeat
from rad.experiment.config import RunConfig
from rad.report.draw.tables import Cell, Column, Table
from rad.runtime import plugins, run_dir
from rad.runtime.metrics_file import read_rows
from rad.runtime.progress import duration, three_digits

RANDOM_POLICY, EVALUATION = "baseline", "eval"  # kinds of rows
SUBJECTS = {RANDOM_POLICY: "random policy", EVALUATION: "trained"}
PHASES = {RANDOM_POLICY: "random policy", EVALUATION: "evaluating"}
MADE = {
    run_dir.CONFIG_FILE: "settings",
    run_dir.DONE_FILE: "that the run has ended, with versions and hardware",
    run_dir.METRICS_FILE: "every number that was logged",
    "tensorboard": "the same for TensorBoard",
    run_dir.BEST_FILE: "the policy that evaluated best",
    run_dir.CHECKPOINTS: "weights and all that a resume needs",
    run_dir.CURVE_FILE: "learning curve",
    run_dir.VIDEO_FILE: "an evaluation episode",
    run_dir.ATTENTION_PICTURE: "where the encoder looks, beside an untrained one",
}


def opening(config: RunConfig, folder: Path, made_with: Mapping[str, str], frames: int = 0, stored_on: str = "") -> str:
    """Say where a run writes, what it learns, how long it is and what it computes with; `frames` are done already.

    With a GPU it matters where observations are `stored_on`. A run without an update is warned of.
    """
    steps = -(-config.frames // action_repeat(config))
    threads = torch.get_num_threads()
    done = f", resumed at {frames:,}" if frames else ""
    hardware = f"{made_with['device']} ({made_with['hardware']}), {made_with['precision']}"
    stored = "" if made_with["device"] == "cpu" else f", observations stored on {stored_on}"
    ranks = f", {made_with['ranks']} ranks" if "ranks" in made_with else ""
    return "\n".join(
        [
            f"folder  {folder}",
            f"task    {config.task}, {config.algo} with augmentation {config.augment}, seed {config.seed}",
            f"length  {config.frames:,} frames ({steps:,} agent steps){done}",
            f"device  {hardware}, {threads} thread{'s' if threads > 1 else ''}{ranks}{stored}",
            *([f"warning: {idle}"] if (idle := algorithm_of(config).idle(config)) else []),
        ]
    )


def go_on_with(folder: Path) -> str:
    """Say how to go on with a run that was stopped before it trained."""
    return f"go on with it: rad train --resume {_typed(folder)}"


def stopped(folder: Path, frames: int) -> str:
    """Say how to resume a run that was stopped."""
    return f"stopped at {frames:,} frames; resume with: rad train --resume {_typed(folder)}"


def evaluated(rows: Mapping[str, Mapping[str, float]], frames: int, seconds: float) -> str:
    """Say how an evaluation after so many frames scored, a line for each kind of row, and behind all what they took."""
    took = f", {'all ' * (len(rows) > 1)}in {duration(seconds)}" if seconds >= 1 else ""
    return "\n".join(f"{subject(kind, frames)}: {_scores(row)}" for kind, row in rows.items()) + took


def subject(kind: str, frames: int) -> str:
    """Name an evaluation after so many frames by the kind of its rows."""
    name, _, split = kind.partition("/")
    who = SUBJECTS[name] if name == RANDOM_POLICY else f"evaluation at {frames:,} frames"
    return f"{who}, {split}" if split else who


def _scores(row: Mapping[str, float]) -> str:
    mean, std = (three_digits(row[f"episode_return_{name}"]) for name in ("mean", "std"))
    return f"mean return {mean}, std {std}, {row['episodes']:.0f} episodes"


def closing(folder: Path) -> str:
    """Say how a finished run scored beside the random policy, what it has made, and what to do next."""
    width = max(map(len, MADE))
    files = [f"  {name:{width}}  {what}" for name, what in MADE.items() if (folder / name).exists()]
    scored = _scored(read_rows(folder / run_dir.METRICS_FILE))
    return "\n".join([*scored, f"made in {folder}:", *files, "next:", *_next(folder)])


def _scored(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the last evaluation beside the random policy, a line for each of them and each split."""
    last = {row["kind"]: row for row in rows if row["kind"].partition("/")[0] in SUBJECTS}
    if not last:
        return []
    kinds = sorted(last, key=lambda kind: (kind.partition("/")[2], kind.startswith(RANDOM_POLICY)))
    texts, numbers = ("policy", "split"), ("mean return", "std", "episodes")
    columns = [*(Column(name, "text") for name in texts), *(Column(name) for name in numbers)]
    end, table = rows[-1], Table(columns, [_cells(kind, last[kind]) for kind in kinds]).plain()
    head = f"after {end['frames']:,} frames ({end['agent_steps']:,} agent steps) and {duration(end['time_s'])}:"
    return [head, textwrap.indent(table, "  ")]


def _cells(kind: str, row: Mapping[str, Any]) -> list[Cell]:
    name, _, split = kind.partition("/")
    mean, std = (three_digits(row[f"episode_return_{part}"]) for part in ("mean", "std"))
    return [SUBJECTS[name], split, mean, std, f"{row['episodes']:.0f}"]


def _next(folder: Path) -> list[str]:
    """Return commands: draw what is missing, evaluate with a video, compare with the runs beside this one."""
    run, video = _typed(folder), shlex.quote(str(folder / "episode.mp4"))
    beside = [
        path for path in folder.absolute().parent.glob(f"*/{run_dir.METRICS_FILE}") if path.parent.name != folder.name
    ]
    last = f"report {shlex.quote(str(folder.parent))}" if beside else f"attention {run}"
    draw = [] if (folder / run_dir.CURVE_FILE).exists() else [f"  rad draw {run}"]
    return [*draw, f"  rad evaluate {run} --episodes 30 --video {video}", f"  rad {last}"]


def _typed(folder: Path) -> str:
    """Write a run folder, and the plugins that it needs, as words of a command."""
    return shlex.join([str(folder), *plugins.flags()])
