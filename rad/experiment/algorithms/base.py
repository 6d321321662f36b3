"""What an entry of the table of algorithms says, and what all of them need."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import gymnasium
import torch
from gymnasium.vector import VectorEnv

from rad.actors.loop import Source
from rad.agents.base import Agent
from rad.buffers.replay import Replay
from rad.buffers.rollout import RolloutBuffer
from rad.experiment.bounds import Bound
from rad.experiment.config import RunConfig
from rad.loops import LoopState, Report

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Preset:
    """Named values for a run, and where they come from.

    Attributes:
        source: papers and code.
        run: fields of the run.
        agent: fields of its agent.
        run_for, agent_for: the same for a task or a suite, over `run` and `agent`; a task's are over its suite's.
    """

    source: str
    run: Values = field(default_factory=dict)
    agent: Values = field(default_factory=dict)
    run_for: Mapping[str, Values] = field(default_factory=dict)
    agent_for: Mapping[str, Values] = field(default_factory=dict)

    def config(self, default: RunConfig, name: str, task: str | None) -> RunConfig:
        """Return an algorithm's defaults with this preset's values for `task` in their place."""
        task = task if task is not None else self.run.get("task", default.task)
        run, agent = dict(self.run), dict(self.agent)
        for scope in (task.partition("/")[0], task):
            run |= self.run_for.get(scope, {})
            agent |= self.agent_for.get(scope, {})
        named = {"preset": name, "task": task, "agent": replace(default.agent, **agent)}
        return replace(default, **run | named)


@dataclass(frozen=True)
class Learning:
    """A loop with what it fills and where it stands; `steps` begins with the state that these have then.

    Attributes:
        stored_on: where the observations lie.
        close: ends the processes of the loop, if it has any.
    """

    buffer: Replay | RolloutBuffer | Source
    state: LoopState
    steps: Iterator[Report]
    stored_on: torch.device
    close: Callable[[], object] = lambda: None


class Stored(NamedTuple):
    """The observations that a run stores: bytes, number in a unit, which a field of the run decides, and where."""

    bytes: int
    field: str
    number: int
    unit: str
    device: torch.device


@dataclass(frozen=True)
class Algorithm:
    """One learning algorithm: all that differs from one to another. `config` is always of the kind `run`.

    Attributes:
        run: its configuration, with its defaults; the evaluation's policy is one of them.
        presets: by name; the first is taken where none is named.
        bounds: ranges of the numbers that only its runs have.
        action_spaces: kinds of actions that it takes, a vector of them if they are continuous.
        make_agent: from (config, env, what all agents take) its agent, untrained.
        make_learning: from (config, env, agent) the loop in which it learns.
        check: raises a SettingError if (config, height and width that the encoder sees) cannot be
            learned with; ranges and `config.agent.check()` are checked before.
        stored: from (config, side in pixels) what it stores.
        shortened: from config one that learns as fast, and as early as it can.
        groups: of the environments it learns from, of which one is simulated while actions are drawn for another.
        idle: from config why it would make no update, in a line that names the flags; "" where it makes some.
        ranks: whether several processes can train one agent together.
        schedules: names of settings that, where they are true, make something follow the length of the run.
    """

    run: type[RunConfig]
    presets: Mapping[str, Preset]
    bounds: Mapping[str, Bound]
    action_spaces: tuple[type[gymnasium.Space[Any]], ...]
    make_agent: Callable[[Any, VectorEnv, dict[str, Any]], Agent]
    make_learning: Callable[[Any, VectorEnv, Any], Learning]
    check: Callable[[Any, tuple[int, int]], None]
    stored: Callable[[Any, int], Stored]
    shortened: Callable[[Any], RunConfig]
    groups: int = 1
    idle: Callable[[Any], str] = lambda config: ""
    ranks: bool = False
    schedules: tuple[str, ...] = ()
