"""Where trained runs look: maps on one bank of states, how far they can be trusted, a figure, a table and films."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from rad.attention.methods import METHODS, Settings, allowed_methods, attend, check_methods
from rad.attention.numbers import checked, numbers_of
from rad.attention.outputs import draw, save_maps, write_film
from rad.attention.run_maps import Gaze, Question, look
from rad.attention.states import check_alike, fill_bank
from rad.envs.dmc.appearances import TRAIN
from rad.evaluation.loaded_run import LoadedRun, load
from rad.experiment.config import RunConfig
from rad.experiment.config_file import to_json
from rad.experiment.splits import check_split, named
from rad.report.draw.result_tables import attention_table
from rad.report.read.groups import method_name
from rad.report.stats.attention import attention_rows
from rad.runtime.files import replacing
from rad.runtime.run_dir import ATTENTION_FILE

TABLE_FILE, MAPS_FILE = "table.md", "maps.npz"


def attend_runs(
    folders: Sequence[Path],
    out: Path,
    *,
    frames: int = 128,
    methods: Sequence[str] = (),
    target: str = "policy",
    settings: Settings | None = None,
    split: str = TRAIN,
    show: int = 3,
    table: bool = True,
    video: bool = True,
    seed: int = 0,
    device: str = "auto",
    tell: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Write what runs look at into a folder: figures and raw maps, and on request a table and films.

    Args:
        folders: of the runs, trained on one task.
        out: folder; made if it is not there. Files of an earlier call are replaced.
        frames: states in the bank.
        methods: of `METHODS`, none for all that the runs allow.
        target: what the maps explain.
        settings: how maps are made.
        split: that the states are from.
        show: number of states that are drawn, a figure for each.
        table: also write the numbers.
        video: also write an episode of each run.
        seed: of the states and of all chance. The same runs and flags give the same maps, byte for byte.
        device: any.
        tell: is called with a line about what begins.

    Returns:
        The files that were written.

    Raises:
        ValueError: a flag does not fit the runs, or a folder holds no run with a checkpoint; nothing is written then.
    """
    runs = [load(folder, device) for folder in folders]
    labels = _labels([run.config for run in runs])
    for run in runs:
        with named("split"):
            check_split(run.config, split)
    check_alike([run.config for run in runs], split)
    question = Question(_methods(methods, runs, target), target, settings or Settings(), split, seed)
    _check(question, runs)
    tell(f"playing {len(runs)} runs for {frames} states")
    bank = fill_bank(runs, frames, seed, split)
    gazes = []
    for label, run, states in zip(labels, runs, bank):
        tell(f"maps of {label}")
        gazes.append(look(label, run, states, question))
    out.mkdir(parents=True, exist_ok=True)
    written = [*draw(gazes, question, show, out), save_maps(gazes, out / MAPS_FILE)]
    if table:
        tell("numbers")
        written += _write_table(folders, gazes, question, out)
    if video:
        tell("films")
        written += [file for gaze in gazes for file in write_film(gaze, question, out)]
    return written


def _labels(configs: Sequence[RunConfig]) -> list[str]:
    """Name each run by its augmentation and seed; equal names are numbered."""
    names = [f"{method_name(to_json(config))}, seed {config.seed}" for config in configs]
    if len(set(names)) == len(names):
        return names
    return [f"{name} ({number})" for number, name in enumerate(names, start=1)]


def _methods(asked: Sequence[str], runs: Sequence[LoadedRun], target: str) -> tuple[str, ...]:
    if asked:
        return tuple(dict.fromkeys(asked))
    with named("target"):
        allowed = [allowed_methods(run.agent.target(target)) for run in runs]
    return tuple(name for name in METHODS if all(name in names for names in allowed))


def _check(question: Question, runs: Sequence[LoadedRun]) -> None:
    """Try each flag on a black image, before anything is played."""
    for run in runs:
        black = torch.zeros(1, *run.agent.encoder.image_shape, device=run.agent.device)
        with named("target"):
            target = run.agent.target(question.target)
        with named("methods"):
            check_methods(question.methods, target)
        with named("stage"):
            run.agent.encoder.receptive_field(question.settings.stage)
        for name in ("power", "norm"):
            with named(name):
                how = dataclasses.replace(Settings(), **{name: getattr(question.settings, name)})
                attend("activation", run.agent.encoder, target, black, how)


def _write_table(folders: Sequence[Path], gazes: Sequence[Gaze], question: Question, out: Path) -> list[Path]:
    """Write every number as JSON and the table per augmentation as Markdown."""
    numbers = [row for folder, gaze in zip(folders, gazes) for row in numbers_of(folder, gaze, question)]
    asked = dataclasses.asdict(question) | {"frames": len(gazes[0].images), "checked_frames": checked(gazes[0])}
    with replacing(out / ATTENTION_FILE) as file:
        rows = ",\n".join(json.dumps(row) for row in numbers)
        file.write(f'{{"question": {json.dumps(asked)},\n"numbers": [\n{rows}\n]}}\n'.encode())
    with replacing(out / TABLE_FILE) as file:
        file.write(attention_table(attention_rows(numbers)).markdown().encode())
    return [out / TABLE_FILE, out / ATTENTION_FILE]
