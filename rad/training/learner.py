"""What learns in a run: environments, agent and loop, in one process or in several that average their gradients."""

import abc
import hashlib
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from rad import envs
from rad.experiment.algorithms import Episode, Report, algorithm_of, make_agent
from rad.experiment.build import action_repeat, make_env
from rad.experiment.config import RunConfig
from rad.runtime import device, source
from rad.runtime.clocks import Every
from rad.runtime.processes.ranks import ALONE, Ranks
from rad.runtime.processes.signals import StopRequest


class Learner(abc.ABC):
    """A rank of a run: it learns to the end, or until a signal asks any rank to stop.

    With several ranks each steps its share of the environments, and all agree where an update ends, the rollouts being
    empty: there they stop and save, the first one for all.

    Args:
        config: of the run; `num_envs` are those of all ranks.
        ranks: the processes that train the agent together.

    Raises:
        ValueError: the ranks begin with different weights.
    """

    def __init__(self, config: RunConfig, ranks: Ranks = ALONE) -> None:
        device.tune_allocator()
        if config.threads:
            device.set_threads(config.threads)
        self.config, self.ranks = config, ranks
        self.action_repeat = action_repeat(config)
        algorithm = algorithm_of(config)
        share = config.envs_here // ranks.size
        self.env = make_env(config, "train", num_envs=share, groups=algorithm.groups, index=ranks.rank)
        self.agent = make_agent(config, self.env, ranks)
        self._check_weights()
        self.made_with = {
            "device": str(self.agent.device),
            "hardware": device.model(self.agent.device),
            "precision": self.agent.precision,
            "commit": source.commit() or "unknown",
        }
        if name := envs.renderer(config.task, self.env):
            self.made_with["renderer"] = name
        if ranks.size > 1:
            self.made_with["ranks"] = str(ranks.size)
        self.learning = algorithm.make_learning(config, self.env, self.agent)
        self.checkpoint_due = Every(config.checkpoint_every)
        self._episodes: list[Episode] = []  # of this rank, since the last update

    @property
    def agent_steps(self) -> int:
        """Agent steps of all ranks so far."""
        return self.learning.state.agent_steps * self.ranks.size

    @property
    def frames(self) -> int:
        """Environment frames of all ranks so far."""
        return self.agent_steps * self.action_repeat

    @abc.abstractmethod
    def record(self, report: Report, episodes: list[Episode]) -> None:
        """Log a report of the loop, with episodes of any rank that ended."""

    @abc.abstractmethod
    def write(self, states: list[dict[str, Any]]) -> None:
        """Save the states of all ranks, on the first one."""

    @abc.abstractmethod
    def end(self) -> None:
        """Save the trained run, and do what is due at its end."""

    def learn(self) -> int:
        """Learn; return the exit status: 0 at the end, or 128 + the signal that stopped the run, which is saved then.

        Raises:
            FloatingPointError: training has diverged; checkpoints from before remain.
            ChildProcessError: another rank is gone.
        """
        with StopRequest() as stop:
            if self.ranks.size > 1 and not self.frames:
                self.save()  # from here on there is always one, which all ranks are of
            for report in self.learning.steps:
                agreed = self.ranks.size == 1 or bool(report.updates)
                self.record(report, self._ended(report, agreed))
                if agreed and self.checkpoint_due.due(self.frames) and self.frames < self.config.frames:
                    self.save()
                if self.frames >= self.config.frames:
                    break
                if agreed and (status := self.ranks.max(stop.exit_code)):
                    self.save()
                    return status
            self.end()
        return 0

    def save(self) -> None:
        """Save the run, all ranks at once."""
        states = self.ranks.collect(self.state_dict())
        if self.ranks.rank == 0:
            self.write(states)

    def _ended(self, report: Report, agreed: bool) -> list[Episode]:
        """Return the episodes of all ranks that ended since the last time, where the ranks meet."""
        self._episodes += report.episodes
        if not agreed:
            return []
        episodes, self._episodes = self.ranks.collect(self._episodes), []
        return [episode for of_rank in episodes for episode in of_rank]

    def close(self) -> None:
        """End the processes of the loop and free the environments."""
        self.learning.close()
        self.env.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def state_dict(self) -> dict[str, Any]:
        """Return all that the rest of this rank's work depends on."""
        return {name: part.state_dict() for name, part in self._parts().items()} | {"env": envs.env_state(self.env)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        envs.load_env_state(self.env, state["env"])

    def _parts(self) -> dict[str, Any]:
        parts = {"agent": self.agent, "checkpoint_due": self.checkpoint_due}
        return parts | {"buffer": self.learning.buffer, "standing": self.learning.state}

    def _check_weights(self) -> None:
        """Compare the initial weights of the ranks, whose versions of torch might differ."""
        if self.ranks.size == 1:
            return
        weights = self.agent.policy_state()
        arrays = [np.ascontiguousarray(value) for of in weights.values() for value in of.values()]
        digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
        if self.ranks.share(digest) != digest:
            raise ValueError(f"rank {self.ranks.rank} begins with other weights than rank 0: their versions differ")


class Follower(Learner):
    """A rank that learns with the first one, which logs, evaluates and saves for all."""

    def record(self, report: Report, episodes: list[Episode]) -> None:
        """Leave it to the first rank."""

    def write(self, states: list[dict[str, Any]]) -> None:
        """Leave it to the first rank."""

    def end(self) -> None:
        """Save the trained run."""
        self.save()

    def run(self) -> int:
        """Learn from where the first rank is; return the exit status, as of `Learner.learn`."""
        if states := self.ranks.share(None):
            self.load_state_dict(states[self.ranks.rank])
        return 0 if self.frames >= self.config.frames else self.learn()
