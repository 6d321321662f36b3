"""The runs below a folder, in groups that their configurations define, whatever the folders are called."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rad.report.read.evaluation_files import read_evaluations
from rad.report.read.run import Run, made_with, read_run
from rad.runtime.files import read_object
from rad.runtime.run_dir import ATTENTION_FILE, CONFIG_FILE, METRICS_FILE, RECORD_FILE, is_done

# They decide where and what is written, not what is computed; runs of a group differ in their seeds.
NOT_COMPARED = frozenset(
    {"seed", "out", "plugins", "device", "threads", "capture", "tensorboard", "wandb_project"}
    | {"video_size", "log_every", "checkpoint_every"}
)
NAMING = ("algo", "preset")  # settings that follow from them need not be named
IN_NAME = frozenset({"task", "augment", "strong_augment"})

Json = dict[str, Any]


@dataclass(frozen=True)
class Scan:
    """What a folder holds, at any depth."""

    folder: Path
    runs: list[Run] = field(default_factory=list)  # run folders, in the order of their paths
    attention: list[Path] = field(default_factory=list)  # folders that `rad attention` has written
    unread: list[str] = field(default_factory=list)  # a line for each run folder, or file, that is damaged or foreign
    not_started: list[Path] = field(default_factory=list)  # run folders without metrics
    record: Json = field(default_factory=dict)  # contents of sweep.json; empty without one

    def shown(self, path: Path) -> str:
        """Return a path relative to the folder."""
        return "." if path == self.folder else path.relative_to(self.folder).as_posix()


class Group(NamedTuple):
    """Runs that differ in their seed only."""

    task: str
    augment: str  # see `method_name`
    variant: tuple[tuple[str, Any], ...]  # further fields that distinguish it from other groups
    runs: tuple[Run, ...]  # at least one, each with another seed

    @property
    def method(self) -> str:
        """Name of the method, whatever the task."""
        return ", ".join([self.augment, *(f"{name}={shown(value)}" for name, value in self.variant)])


def method_name(config: Json) -> str:
    """Return the name of a run's method, which is how it augments: the same in `rad report` and `rad attention`.

    Example:
        >>> method_name({"augment": "shift", "agent": {"strong_augment": "random_conv"}})
        'shift and strong random_conv'
    """
    fields = flat(config)
    augment, strong = (str(fields.get(name, "none")) for name in ("augment", "strong_augment"))
    return augment if strong == "none" else f"{augment} and strong {strong}"


def runs_in(groups: Iterable[Group]) -> list[Run]:
    """Return the runs of all groups."""
    return [run for group in groups for run in group.runs]


def find_runs(folder: Path) -> Scan:
    """Find the runs in a folder, or the run that it is.

    Raises:
        ValueError: there is no such folder, or no run in it can be read.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; expected a run folder or a folder of several runs")
    scan = Scan(folder)
    with suppress(OSError, ValueError):
        scan.record.update(read_object(folder / RECORD_FILE))
    for path, files in walk(folder):
        if ATTENTION_FILE in files:
            scan.attention.append(path)
        if CONFIG_FILE in files:
            _add(scan, path)
    _settle_precision(scan.runs)
    if not scan.runs:
        lines = [*scan.unread, *(f"{scan.shown(path)}: no {METRICS_FILE}" for path in scan.not_started)]
        why = f": {'; '.join(lines)}" if lines else ""
        raise ValueError(f"{folder} holds no run, a folder with {CONFIG_FILE} and {METRICS_FILE}{why}")
    return scan


def walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder below a folder with its files, in the order of their paths; none inside a run."""
    for path, subfolders, files in os.walk(folder):
        subfolders.sort()
        if CONFIG_FILE in files:
            subfolders.clear()
        yield Path(path), files


def flat(config: Json) -> Json:
    """Return all fields of a configuration by name, those of nested parts among them."""
    fields: Json = {}
    for name, value in config.items():
        fields |= flat(value) if isinstance(value, dict) else {name: value}
    return fields


def group(runs: Iterable[Run]) -> tuple[list[Group], list[str]]:
    """Put runs into groups, and return a line for each run that is left out because its group has another of its seed.

    Of two runs with the same seed the longer one is kept.

    A field distinguishes groups if it varies between runs of one task and augmentation. A field that varies with the
    task or the augmentation alone, such as a preset's learning rate for a task, does not, and of several that vary
    together one is enough. Where presets are named, one whose runs all have one value of a field is named without it.

    Returns:
        Groups in the order of their first runs, those without augmentation first in each task.
    """
    configs = [(run, flat(run.config)) for run in runs]
    fields = _naming([config for _, config in configs])
    groups: dict[tuple[tuple[str, str], tuple[tuple[str, Any], ...]], dict[Any, Run]] = {}
    duplicates = []
    for (run, config), names in zip(configs, fields):
        named = str(config.get("task", "")), method_name(config)
        key = named, tuple(zip(names, _values(config, names)))
        seeds = groups.setdefault(key, {})
        first = seeds.setdefault(config.get("seed"), run)
        if first is not run:
            length, earlier = (int(r.rows[-1]["frames"]) if r.rows else 0 for r in (run, first))
            kept, left = (run, first) if length > earlier else (first, run)
            seeds[config.get("seed")] = kept
            duplicates.append(f"{left.folder}: same settings and seed as {kept.folder}")
    made = [Group(*named, variant, tuple(seeds.values())) for (named, variant), seeds in groups.items()]
    tasks = list(dict.fromkeys(group.task for group in made))
    return sorted(made, key=lambda group: (tasks.index(group.task), group.augment != "none")), duplicates


def differences(configs: Sequence[Json]) -> dict[str, list[Any]]:
    """Return the fields in which configurations differ, except `out`, with the values of each in order."""
    plain = [flat(config) for config in configs]
    names = dict.fromkeys(name for config in plain for name in config if name != "out")
    values = {name: [_plain(config.get(name)) for config in plain] for name in names}
    return {name: different for name, different in values.items() if len(set(different)) > 1}


def shown(value: Any) -> str:
    """Write the value of a field as a user would type it."""
    if isinstance(value, list | tuple):
        return " ".join(map(shown, value)) or "-"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or value == "":
        return "-"
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)


def _add(scan: Scan, folder: Path) -> None:
    if not (folder / METRICS_FILE).is_file():
        scan.not_started.append(folder)
        return
    try:
        run = _with_precision(read_run(folder))
        if not isinstance(flat(run.config).get("frames", 0), int):
            raise ValueError(f"frames in {CONFIG_FILE} is {flat(run.config)['frames']!r}; expected a number")
        scan.runs.append(run)
        read_evaluations(folder, scan.unread)
    except ValueError as error:
        scan.unread.append(f"{scan.shown(folder)}: {error}")


def _with_precision(run: Run) -> Run:
    """Put what the precision was into the settings of a run that left it open, where that is recorded."""
    if _is_open(run) and (precision := made_with(run).get("precision")):
        return run._replace(config={**run.config, "precision": precision})
    return run


def _settle_precision(runs: list[Run]) -> None:
    """Give runs that go on, left the precision open and have not recorded it yet that of the others, if it is one."""
    known = {run.config.get("precision") for run in runs} - {"auto"}
    if len(known) == 1:
        settled = {"precision": known.pop()}
        for place, run in enumerate(runs):
            if _is_open(run) and not is_done(run.folder):
                runs[place] = run._replace(config=run.config | settled)


def _is_open(run: Run) -> bool:
    return run.config.get("precision") == "auto"


def _naming(configs: Sequence[Json]) -> list[list[str]]:
    """Return for each configuration the fields that name its group.

    They are those that distinguish all groups, but where presets are named, only those of which its preset has several
    values.
    """
    fields = _distinguishing(configs)
    always = [name for name in NAMING if name in fields]
    alike: dict[tuple[Any, ...], list[Json]] = {}
    for config in configs:
        alike.setdefault(_values(config, always), []).append(config)
    varying = {key: always + _varying(some, fields[len(always) :]) for key, some in alike.items()}
    return [varying[_values(config, always)] for config in configs]


def _distinguishing(configs: Sequence[Json]) -> list[str]:
    """Return fields beside task and augmentation that distinguish all groups, `NAMING` first; none is spare."""
    names = dict.fromkeys([*NAMING, *(name for config in configs for name in config)])
    fields: list[str] = []
    for name in [name for name in names if name not in NOT_COMPARED | IN_NAME]:
        if _count(configs, [*fields, name]) > _count(configs, fields):
            fields.append(name)
    for name in [name for name in fields if name not in NAMING]:
        fewer = [other for other in fields if other != name]
        if _count(configs, fewer) == _count(configs, fields):
            fields = fewer
    return fields


def _count(configs: Sequence[Json], fields: Sequence[str]) -> int:
    """Return how many groups the fields distinguish."""
    return len({(config.get("task"), method_name(config), *_values(config, fields)) for config in configs})


def _varying(configs: Sequence[Json], fields: Iterable[str]) -> list[str]:
    """Return the fields of which the configurations have several values."""
    return [name for name in fields if len({_values(config, [name]) for config in configs}) > 1]


def _values(config: Json, fields: Iterable[str]) -> tuple[Any, ...]:
    return tuple(_plain(config.get(name)) for name in fields)


def _plain(value: Any) -> Any:
    """Return a value that can be compared and counted."""
    return tuple(value) if isinstance(value, list) else value
