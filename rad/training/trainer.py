"""Train an agent from pixels, from a configuration to the end of its run."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rad.evaluation.loaded_run import LoadedRun
from rad.evaluation.play import Recorder
from rad.experiment.algorithms import Episode, Report
from rad.experiment.config import RunConfig
from rad.experiment.config_file import read_config, to_json
from rad.experiment.validate import check_stored
from rad.runtime import checkpoint
from rad.runtime.clocks import Every
from rad.runtime.files import locked, write_object
from rad.runtime.logging import Averages, RunLog
from rad.runtime.processes.ranks import ALONE, Ranks
from rad.runtime.processes.signals import if_stopped, noticing_stops
from rad.runtime.progress import Part, Progress
from rad.runtime.run_dir import CHECKPOINTS, CONFIG_FILE, DONE_FILE, is_done
from rad.training.evaluations import Evaluations
from rad.training.learner import Follower, Learner
from rad.training.messages import EVALUATION, RANDOM_POLICY, closing, go_on_with, opening, stopped
from rad.training.resuming import check_checkpoints, check_ranks, reopen

Picture = Callable[[Path, LoadedRun, Recorder], None]
"""Draws into a run folder, from the run and an evaluation episode."""
NO_PICTURES: Mapping[str, Picture] = {}
NOTHING: Mapping[str, Any] = {}


def start(config: RunConfig, folder: Path, pictures: Mapping[str, Picture] = NO_PICTURES, ranks: Ranks = ALONE) -> int:
    """Train in a new run folder and return the exit status: 0, or 128 + the signal that stopped the run.

    Pictures are drawn at the end, each under the name with which its progress is shown; see `rad.training.pictures`.

    Raises:
        FileExistsError: the folder exists.
        ChildProcessError: another rank is gone.
    """
    folder.mkdir(parents=True)
    write_object(folder / CONFIG_FILE, to_json(config))
    with if_stopped(go_on_with(folder)):
        ranks.share(config)
        with locked(folder / CONFIG_FILE), noticing_stops(), Trainer(config, folder, pictures, ranks) as trainer:
            trainer.share()
            return trainer.run()


def resume(folder: Path, pictures: Mapping[str, Picture] = NO_PICTURES, ranks: Ranks = ALONE) -> int:
    """Resume the run in `folder` from its newest complete checkpoint, or from the start; return the exit status.

    On the CPU, with the same versions and number of threads, the run ends as if it had not been interrupted.

    Raises:
        ValueError: the folder holds no run, a run of a later version, one of another number of ranks, one whose
            checkpoints are gone or one with settings that are not allowed.
        BlockingIOError: another process works on the run.
        ChildProcessError: another rank is gone.
    """
    config = read_config(folder)
    with if_stopped(go_on_with(folder)), locked(folder / CONFIG_FILE):
        check_stored(config, folder)
        check_checkpoints(config, folder)
        ranks.share(config)
        with noticing_stops(), Trainer(config, folder, pictures, ranks) as trainer:
            trainer.load()
            return trainer.run()


def follow(ranks: Ranks) -> int:
    """Train, on another rank than the first, the run that the first one starts or resumes; return the exit status.

    Raises:
        ChildProcessError: another rank is gone.
    """
    with Follower(ranks.share(None), ranks) as follower:
        return follower.run()


class Trainer(Learner):
    """A training run: what learns, made from a configuration, and what happens at each report of the loop.

    With several ranks it is the first one.
    """

    def __init__(
        self,
        config: RunConfig,
        folder: Path,
        pictures: Mapping[str, Picture] = NO_PICTURES,
        ranks: Ranks = ALONE,
    ) -> None:
        super().__init__(config, ranks)
        self.folder, self.pictures = folder, pictures
        self.log = RunLog(folder, tensorboard=config.tensorboard, wandb_project=config.wandb_project or None)
        self.averages = Averages()
        self.log_due = Every(config.log_every)
        self.evaluation_due = Every(config.eval_every)
        beside = config.eval_workers > 0  # training does not wait for evaluations then, but for the last one
        every = {Part.EVALUATIONS: 0 if beside else config.eval_every, Part.CHECKPOINTS: config.checkpoint_every}
        self.progress = Progress(config.frames, every, figures=len(pictures))
        self.evaluations = Evaluations(config, folder, self.log, self.progress)
        self.last_return: float | None = None
        self.counts: Mapping[str, int] = {}
        self.evaluation_owed = False  # due, but left to the run's end, or to its continuation
        self.at_end: Mapping[str, Any] = {}  # at the end: what a longer run goes on from, if it is other than the state

    @property
    def _now(self) -> tuple[int, int]:
        return self.frames, self.agent_steps

    def run(self) -> int:
        """Train to the end, or until a signal asks to stop; return the exit status.

        Raises:
            FloatingPointError: training has diverged; checkpoints from before remain.
            ChildProcessError: another rank is gone.
        """
        self.progress.begin(*self._now)
        if self.frames >= self.config.frames:  # trained to its end, but perhaps not evaluated or drawn
            self.progress.say(f"{self.folder} has already reached {self.frames:,} frames")
            if not is_done(self.folder):
                self._finish()
            self.progress.say(closing(self.folder))
            return 0
        stored_on = str(self.learning.stored_on)
        self.progress.say(opening(self.config, self.folder, self.made_with, self.frames, stored_on))
        if not self.frames:
            self.evaluations.begin(RANDOM_POLICY, None, *self._now)
            self.progress.say_plan()
        elif self.evaluation_owed:
            self.evaluations.begin(EVALUATION, self.agent, *self._now)
        try:
            status = self.learn()
        except FloatingPointError as error:
            raise FloatingPointError(
                f"training diverged: {error} not finite at {self.frames:,} frames; a lower learning rate may help"
            ) from None
        self.progress.close()
        self.progress.say(stopped(self.folder, self.frames) if status else closing(self.folder))
        return status

    def record(self, report: Report, episodes: list[Episode]) -> None:
        """Log a report of the loop; evaluate when due."""
        self.evaluations.poll()
        for metrics in report.updates:
            self.averages.add(metrics)
        self.counts = report.counts
        for note in report.notes:
            self.progress.say(note)
        for episode in episodes:
            self._write("episode", episode._asdict())
            self.last_return = episode.episode_return
        self.progress.update(*self._now, self.last_return, learned=bool(report.updates))
        if self.log_due.due(self.frames):
            self._write_averages()
        due = self.evaluation_due.due(self.frames)
        self.evaluation_owed = due and self.frames >= self.config.frames
        if due and not self.evaluation_owed:
            self.evaluations.begin(EVALUATION, self.agent, *self._now)

    def end(self) -> None:
        """Log what is left, save, evaluate for the last time and draw."""
        self.progress.close()
        self.evaluations.finish()
        self.at_end = {"written": self.log.written, "evaluation_owed": self.evaluation_owed}
        averages = self.averages.state_dict()
        self._write_averages()
        self.averages.load_state_dict(averages)  # a longer run logs them when they are due
        self.save()
        self._finish()

    def _write(self, kind: str, row: Mapping[str, float]) -> None:
        frames, agent_steps = self._now
        self.log.write(kind, row, frames=frames, agent_steps=agent_steps)

    def _write_averages(self) -> None:
        """Write the training metrics since the last row; a FloatingPointError names those that are not finite."""
        row = self.averages.pop()
        if not row:
            return
        self._write("train", {**row, **self.counts})
        if broken := [name for name, value in row.items() if not math.isfinite(value)]:
            raise FloatingPointError(", ".join(broken))

    def write(self, states: list[dict[str, Any]]) -> None:
        """Save the states of all ranks in one checkpoint: this one's, and in it those of the others."""
        first, *others = states
        state = first | ({"ranks": others} if others else {})
        with self.progress.phase("checkpoint", Part.CHECKPOINTS):
            checkpoint.save(self.folder / CHECKPOINTS, self.frames, state, made_with=self.made_with)

    def _finish(self) -> None:
        """Evaluate for the last time, mark the run as done, and draw its pictures."""
        episode = Recorder(self.config.video_size)
        self.evaluations.play(EVALUATION, self.agent, *self._now, episode if self.pictures else None)
        self.log.sync()
        made_with = checkpoint.with_versions(self.made_with)
        done = {"frames": self.frames, "time_s": self.log.time_s, "made_with": made_with}
        write_object(self.folder / DONE_FILE, done)
        run = LoadedRun(self.config, self.agent, self.frames)
        for name, picture in self.pictures.items():
            with self.progress.phase(name, Part.FIGURES):
                picture(self.folder, run, episode)

    def state_dict(self) -> dict[str, Any]:
        """Return all that the rest of the run depends on."""
        return super().state_dict() | {
            "last_return": self.last_return,
            "evaluation": self.evaluations.state_dict(),
            "log": self.log.state_dict(),
            "at_end": self.at_end,
        }

    def load(self) -> None:
        """Restore the newest complete checkpoint, and drop the rows that were logged after it.

        Where the run has become longer since, those that only its end had are dropped too, and it is not done.
        """
        frames, state = 0, dict[str, Any]()
        if checkpoint.exists(self.folder / CHECKPOINTS):
            frames, state = checkpoint.load(self.folder / CHECKPOINTS)
            self.share(state)
            self.load_state_dict(state)
            self.last_return = state["last_return"]
            for difference in checkpoint.differences(self.folder / CHECKPOINTS, self.made_with):
                self.progress.say(f"note: {difference}: the run continues, perhaps not bit for bit")
        else:
            self.share()
        log = state.get("log", {})  # checkpoints of earlier versions lack some of these
        if frames < self.config.frames:
            log |= state.get("at_end", {})
            self.evaluation_owed = log.get("evaluation_owed", False)
            reopen(self.folder)
        self.log.truncate(frames if frames else -1, log.get("written"))
        self.evaluations.load_state_dict(state.get("evaluation", {}))
        self.log.write_again(log.get("waiting", []))

    def share(self, state: Mapping[str, Any] = NOTHING) -> None:
        """Let the other ranks begin as a checkpoint's state says, or anew."""
        if state:
            check_ranks(self.folder, state, self.ranks.size)
        self.ranks.share([None, *state.get("ranks", [])] if state else [])

    def _parts(self) -> dict[str, Any]:
        return super()._parts() | {name: getattr(self, name) for name in ("averages", "log_due", "evaluation_due")}

    def close(self) -> None:
        """End what runs beside training, and close the files."""
        self.progress.close()
        self.evaluations.close()
        super().close()
        self.log.close()
