"""Where trained runs look: maps on the same states, how far they can be trusted, figures, a table and videos."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from rad.attention import over_agents
from rad.attention.methods import METHODS, Settings, allowed_methods, attend, check_methods
from rad.attention.numbers import checked, effects_of, numbers_of
from rad.attention.outputs import FILES, draw, save_maps, write_episode
from rad.attention.run_maps import AttentionRequest, RunMaps, compute_maps
from rad.attention.states import check_alike, collect_states
from rad.evaluation.loaded_run import LoadedRun, load
from rad.experiment.build import tells_robot
from rad.experiment.config import RunConfig
from rad.experiment.config_file import to_json
from rad.experiment.splits import check_split
from rad.report.draw.result_tables import attention_table, object_table, short_attention_table, truth_table, wrapped
from rad.report.draw.style import file_name
from rad.report.read.final_returns import TRAIN
from rad.report.read.groups import method_name
from rad.report.stats.attention import attention_rows, object_rows
from rad.runtime.files import read_object, replacing
from rad.runtime.run_dir import ATTENTION_FILE
from rad.settings import SettingError, setting

Tell = Callable[[str], None]

POLICY = "policy"
TABLE_FILE, MAPS_FILE = "table.md", "maps.npz"


def attend_runs(
    folders: Sequence[Path],
    out: Path,
    *,
    states: int = 128,
    methods: Sequence[str] = (),
    target: str = POLICY,
    settings: Settings | None = None,
    split: str = TRAIN,
    ground_truth: bool = False,
    change: str = "removed",
    show: int = 3,
    table: bool = True,
    video: bool = True,
    seed: int = 0,
    device: str = "auto",
    tell: Tell = lambda line: None,
) -> list[Path]:
    """Write what runs look at into a folder: figures and raw maps, and on request a table and videos.

    The arguments are the flags of `rad attention`; `tell` is called with a line about each step as it begins. The same
    runs and flags give the same maps, byte for byte. Files of an earlier call are replaced.

    Returns:
        The files that were written.

    Raises:
        ValueError: a flag does not fit the runs, or a path is neither a run with a checkpoint nor an exported file;
            nothing is written then.
    """
    runs = [load(folder, device) for folder in folders]
    labels = _labels([run.config for run in runs])
    for run in runs:
        check_split(run.config, split)
    check_alike([run.config for run in runs], split)
    how = settings or Settings()
    request = AttentionRequest(
        _methods(methods, runs, target), target, how, split, seed, change if ground_truth else ""
    )
    _check(request, runs)
    all_maps = []
    all_states = collect_states(runs, states, seed, split, request.change, tell=tell)
    for number, (label, run, seen) in enumerate(zip(labels, runs, all_states), start=1):
        tell(f"maps of {label} ({number} of {len(runs)})")
        all_maps.append(compute_maps(label, run, seen, request))
    out.mkdir(parents=True, exist_ok=True)
    _clear(out)
    written = [*draw(all_maps, request, show, out), save_maps(all_maps, out / MAPS_FILE)]
    if table:
        written += _write_table(folders, all_maps, request, out, tell)
    if video:
        for number, (of, name) in enumerate(zip(all_maps, _numbered([file_name(label) for label in labels])), start=1):
            tell(f"video of {of.label} ({number} of {len(runs)})")
            written += write_episode(of, request, out, name)
    return written


def _clear(out: Path) -> None:
    """Remove figures, videos and tables of an earlier call, which this one may have fewer of.

    Every call leaves its maps: in a folder without them all is somebody else's.
    """
    if not (out / MAPS_FILE).exists():
        return
    for name in (*FILES, MAPS_FILE, TABLE_FILE, ATTENTION_FILE, *over_agents.FILES):
        for path in out.glob(name):
            path.unlink()


def _labels(configs: Sequence[RunConfig]) -> list[str]:
    """Name each run by its augmentation and seed; equal names are numbered."""
    names = [f"{method_name(to_json(config))}, seed {config.seed}" for config in configs]
    return _numbered(names, " ({})")


def _numbered(names: Sequence[str], number: str = "-{}") -> list[str]:
    """Return the names, each with a number behind it if two are equal."""
    if len(set(names)) == len(names):
        return list(names)
    return [name + number.format(place) for place, name in enumerate(names, start=1)]


def _methods(names: Sequence[str], runs: Sequence[LoadedRun], target: str) -> tuple[str, ...]:
    if names:
        return tuple(dict.fromkeys(names))
    with setting("target"):
        allowed = [allowed_methods(run.agent.target(target)) for run in runs]
    return tuple(name for name in METHODS if all(name in names for names in allowed))


def _check(request: AttentionRequest, runs: Sequence[LoadedRun]) -> None:
    """Try each flag on a black image, before anything is played."""
    for run in runs:
        if request.change and not tells_robot(run.config):
            raise SettingError("ground_truth", f"{run.config.task} cannot change single objects; allowed: tasks of dmc")
        black = torch.zeros(1, *run.agent.encoder.image_shape, device=run.agent.device)
        with setting("target"):
            target = run.agent.target(request.target)
            if run.exported and request.target != POLICY and not {*run.agent.heads} <= {*run.agent.acting}:
                raise ValueError(f"needs what judges actions, which a file of rad export lacks; allowed: {POLICY}")
        with setting("methods"):
            check_methods(request.methods, target)
        with setting("stage"):
            run.agent.encoder.receptive_field(request.settings.stage)
        for name in ("power", "norm"):
            with setting(name):
                how = dataclasses.replace(Settings(), **{name: getattr(request.settings, name)})
                attend("activation", run.agent.encoder, target, black, how)


def _write_table(
    folders: Sequence[Path], all_maps: Sequence[RunMaps], request: AttentionRequest, out: Path, tell: Tell
) -> list[Path]:
    """Write every number as JSON, the tables per augmentation as Markdown, and what holds over all runs."""
    numbers: list[dict[str, Any]] = []
    for number, (folder, run_maps) in enumerate(zip(folders, all_maps), start=1):
        tell(f"numbers of {run_maps.label} ({number} of {len(all_maps)})")
        numbers += numbers_of(folder, run_maps, request)
    effects = [row for run_maps in all_maps for row in effects_of(run_maps)]
    counts = {"states": len(all_maps[0].images), "checked_states": len(checked(all_maps[0]))}
    parts = [f'"question": {json.dumps(dataclasses.asdict(request) | counts)}', f'"numbers": {_listed(numbers)}']
    parts += [f'"objects": {_listed(effects)}'] if effects else []
    with replacing(out / ATTENTION_FILE) as file:
        file.write(("{" + ",\n".join(parts) + "}\n").encode())
    rows = attention_rows(numbers)
    tables = [attention_table(rows), *([object_table(object_rows(effects)), truth_table(rows)] if effects else [])]
    with replacing(out / TABLE_FILE) as file:
        file.write("\n".join(table.markdown() for table in tables).encode())
    return [out / TABLE_FILE, out / ATTENTION_FILE, *over_agents.write_agents(folders, numbers, out)]


def short_text(out: Path) -> str:
    """Return what to read first of the numbers in a folder that `attend_runs` wrote, as text for a terminal."""
    table = short_attention_table(attention_rows(read_object(out / ATTENTION_FILE)["numbers"]))
    return "\n".join([table.plain(), *map(wrapped, table.notes), f"all columns: {out / TABLE_FILE}"])


def _listed(rows: Sequence[dict[str, Any]]) -> str:
    """Write rows as JSON, each on a line."""
    lines = ",\n".join(map(json.dumps, rows))
    return f"[\n{lines}\n]"
