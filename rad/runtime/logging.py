"""Logs of a run's numbers: averages on the device, rows in a file, TensorBoard, W&B."""

import os
import re
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rad.runtime.clocks import running_s
from rad.runtime.files import replacing
from rad.runtime.metrics_file import COUNTS, Row, json_line, keep_rows
from rad.runtime.run_dir import METRICS_FILE
from rad.settings import SettingError

SEED_FOLDER = re.compile(r"seed-\d+")  # of a run in a sweep


class Averages:
    """Mean of each metric since the last `pop`, summed on the device.

    Adding never waits for the device; `pop` is the only point that does, once for all metrics.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._floats: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, metrics: Mapping[str, Tensor | float]) -> None:
        """Add one value per name, a 0-d tensor on any device or a number.

        Raises:
            ValueError: a tensor that is not 0-d.
        """
        for name, value in metrics.items():
            if not isinstance(value, Tensor):
                self._floats[name] = self._floats.get(name, 0.0) + value
            elif value.dim() == 0:
                value = value.detach().float()
                self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()
            else:
                raise ValueError(f"metric {name!r} must be a 0-d tensor or a number, got shape {list(value.shape)}")
            self._counts[name] = self._counts.get(name, 0) + 1

    def pop(self) -> dict[str, float]:
        """Return the means in order of first appearance and start again. Waits for the device."""
        sums = _to_floats(self._sums)
        means = {
            name: (self._floats.get(name, 0.0) + sums.get(name, 0.0)) / count for name, count in self._counts.items()
        }
        self._sums, self._floats, self._counts = {}, {}, {}
        return means

    def state_dict(self) -> dict[str, dict[str, Any]]:
        """Return the sums and counts, so that a resumed run continues a half-full average."""
        return {"sums": dict(self._sums), "floats": dict(self._floats), "counts": dict(self._counts)}

    def load_state_dict(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Restore `state_dict`; sums on another device than the metrics move over with the next `add`."""
        self._sums, self._floats, self._counts = (dict(state[name]) for name in ("sums", "floats", "counts"))


def _to_floats(sums: Mapping[str, Tensor]) -> dict[str, float]:
    """Copy 0-d tensors to the host, with one transfer for each device."""
    by_device: dict[torch.device, list[str]] = {}
    for name, value in sums.items():
        by_device.setdefault(value.device, []).append(name)
    values: dict[str, float] = {}
    for names in by_device.values():
        values.update(zip(names, torch.stack([sums[name] for name in names]).tolist()))
    return values


class Place:
    """A place in the order of rows, for rows of some frames that come later."""

    def __init__(self, frames: int, agent_steps: int, time_s: float) -> None:
        self.head = {"frames": frames, "agent_steps": agent_steps, "time_s": time_s}
        self.rows: list[Row] | None = None  # None until they come


