"""Learning from the trajectories of actors, wherever they act, as a generator of reports; no files, no logs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from rad.actors.actor import Actor, Collected
from rad.loops import LoopState, Report
from rad.types import Metrics, Trajectory


class Learner(Protocol):
    """What the loop needs of an agent."""

    updates: int

    def policy_state(self) -> dict[str, dict[str, np.ndarray]]:
        """Return a copy of what acts."""

    def update(self, trajectory: Trajectory) -> Metrics:
        """Take one gradient step."""


class Source(Protocol):
    """Where trajectories come from."""

    def next(self, learner: Learner) -> Collected:
        """Return the next trajectory, and have more of them collected by the policy of now.

        Raises:
            FloatingPointError: the policy is not finite.
            ChildProcessError: an actor fails again and again; one line.
        """

    def counts(self) -> dict[str, int]:
        """Return what happened how often since the run began."""

    def notes(self) -> list[str]:
        """Return what happened since the last call, a line each."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that an exact resume needs of the actors."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave, before the first `next`."""

    def close(self) -> None:
        """End the actors."""


class InProcess:
    """The learner itself acts, always with its newest policy. The caller keeps the environments."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def next(self, learner: Learner) -> Collected:
        """Collect a trajectory."""
        return self.actor.collect()._replace(version=learner.updates)

    def counts(self) -> dict[str, int]:
        """Return nothing."""
        return {}

    def notes(self) -> list[str]:
        """Return nothing."""
        return []

    def state_dict(self) -> dict[str, Any]:
        """Return the state between two trajectories; the environments' and the agent's are apart."""
        return self.actor.state.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.actor.state.load_state_dict(state)

    def close(self) -> None:
        """Do nothing."""


@dataclass(kw_only=True)
class DecoupledState(LoopState):
    """The state of the loop: steps of all actors, and how many trajectories were too old to learn from."""

    dropped: int = 0

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        super().load_state_dict(state)
        self.dropped = state["dropped"]


def decoupled(source: Source, learner: Learner, state: DecoupledState, *, max_lag: int = 0) -> Iterator[Report]:
    """Learn from one trajectory after the other, forever; the caller decides when to stop, and closes the source.

    Each trajectory yields a report, with an update unless the learner has taken more than `max_lag` updates, 0 for any
    number, since its policy was sent to the actor; steps and episodes count either way. Metric: `lag`, in updates.

    Raises:
        FloatingPointError, ChildProcessError: as of `Source.next`.
    """
    while True:
        trajectory, episodes, version = source.next(learner)
        lag = learner.updates - version
        state.agent_steps += trajectory.reward.numel()
        is_dropped = 0 < max_lag < lag
        state.dropped += is_dropped
        updates = [] if is_dropped else [learner.update(trajectory) | {"lag": torch.tensor(float(lag))}]
        counts = source.counts() | ({"rollouts_dropped": state.dropped} if max_lag else {})
        yield Report(state.agent_steps, episodes, updates, counts, source.notes())
