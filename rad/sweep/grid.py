"""The grid of a sweep: its runs with their names and settings. Nothing is read or written."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rad.experiment.config import RunConfig, values
from rad.settings import SettingError, flag_name

Parse = Callable[[Sequence[str]], RunConfig]
"""Reads the flags of `rad train`."""

OWN_AXES = ("task", "augment", "seed")


@dataclass(frozen=True)
class Grid:
    """What a sweep varies."""

    tasks: Sequence[str]  # at least one
    augments: Sequence[str]  # none for that of the preset
    seeds: Sequence[int]  # at least one
    overrides: Mapping[str, Sequence[str]] = field(default_factory=dict)  # the values of each further field, as typed


@dataclass(frozen=True)
class Trial:
    """One run of a sweep."""

    name: str  # its folder within that of the sweep: TASK/AUGMENT[/FIELD=VALUE...]/seed-N
    config: RunConfig  # what it computes; `out` is its folder
    # The values, as texts, of what is varied beside task, augmentation and seed.
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Run folder."""
        return self.config.out or Path(self.name)


def trials(axes: Grid, run_flags: Sequence[str], parse: Parse, out: Path) -> list[Trial]:
    """Return the product of all axes, each run once.

    Every task and augmentation has its first seed before any has its second. `run_flags` are flags of `rad train` for
    all runs; preset and task decide the defaults.

    Raises:
        SettingError: a field cannot be swept or takes no such value, or two runs would share a folder.
    """
    by_name: dict[str, Trial] = {}
    bases = [
        (configured(task, overrides, run_flags, parse), overrides)
        for task in axes.tasks
        for texts in itertools.product(*axes.overrides.values())
        for overrides in [dict(zip(axes.overrides, texts))]
    ]
    for seed, (base, overrides) in itertools.product(axes.seeds, bases):
        for augment in axes.augments or (base.augment,):
            trial = _trial(dataclasses.replace(base, augment=augment, seed=seed), overrides, out)
            if by_name.setdefault(trial.name, trial) != trial:
                raise SettingError("task", f"{trial.config.task} would share {trial.folder} with another run")
    return list(by_name.values())


def configured(task: str, overrides: Mapping[str, str], run_flags: Sequence[str], parse: Parse) -> RunConfig:
    """Return the configuration that the flags give for a task and a value of each swept field.

    Raises:
        SettingError: there is no such field, or it takes no such value.
    """
    base = parse([*run_flags, "--task", task])
    if not overrides:
        return base
    fields = values(base)
    words = [word for name, text in overrides.items() for word in _words(name, text, fields)]
    try:
        return parse([*run_flags, "--task", task, *words])
    except ValueError as error:
        shown = " ".join(f"{name}={text}" for name, text in overrides.items())
        text = error.say(flag_name) if isinstance(error, SettingError) else error
        raise SettingError("sweep", f"{shown}: {text}") from None


def _words(name: str, text: str, fields: Mapping[str, Any]) -> list[str]:
    """Return the flag that gives a field a value."""
    if name in (*OWN_AXES, "out"):
        allowed = "--seeds" if name == "seed" else flag_name(name)
        raise SettingError("sweep", f"{name} has a flag of its own: {allowed}")
    if name not in fields:
        names = sorted(fields.keys() - {*OWN_AXES, "out"})
        raise SettingError("sweep", f"unknown field '{name}'; known: {', '.join(names)}")
    if not isinstance(fields[name], bool):
        return [f"{flag_name(name)}={text}"]
    if text.lower() not in ("true", "false"):
        raise SettingError("sweep", f"{name} must be true or false, got {text}")
    return [flag_name(name) if text.lower() == "true" else flag_name(f"no_{name}")]


def _trial(config: RunConfig, overrides: Mapping[str, str], out: Path) -> Trial:
    fields = values(config)
    texts = {name: _text(fields[name], typed) for name, typed in overrides.items()}
    parts = [config.augment, *(f"{name}={text}" for name, text in texts.items())]
    folders = [config.task.replace("/", "-"), *(part.replace("/", "|") for part in parts), f"seed-{config.seed}"]
    name = "/".join(folders)
    return Trial(name, dataclasses.replace(config, out=out / name), texts)


def _text(value: Any, typed: str) -> str:
    """Return numbers in one spelling, so that 1e-3 and 0.001 are one run."""
    return str(value) if isinstance(value, bool | int | float) else typed


def differing(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the names of common fields that differ; the preset, from which others follow, first."""
    names = [name for name in was.keys() & now.keys() if was[name] != now[name]]
    return sorted(names, key=lambda name: (name != "preset", name))
