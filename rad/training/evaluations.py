"""The evaluations of a run: played between two steps of training, or beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rad.evaluation.export import keep_best
from rad.evaluation.loaded_run import play_splits, scores
from rad.evaluation.play import Episodes, Recorder
from rad.evaluation.workers import EvaluationWorkers
from rad.experiment.algorithms import Agent, PolicyState
from rad.experiment.config import RunConfig
from rad.experiment.splits import splits
from rad.runtime.logging import Place, RunLog
from rad.runtime.progress import Part, Progress
from rad.training.messages import PHASES, evaluated


@dataclass
class Pending:
    """An evaluation beside training."""

    kind: str  # of its rows
    frames: int  # when it began
    agent_steps: int
    policy: PolicyState | None  # that it plays with; None for the random policy
    place: Place  # of its rows


class Evaluations:
    """Play a run's evaluations on its splits and write their rows, each at the place where it began.

    Args:
        config: of the run.
        folder: of the run.
        log: rows are written to it.
        progress: shows those that are played between two steps of training.
    """

    def __init__(self, config: RunConfig, folder: Path, log: RunLog, progress: Progress) -> None:
        self._config, self._folder, self._log, self._progress = config, folder, log, progress
        self._splits = splits(config)
        count = min(config.eval_workers, len(self._splits))
        self._workers = EvaluationWorkers(folder, count) if count else None
        self._pending: Pending | None = None

    def begin(self, kind: str, agent: Agent | None, frames: int, agent_steps: int) -> None:
        """Play beside training, where the run has workers, else now, with the agent or the random policy."""
        if self._workers is None:
            self.play(kind, agent, frames, agent_steps)
        else:
            self.finish()
            self._begin(kind, agent.policy_state() if agent else None, frames, agent_steps)

    def _begin(self, kind: str, policy: PolicyState | None, frames: int, agent_steps: int) -> None:
        place = self._log.reserve(frames=frames, agent_steps=agent_steps)
        self._pending = Pending(kind, frames, agent_steps, policy, place)
        if self._workers:
            self._workers.begin(self._splits, policy)

    def play(
        self, kind: str, agent: Agent | None, frames: int, agent_steps: int, recorder: Recorder | None = None
    ) -> None:
        """Play now; a recorder records an episode of the first split."""
        self.finish()
        count = self._config.eval_envs * self._config.eval_episodes * len(self._splits)
        with self._progress.phase(PHASES[kind], Part.EVALUATIONS, count) as played:
            episodes = play_splits(self._config, agent, self._splits, recorder=recorder, played=played)
        place = self._log.reserve(frames=frames, agent_steps=agent_steps)
        policy = agent.policy_state() if agent and self._config.keep_best else None
        self._write(kind, episodes, frames, place, policy, self._progress.remaining.costs_s[Part.EVALUATIONS])

    def poll(self) -> None:
        """Write the rows of an evaluation that has ended beside training."""
        if self._workers and self._pending and self._workers.ready:
            self.finish()

    def finish(self) -> None:
        """Wait for an evaluation beside training, if there is one, and write its rows.

        Raises:
            ChildProcessError: the process that plays it is gone.
        """
        if self._workers and (pending := self._pending):
            episodes = self._workers.finish()
            self._pending = None
            self._write(pending.kind, episodes, pending.frames, pending.place, pending.policy)

    def _write(
        self,
        kind: str,
        episodes: Mapping[str, Episodes],
        frames: int,
        place: Place,
        policy: PolicyState | None,
        seconds: float = 0.0,
    ) -> None:
        """Write a row for each split, such as `eval/test`; just `eval` where there are none. Keep the best policy."""
        rows = {f"{kind}/{name}" if name else kind: scores(self._config, of) for name, of in episodes.items()}
        self._log.fill(place, rows)
        self._progress.say(evaluated(rows, frames, seconds))
        if policy and self._config.keep_best:
            keep_best(self._folder, self._config, frames, policy, episodes)

    def state_dict(self) -> dict[str, Any]:
        """Return what an evaluation beside training plays with: a resume plays it again."""
        if self._pending is None:
            return {}
        return {name: getattr(self._pending, name) for name in ("kind", "frames", "agent_steps", "policy")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Begin again what `state_dict` tells of."""
        if state:
            self._begin(**state)

    def close(self) -> None:
        """End the processes."""
        if self._workers:
            self._workers.close()