class RunLog:
    """Write rows of metrics to `metrics.jsonl` in the run folder, and to TensorBoard and W&B if asked.

    A row is one line of standard JSON: kind, frames, agent_steps, time_s, then the metrics in their order. JSON has no
    NaN or infinity, so those are written as `null`. Each row is flushed: a killed run loses at most one. `time_s`
    counts seconds of running, without those in which the process was stopped, and continues from the last row when a
    run resumes.

    Args:
        run_dir: folder of the run; made if absent.
        tensorboard: also write scalars named `kind/name` over frames to `run_dir/tensorboard`.
        wandb_project: also log to this Weights & Biases project, with that library's environment variables
            (`WANDB_MODE=offline` needs no network); None or empty for none.

    Raises:
        ModuleNotFoundError: `wandb_project` was given and wandb is not installed.
        SettingError: W&B does not start: it has no login, say.
        ValueError: the file is there and a line before its last is no row; the text names both.
    """

    def __init__(self, run_dir: str | Path, tensorboard: bool = True, wandb_project: str | None = None) -> None:
        self._folder = Path(run_dir)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path = self._folder / METRICS_FILE
        self._has_tensorboard = tensorboard
        self._tensorboard: Any = None
        self._wandb = _start_wandb(wandb_project, self._folder) if wandb_project else None
        self._open(None)

    @property
    def time_s(self) -> float:
        """Seconds of running so far, including those before a resume."""
        return round(running_s() - self._start, 3)

    @property
    def written(self) -> int:
        """Rows in the file."""
        return self._written

    def write(self, kind: str, row: Mapping[str, float], *, frames: int, agent_steps: int) -> None:
        """Write a row of some kind, such as `train`, `episode` or `eval`; `frames` are agent steps x action repeat.

        Raises:
            ValueError: `row` uses one of the names kind, frames, agent_steps, time_s.
        """
        self.fill(self.reserve(frames=frames, agent_steps=agent_steps), {kind: row})

    def reserve(self, *, frames: int, agent_steps: int) -> Place:
        """Keep a place for rows that come later; rows that are written meanwhile wait behind it."""
        self._places.append(Place(frames, agent_steps, self.time_s))
        return self._places[-1]

    def fill(self, place: Place, rows: Mapping[str, Mapping[str, float]]) -> None:
        """Write the rows of a place, by their kind, and those that waited for them; raises as `write`."""
        place.rows = []  # so that a mistake does not stop what waits
        for row in rows.values():
            if taken := {"kind", *place.head} & row.keys():
                raise ValueError(f"row may not use the reserved names {', '.join(sorted(taken))}")
        numbers = {kind: {name: float(value) for name, value in row.items()} for kind, row in rows.items()}
        place.rows = [{"kind": kind, **place.head, **numbers[kind]} for kind in rows]
        self._write_places()

    def _write_places(self) -> None:
        while self._places and self._places[0].rows is not None:
            for row in self._places.popleft().rows or ():
                self._write(row)

    def _write(self, row: Row) -> None:
        self._file.write(json_line(row))
        self._file.flush()
        self._written += 1
        named = {f"{row['kind']}/{name}": value for name, value in row.items() if name not in ("kind", *COUNTS)}
        if self._tensorboard:
            for name, value in named.items():
                self._tensorboard.add_scalar(name, value, global_step=row["frames"])
        if self._wandb:
            self._wandb.log(named | {"frames": row["frames"], "agent_steps": row["agent_steps"]})

    def state_dict(self) -> dict[str, Any]:
        """Return, while rows wait behind a place, how many are written, and the rows that wait; else nothing."""
        if not self._places:
            return {}
        waiting = [row for place in self._places for row in place.rows or ()]
        return {"written": self._written, "waiting": waiting}

    def write_again(self, waiting: Iterable[Row]) -> None:
        """Write rows that waited when `state_dict` was called, behind the place that was made again for them."""
        for row in waiting:
            place = self.reserve(frames=row["frames"], agent_steps=row["agent_steps"])
            place.rows = [dict(row)]
        self._write_places()

    def sync(self) -> None:
        """Wait until all rows are on the disk."""
        os.fsync(self._file.fileno())

    def truncate(self, frames: int, written: int | None = None) -> None:
        """Drop a torn row and those beyond `frames`, in one step, on resume from a checkpoint made there.

        Of them the first `written` stay, where the number is known.
        """
        self._close_files()
        self._open(frames, written)

    def close(self) -> None:
        """Flush and close everything; calling it twice is harmless."""
        self._close_files()
        if self._wandb:
            self._wandb.finish()
        self._wandb = None

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self, frames: int | None, count: int | None = None) -> None:
        """Open the file and TensorBoard behind the first `count` rows up to `frames` (None: all)."""
        rows = keep_rows(self._path, frames, count)
        self._places: deque[Place] = deque()
        self._written = len(rows)
        self._start = running_s() - (rows[-1]["time_s"] if rows else 0.0)
        self._file = self._path.open("a", encoding="utf-8")
        if self._has_tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            last = rows[-1]["frames"] if rows else frames
            # purge_step hides the points that an interrupted run wrote after its last checkpoint.
            purge_step = None if last is None else last + 1
            self._tensorboard = SummaryWriter(str(self._folder / "tensorboard"), purge_step=purge_step, flush_secs=30)

    def _close_files(self) -> None:
        self._file.close()
        if self._tensorboard:
            self._tensorboard.close()
        self._tensorboard = None


def _start_wandb(project: str, folder: Path) -> Any:
    try:
        import wandb
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("wandb_project needs wandb: pip install 'rad-rl[wandb]'") from error
    name, own_id = _wandb_name(folder), _wandb_id(folder)
    try:
        run = wandb.init(project=project, name=name, id=own_id, dir=str(folder), resume="allow")
    except wandb.Error as error:
        why = str(error).removesuffix(".")
        go_on = f"once it can, {folder} can be resumed; WANDB_MODE=offline needs no login"
        raise SettingError("wandb_project", f"W&B cannot log to {project}: {why}; {go_on}") from None
    run.define_metric("*", step_metric="frames")
    return run


def _wandb_name(folder: Path) -> str:
    """Return a distinct name: the run's folder, with task and augmentation for the run of a sweep."""
    return "/".join(folder.absolute().parts[-3:]) if SEED_FOLDER.fullmatch(folder.name) else folder.name


def _wandb_id(folder: Path) -> str:
    """Return the W&B id of this run, made once and kept in its folder for a resume."""
    path = folder / "wandb_id.txt"
    if not path.exists():
        with replacing(path) as file:
            file.write(uuid.uuid4().hex.encode())
    return path.read_text().strip()
