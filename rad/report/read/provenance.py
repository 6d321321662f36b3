"""The commands that make runs again, and why some of them ended in an error."""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rad.report.read.groups import Scan, flat
from rad.report.read.run import Run
from rad.runtime.run_dir import LOGS

ERROR = re.compile(r"error: |[\w.]*(Error|Exception|Interrupt)\b")  # how `rad train` and Python end
LEVELS = 8  # from a run up to its sweep: task, augmentation, swept fields
FIRST = ("algo", "preset", "task", "augment", "seed", "frames")  # flags that readers look for


def train_command(run: Run, out: str) -> str:
    """Return the `rad train` command with every setting of a run but its device, into a folder.

    It is longer than what was typed: a run records all its settings, not which of them its preset gave.
    """
    names = [name for name in flat(run.config) if name not in ("out", "device", "plugins")]
    return f"{short_command(run, names)} {shlex.join([*flag('out', out), *plugin_flags(run)])}"


def plugin_flags(run: Run) -> list[str]:
    """Return the words of a command that load the plugins which a run was made with."""
    return [word for name in run.config.get("plugins", ()) for word in ("--plugin", str(name))]


def short_command(run: Run, fields: Iterable[str]) -> str:
    """Return the `rad train` command with the settings that distinguish a run from the others."""
    config = flat(run.config)
    wanted = [name for name in dict.fromkeys([*FIRST, *fields]) if name in config]
    return shlex.join(["rad", "train", *(word for name in wanted for word in flag(name, config[name]))])


def flag(name: str, value: Any) -> list[str]:
    """Return a setting as words of the command line; no words for None and for an empty list."""
    words = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{words}" if value else f"--no-{words}"]
    if isinstance(value, list):
        return [f"--{words}", *map(str, value)] if value else []
    return [] if value is None else [f"--{words}={value}"]


def sweep_commands(scan: Scan) -> list[str]:
    """Return the commands that sweep.json records, in the order of their last use."""
    return [shlex.join(map(str, words)) for words in _listed(scan, "commands") if isinstance(words, list) and words]


def attention_command(folder: Path, request: dict[str, Any]) -> str:
    """Return the `rad attention` command that made a folder; the runs are named in its figure."""
    flags = {name: request.get(name) for name in ("states", "methods", "target", "split", "seed")}
    flags |= {name: value for name, value in request.get("settings", {}).items() if name != "seed"}
    flags |= {"ground_truth": True, "change": request["change"]} if request.get("change") else {}
    words = [word for name, value in flags.items() for word in flag(name, value)]
    return shlex.join(["rad", "attention", "RUN", "...", "--out", str(folder), *words])


def not_begun(scan: Scan) -> list[str]:
    """Return the runs of sweep.json that have no folder yet."""
    return [name for name in map(str, _listed(scan, "runs")) if not (scan.folder / name).is_dir()]


def _listed(scan: Scan, name: str) -> list[Any]:
    recorded = scan.record.get(name)
    return recorded if isinstance(recorded, list) else []


def failures(unfinished: Iterable[Path]) -> dict[Path, str]:
    """Return the last line of the logs of runs that ended in an error, by run folder.

    `rad ablate` writes logs/RUN.log in the folder of the sweep, which lies some levels above.
    """
    last = {}
    for folder in unfinished:
        path = folder.absolute()
        logs = [above / LOGS / f"{path.relative_to(above)}.log" for above in list(path.parents)[:LEVELS]]
        lines = [line.strip() for log in logs for line in _lines(log) if line.strip()]
        if lines and ERROR.match(lines[-1]):
            last[folder] = lines[-1]
    return last


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
