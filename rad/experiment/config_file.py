"""config.json: the configuration of a run as plain values, and back."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rad.experiment.algorithms import algorithm_named
from rad.experiment.config import RunConfig, values
from rad.runtime import plugins
from rad.runtime.files import read_object
from rad.runtime.migrate import migrate
from rad.runtime.run_dir import CONFIG_FILE
from rad.settings import SettingError


def read_config(folder: Path) -> RunConfig:
    """Read the configuration of a run.

    Raises:
        SettingError: RUN, there is no such folder.
        ValueError: there is no config.json, or it cannot be read, or the run needs plugins that are not loaded; one
            line that names it.
    """
    path = folder / CONFIG_FILE
    if not folder.exists():
        raise SettingError("RUN", f"no such file or folder: {folder}")
    try:
        plain = read_object(path)
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{folder} is no run folder: it has no {CONFIG_FILE}") from None
    try:
        return from_json(plain, str(folder))
    except plugins.PluginsMissing:
        raise
    except KeyError as error:
        raise ValueError(f"{path} cannot be read: it has no {error}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def to_json(config: RunConfig) -> dict[str, Any]:
    """Return the configuration as plain values of JSON; with the plugins that are loaded, if there are any."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config), default=os.fspath))
    return plain | ({"plugins": list(plugins.loaded())} if plugins.loaded() else {})


def from_json(plain: Mapping[str, Any], run: str = "the run") -> RunConfig:
    """Rebuild a configuration from `to_json`'s values; an error calls the run that it is of by a name.

    Raises:
        ValueError: a field is missing or unknown: the file was written by another version; or it has a value of a
            wrong type; or plugins that it needs are not loaded.
    """
    plain = migrate(plain)
    plugins.check_loaded(plain.pop("plugins", ()), run)
    default = algorithm_named(plain["algo"]).run(task=str(plain.get("task", "")))
    nested = {name: type(getattr(default, name)) for name in ("suite", "agent")}
    odd = _differing(type(default), plain)
    for name, kind in nested.items():
        odd |= _differing(kind, plain.get(name, {}))
    if odd:
        raise ValueError(f"it and this version of rad differ in the fields {', '.join(sorted(odd))}")
    out = None if plain["out"] is None else Path(plain["out"])
    plain = {**plain, "out": out, "background_dir": tuple(plain["background_dir"])}
    config = type(default)(**{**plain, **{name: kind(**plain[name]) for name, kind in nested.items()}})
    _check_types(config, values(default))
    return config


def _check_types(config: RunConfig, default: Mapping[str, Any]) -> None:
    for name, value in values(config).items():
        kind = type(default[name])
        if type(value) is not kind and (kind, type(value)) != (float, int) and name != "out":
            raise ValueError(f"it has {name} {value!r}; expected a value such as {default[name]!r}")


def _differing(kind: type, plain: Mapping[str, Any]) -> set[str]:
    """Return the names that `plain` or the dataclass `kind` has and the other lacks."""
    return {f.name for f in dataclasses.fields(kind)} ^ set(plain)
