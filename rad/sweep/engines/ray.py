"""The Ray engine: each run is a Ray task, on this machine or on a cluster.

A task starts the same process as the local engine. A node that shares the folder of the sweep runs it there; another
node runs it in a local folder, whose files travel as bytes. Ray restarts a task whose node or process is lost, which
resumes from its checkpoint.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from rad.experiment.cluster import check_address, connect, load
from rad.experiment.config_file import to_json
from rad.sweep.engines.local import prepare
from rad.sweep.engines.ray_node import LOG_FILE, StopFlag, execute, pack, unpack
from rad.sweep.grid import Trial
from rad.sweep.process import open_log
from rad.sweep.scheduler import Options
from rad.sweep.slots import Slots
from rad.training.measure import cores_of

RETRIES = 2  # of a task whose process or node is lost
FIELD = "engine"  # of the sweep, which asks for Ray


class Cluster:
    """Runs on Ray: on a running cluster, or on an instance of `cpus` on this machine, which ends with the sweep."""

    def __init__(self, options: Options, cpus: int) -> None:
        ray = connect(options.address or "local", cpus, FIELD)
        resources = ray.cluster_resources()
        self.out, self.remote = options.out.absolute(), bool(options.address)
        self.ranks = options.ranks
        self.cpus = int(resources.get("CPU", 1))
        self.gpus = min(1.0, resources.get("GPU", 0.0)) if options.gpus is None else options.gpus
        self._marker = self.out / f".seen-{uuid.uuid4().hex}"  # nodes that see it share the folder
        self._marker.touch()
        self._task = ray.remote(execute)
        self._stop = ray.remote(StopFlag).options(num_cpus=0).remote()

    def start(self, trial: Trial) -> Any:
        """Submit a run."""
        prepare(trial)
        task = self._task.options(
            name=trial.name, num_cpus=self.ranks * cores_of(trial.config), num_gpus=self.gpus, max_retries=RETRIES
        )
        plain, files = to_json(trial.config), pack(trial.folder) if self.remote else {}
        return trial, task.remote(str(self.out), trial.name, plain, self._marker.name, files, self._stop, self.ranks)

    def poll(self, handle: Any) -> int | None:
        """Return the exit status of a run, whose files are then here, or None while it waits or runs."""
        ray = load(FIELD)
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
        load(FIELD).shutdown()


def make(trials: Sequence[Trial], slots: Slots, options: Options) -> tuple[Cluster, Slots]:
    """Return the engine, and how many runs it works on at a time: on a cluster, as many as its cores allow."""
    each = options.ranks * max(cores_of(trial.config) for trial in trials)
    cluster = Cluster(options, slots.number * each)
    if not options.address or options.workers:
        return cluster, slots
    number = max(1, cluster.cpus // each)
    return cluster, slots._replace(number=number, why=f"more do not fit the {cluster.cpus} cores of the cluster")


def shares_gpus(slots: Slots, options: Options) -> bool:
    """Tell whether runs take parts of GPUs."""
    return 0 < (options.gpus or 0) < 1


def check(options: Options) -> None:
    """Check that Ray is installed, and that a cluster answers at the address.

    Raises:
        SettingError: Ray is not installed, or no cluster answers.
    """
    load(FIELD)
    if options.address:
        check_address(options.address)
