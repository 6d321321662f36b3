"""The Ray engine: each run is a Ray task, on this machine or on a cluster.

A task starts the same process as the local engine does. Where its node sees the folder of the sweep, the run works
there; elsewhere in a folder of the node, whose files travel to it and back as bytes. A task whose node or process is
lost is started again by Ray, and goes on from the checkpoint that it finds.
"""

import hashlib
import json
import os
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rad.build import CONFIG_FILE, CURVE_FILE
from rad.config import Run, from_json, to_json
from rad.sweep.local import environment, launch, log_file, open_log, prepare, write_config
from rad.sweep.plan import Trial

RETRIES = 2  # of a task whose process or node is lost
POLL_S = 0.5
CONNECT_S = 5.0
LOG_FILE = "log"

Files = dict[str, bytes]


class Cluster:
    """Runs on Ray.

    Args:
        out: folder of the sweep.
        address: of a running cluster; "" begins an instance on this machine, which ends with the sweep.
        cpus: of that instance.
        gpus: of one run, also a part of one; None for a whole one where there are any.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        ConnectionError: there is no cluster at the address.
    """

    def __init__(self, out: Path, address: str, cpus: int, gpus: float | None) -> None:
        ray = load()
        options = {} if address else {"num_cpus": cpus, "include_dashboard": False}
        try:
            ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **options)
        except (ConnectionError, ValueError) as error:
            raise ConnectionError(f"--address: no Ray cluster answers at {address}: {error}") from None
        found = ray.cluster_resources()
        self.out, self.remote = out.absolute(), bool(address)
        self.cpus, self.gpus = int(found.get("CPU", 1)), min(1.0, found.get("GPU", 0.0)) if gpus is None else gpus
        self._marker = self.out / f".seen-{uuid.uuid4().hex}"  # nodes that see it share the folder
        self._marker.touch()
        self._task = ray.remote(execute)
        self._stop = ray.remote(StopFlag).options(num_cpus=0).remote()

    def start(self, trial: Trial) -> Any:
        """Submit a run."""
        prepare(trial)
        options = {"num_cpus": trial.config.threads or 1, "num_gpus": self.gpus, "max_retries": RETRIES}
        plain = to_json(trial.config)
        task = self._task.options(name=trial.name, **options)
        files = pack(trial.folder) if self.remote else {}
        return trial, task.remote(str(self.out), trial.name, plain, self._marker.name, files, self._stop)

    def poll(self, handle: Any) -> int | None:
        """Return the exit status of a run, or None while it waits or goes on; its files are then here."""
        ray = load()
        trial, task = handle
        if not ray.wait([task], timeout=0)[0]:
            return None
        try:
            status, files = ray.get(task)
        except ray.exceptions.RayError as error:
            with open_log(self.out, trial.name) as log:
                log.write(f"{error}\nRay gave the run up: {type(error).__name__}\n".encode())
            return 1
        with open_log(self.out, trial.name) as log:
            log.write(files.pop(LOG_FILE, b""))
        unpack(files, trial.folder)
        return int(status)

    def stop(self, handle: Any) -> None:
        """Ask all runs to save themselves and end."""
        self._stop.ask.remote()

    def close(self) -> None:
        """Leave the cluster, or end the instance on this machine."""
        self._marker.unlink(missing_ok=True)
        load().shutdown()


def check(address: str) -> None:
    """Check that Ray is installed, and that something answers at the address of a cluster.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        ConnectionError: nothing answers; Ray itself would go on trying for minutes.
    """
    load()
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not address or address == "auto":
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"--address: must be auto or HOST:PORT of a Ray cluster, got {address}: {error}"
        ) from None


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


def load() -> Any:
    """Import Ray.

    Raises:
        ModuleNotFoundError: it is not installed; the text says how to get it.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("--engine: ray is not installed: pip install 'rad-rl[cluster]'") from error
    return ray


def execute(out: str, name: str, plain: dict[str, Any], marker: str, files: Files, stop: Any) -> tuple[int, Files]:
    """Work on a run, on whatever node this is; return its exit status, and its files where they have to travel."""
    shared = (Path(out) / marker).exists()
    place = Path(out) if shared else scratch(out)
    folder = place / name
    config = from_json(plain)
    if not shared:
        _receive(folder, config, files)
    with open_log(place, name) as log:
        process = launch(folder, log, environment(config.threads))
    asked = False
    while process.poll() is None:
        if not asked and (asked := _is_asked(stop)):
            process.terminate()
        time.sleep(POLL_S)
    return process.returncode, {} if shared else _collected(place, name)


def _is_asked(stop: Any) -> bool:
    """Tell whether the sweep is to stop; it is when nobody is there to ask."""
    ray = load()
    try:
        return bool(ray.get(stop.asked.remote()))
    except ray.exceptions.RayError:
        return True


def scratch(out: str) -> Path:
    """Return the folder of a sweep on a node that does not see it; the same for each attempt, so that it goes on."""
    return Path(tempfile.gettempdir()) / f"rad-sweep-{hashlib.sha256(out.encode()).hexdigest()[:16]}"


def _receive(folder: Path, config: Run, files: Files) -> None:
    """Make the folder of a run on its node; one that an earlier attempt left there is further on, and stays."""
    settings = folder / CONFIG_FILE
    if settings.exists() and json.loads(settings.read_text()) == json.loads(json.dumps(to_json(config))):
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    unpack(files, folder)
    write_config(config, settings)


def _collected(place: Path, name: str) -> Files:
    """Return the files of a run with its log, and remove them."""
    log = log_file(place, name)
    files = pack(place / name) | {LOG_FILE: log.read_bytes()}
    shutil.rmtree(place / name)
    log.unlink()
    return files


def pack(folder: Path) -> Files:
    """Return the bytes of all files in a folder by their path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files that `pack` gave; the learning curve last, since it says that a run is finished."""
    for name in sorted(files, key=lambda name: name == CURVE_FILE):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
