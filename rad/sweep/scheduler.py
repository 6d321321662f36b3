"""Run the runs of a sweep, several at a time and failed ones again, until all are done or a signal comes."""

import time
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rad.runtime.processes.signals import StopRequest, noticing_stops
from rad.sweep.grid import Trial
from rad.sweep.process import ended, last_words, log_file
from rad.sweep.progress_table import ProgressTable
from rad.sweep.status import RunProgress, is_finished, progress_of

ATTEMPTS = 3
POLL_S = 0.2


class Engine(Protocol):
    """Where runs are run. A handle stands for a run that was started."""

    def start(self, trial: Trial) -> Any:
        """Start or resume a run, and return its handle."""

    def poll(self, handle: Any) -> int | None:
        """Return the exit status of a run, or None while it runs."""

    def stop(self, handle: Any) -> None:
        """Ask a run to save itself and end."""

    def close(self) -> None:
        """Release the engine's resources."""


@dataclass
class Job:
    """A run that is running, for the `attempt`-th time in this sweep."""

    trial: Trial
    handle: Any
    attempt: int


@dataclass(frozen=True)
class Options:
    """How the runs of a sweep are run."""

    out: Path  # its folder
    workers: int = 0  # runs at a time; 0 for as many as memory and cores allow
    measure: bool = True  # time some updates first
    ranks: int = 1  # processes that train a run together
    engine: str = "local"  # its name in the table of engines
    address: str = ""  # of a Ray cluster; "" for an instance on this machine
    gpus: float | None = None  # of a run on Ray; None for one if there are any


class Scheduler:
    """Runs all trials but those already finished, `slots` at a time, with an engine, and shows their progress."""

    def __init__(
        self, engine: Engine, slots: int, out: Path, trials: Sequence[Trial], finished: Collection[str]
    ) -> None:
        self.engine, self.slots, self.out = engine, slots, out
        self.trials, self.finished, self.failed = trials, set(finished), list[Trial]()
        self.waiting = deque((trial, 1) for trial in trials if trial.name not in self.finished)
        self.running: list[Job] = []
        self.frames = {trial.name: progress_of(trial).frames for trial in trials}
        self.progress_table = ProgressTable(sum(self.frames.values()))

    def run(self) -> int:
        """Run until all runs are finished or have failed; return 0, or 128 + the signal that stopped the sweep.

        On a signal, the runs are asked to stop, and waited for.
        """
        with noticing_stops(), StopRequest() as stop:
            while self.running or (self.waiting and not stop.requested):
                if not stop.requested:
                    self._fill()
                elif self.slots:
                    self._stop()
                self._collect(stop.requested)
                if self.progress_table.due:
                    self._draw()
                time.sleep(POLL_S)
            self.progress_table.clear()
            return stop.exit_code

    def _fill(self) -> None:
        while self.waiting and len(self.running) < self.slots:
            trial, attempt = self.waiting.popleft()
            try:
                self.running.append(Job(trial, self.engine.start(trial), attempt))
            except OSError as error:  # of this run alone: its folder, its log
                self._failed(trial, attempt, f"cannot be started, {error}")

    def _stop(self) -> None:
        """Ask each run to stop, once."""
        self.slots = 0
        self.progress_table.say(f"stopping {len(self.running)} runs; each saves itself first")
        for job in self.running:
            self.engine.stop(job.handle)

    def _collect(self, stopping: bool) -> None:
        """Handle the runs that have ended."""
        for job in list(self.running):
            status, trial = self.engine.poll(job.handle), job.trial
            if status is None:
                continue
            self.running.remove(job)
            if status == 0 and is_finished(trial):
                self.finished.add(trial.name)
                self.frames[trial.name] = trial.config.frames
                self.progress_table.say(f"finished {trial.name}")
            elif not stopping:
                said = f"{last_words(self.out, trial.name)} (all of it: {log_file(self.out, trial.name)})"
                self._failed(trial, job.attempt, f"{ended(status)}, {said}")

    def _failed(self, trial: Trial, attempt: int, why: str) -> None:
        """Queue a run that failed again, or give it up."""
        if attempt < ATTEMPTS:
            self.waiting.append((trial, attempt + 1))
        else:
            self.failed.append(trial)
        self.progress_table.say(f"failed {trial.name}, attempt {attempt} of {ATTEMPTS}: {why}")

    def _draw(self) -> None:
        shown: dict[str, tuple[RunProgress, int]] = {}
        for trial in (job.trial for job in self.running):
            progress = progress_of(trial)
            shown[trial.name] = progress, trial.config.frames
            # A run that resumes from a checkpoint has fewer frames than before.
            self.progress_table.start_frames -= max(0, self.frames[trial.name] - progress.frames)
            self.frames[trial.name] = progress.frames
        end = sum(trial.config.frames for trial in self.trials)
        runs = len(self.finished), len(self.trials)
        self.progress_table.draw(shown, runs, (sum(self.frames.values()), end))
