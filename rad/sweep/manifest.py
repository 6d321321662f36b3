"""sweep.json: the settings that all runs of a sweep share, so that a later command resumes them or is refused.

A command may name other tasks, augmentations, seeds and values of the swept fields than before: it adds runs, or
resumes some. Everything else has to be as before. A folder without sweep.json is judged by its runs alone.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rad.experiment.config import RunConfig
from rad.experiment.config_file import to_json
from rad.report.read.groups import flat
from rad.runtime.files import read_object, sync_folder, write_object
from rad.runtime.migrate import migrate
from rad.runtime.run_dir import RECORD_FILE
from rad.settings import SettingError
from rad.sweep.grid import OWN_AXES, Trial, differing

SCHEMA = 1
PLACES = ("out", "plugins")  # settings that say where something is, and may change

Record = dict[str, Any]


def read(out: Path) -> Record | None:
    """Read the record of a sweep; None if there is none.

    Raises:
        SettingError: it cannot be read, or is of a later version.
    """
    path = out / RECORD_FILE
    try:
        record = read_object(path)
        schema, _ = record["schema"], [_group(group) for group in record["groups"]]
        if not all(isinstance(entries, list) for entries in (record["runs"], record.get("commands", []))):
            raise TypeError("runs and commands must be lists")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (LookupError, TypeError) as error:
        raise SettingError("out", f"{path} cannot be read: {error}") from None
    except ValueError as error:
        raise SettingError("out", str(error)) from None
    if schema != SCHEMA:
        raise SettingError("out", f"{path} has schema {schema}; this version reads {SCHEMA}")
    return record


def check(
    record: Record, overrides: Sequence[str], configure: Callable[[str, Mapping[str, str]], RunConfig], out: Path
) -> None:
    """Check that a command, which varies the fields `overrides`, belongs to the sweep in its folder.

    `configure` gives the command's configuration for a task and a value of each swept field.

    Raises:
        SettingError: a setting is not as before.
    """
    for group in record["groups"]:
        task, before, was = _group(group)
        if list(before) != list(overrides):
            varied, given = (", ".join(fields) or "nothing" for fields in (before, overrides))
            raise SettingError("sweep", f"{out} varies {varied}, got {given}; choose another --out")
        now = settings(configure(task, before), overrides)
        for name in differing(was, now):
            allowed = "only task, augment, seeds and swept values may be others: choose another --out"
            raise SettingError(name, f"{out} is a sweep with {was[name]}, got {now[name]}; {allowed}")


def merge(record: Record | None, trials: Sequence[Trial], command: Sequence[str]) -> Record:
    """Return the record with the runs of `trials` added, and the words of their command."""
    old: Record = record or {"runs": [], "groups": []}
    groups: dict[tuple[Any, ...], dict[str, Any]] = {
        (task, *overrides.items()): settings for task, overrides, settings in map(_group, old["groups"])
    }
    for trial in trials:
        key = (trial.config.task, *trial.overrides.items())
        groups.setdefault(key, settings(trial.config, list(trial.overrides)))
    return {
        "schema": SCHEMA,
        "commands": [words for words in old.get("commands", []) if words != list(command)] + [list(command)],
        "runs": list(dict.fromkeys([*old["runs"], *(trial.name for trial in trials)])),
        "groups": [{"task": key[0], "swept": dict(key[1:]), "settings": shared} for key, shared in groups.items()],
    }


def write(out: Path, record: Record) -> None:
    """Write the record atomically."""
    out.mkdir(parents=True, exist_ok=True)
    write_object(out / RECORD_FILE, record)
    sync_folder(out)


def settings(config: RunConfig, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the settings that runs of a task and a value of each swept field share, as they are read from JSON."""
    plain = flat(to_json(config))
    return {name: value for name, value in plain.items() if name not in (*OWN_AXES, *PLACES, *overrides)}


def _group(group: Mapping[str, Any]) -> tuple[str, dict[str, str], dict[str, Any]]:
    was = {name: value for name, value in migrate(group["settings"]).items() if name not in PLACES}
    return group["task"], dict(group["swept"]), was
