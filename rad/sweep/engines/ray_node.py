"""Runs on a node of a Ray cluster, which may or may not share the folder of the sweep.

Ray imports this module in each of its processes, hence without torch: a node's memory is for the runs.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rad.runtime import plugins
from rad.runtime.files import write_object
from rad.runtime.run_dir import CONFIG_FILE, DONE_FILE
from rad.sweep.process import environment, launch, log_file, open_log

POLL_S = 0.5
LOG_FILE = "log"

Files = dict[str, bytes]
Plain = dict[str, Any]


class StopFlag:
    """Tells the tasks on all nodes whether they are to stop."""

    def __init__(self) -> None:
        self._asked = False

    def ask(self) -> None:
        """Ask all tasks to stop."""
        self._asked = True

    def asked(self) -> bool:
        """Tell whether they are asked to."""
        return self._asked


def execute(
    out: str, name: str, config: Plain, marker: str, files: Files, stop: Any, ranks: int = 1
) -> tuple[int, Files]:
    """Run or resume the run `name` of the sweep in `out` on this node, which sees `marker` in `out` if it shares that.

    So many `ranks` of it train the run together.

    Returns:
        The exit status of the run, and its files where the folder is not shared: `files` are those so far.
    """
    shared = (Path(out) / marker).exists()
    sweep = Path(out) if shared else scratch(out)
    folder = sweep / name
    if not shared:
        receive(folder, config, files)
    with open_log(sweep, name) as log:
        variables = environment(config["threads"]) | {plugins.VARIABLE: os.pathsep.join(config.get("plugins", ()))}
        process = launch(folder, log, variables, ranks)
    stopping = False
    while process.poll() is None:
        if not stopping and (stopping := _is_asked(stop)):
            process.terminate()
        time.sleep(POLL_S)
    return process.returncode, {} if shared else _collected(sweep, name)


def scratch(out: str) -> Path:
    """Return the folder of a sweep on a node that does not share it; the same for each attempt, which so resumes."""
    return Path(tempfile.gettempdir()) / f"rad-sweep-{hashlib.sha256(out.encode()).hexdigest()[:16]}"


def receive(folder: Path, config: Plain, files: Files) -> None:
    """Make the folder of a run on its node; the folder of an earlier attempt is further along, and stays."""
    settings = folder / CONFIG_FILE
    if settings.exists() and json.loads(settings.read_text()) == config:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    unpack(files, folder)
    write_object(settings, config)


def pack(folder: Path) -> Files:
    """Return the bytes of all files in a folder by their path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files that `pack` gave; last the one that says that a run is finished."""
    for name in sorted(files, key=lambda name: name == DONE_FILE):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])


def _is_asked(stop: Any) -> bool:
    """Tell whether the sweep should stop, or no longer answers."""
    import ray

    try:
        return bool(ray.get(stop.asked.remote()))
    except ray.exceptions.RayError:
        return True


def _collected(sweep: Path, name: str) -> Files:
    """Return the files of a run with its log, and remove them."""
    log = log_file(sweep, name)
    files = pack(sweep / name) | {LOG_FILE: log.read_bytes()}
    shutil.rmtree(sweep / name)
    log.unlink()
    return files
