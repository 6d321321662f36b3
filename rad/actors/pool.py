"""Actors in other processes: who is asked for what, whose trajectory comes next, and what happens to lost ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch

from rad.actors.actor import Collected
from rad.actors.loop import Learner
from rad.loops import Episode
from rad.types import Trajectory

LIMIT_S = 600.0  # for one answer, the start of its process included
LOSSES = 3  # of one actor without an answer between them, after which the run ends

Make = Callable[[int, Any], Any]
"""From the number of an actor and its state, None at the start, an object with `collect` and `state`."""


class Lost(Exception):
    """An actor is gone; the text says how it ended."""


class Served:
    """What runs in the process of an actor: it is made at the first request, and answers each."""

    def __init__(self, make: Make, index: int, state: Any) -> None:
        self._arguments, self._make, self._target = (index, state), make, None

    def answer(self, name: str, argument: Any) -> tuple[Any, ...]:
        """Return True and the method's result, or False, the kind of its error and the text."""
        try:
            self._target = self._target or self._make(*self._arguments)
            return True, getattr(self._target, name)(argument)
        except Exception as error:
            return False, type(error).__name__, str(error)


class Workers(Protocol):
    """Processes on this machine or others. A handle stands for one that was started."""

    def start(self, index: int, state: Any) -> Any:
        """Start an actor's process, and return its handle."""

    def ask(self, handle: Any, name: str, argument: Any) -> None:
        """Send a request of plain values and arrays, without waiting for anything."""

    def wait(self, handles: list[Any], limit_s: float) -> list[Any]:
        """Wait until some have answered or are lost, and return those; none if the limit is over."""

    def answer(self, handle: Any) -> tuple[Any, ...]:
        """Return the answer of `Served`; a Lost if the process is gone."""

    def end(self, handle: Any) -> None:
        """Kill the process, if it is not gone."""

    def close(self) -> None:
        """Release what is shared by all."""


class Request(NamedTuple):
    """A method of an actor with its argument."""

    name: str
    argument: Any


@dataclass(eq=False)
class Slot:
    """One of the actors; a lost one is replaced by another with the next number, which is that of its seeds."""

    index: int
    state: Any = None  # that it is started with
    handle: Any = None  # None before it is started
    request: Request | None = None  # that it has not answered
    held: Any = None  # a trajectory that came early, in arrays
    losses: int = 0  # in a row


class Pool:
    """Actors with one request outstanding each: as many trajectories are on their way as there are actors.

    An actor is asked again, with the policy of then, when its trajectory is taken. In fixed order trajectories are
    taken in the order in which they were asked for: nothing depends on how fast an actor is, and each lags behind by as
    many updates as there are actors, or fewer at the start. Otherwise the next is the oldest that has arrived.

    Args:
        workers: the processes.
        count: of actors.
        fixed: the order.
        limit_s: seconds for one answer.
    """

    def __init__(self, workers: Workers, count: int, *, fixed: bool, limit_s: float = LIMIT_S) -> None:
        self._workers, self._fixed, self._limit_s = workers, fixed, limit_s
        self._silent = f"no answer within {limit_s:.0f} s"
        self._queue = [Slot(index) for index in range(count)]  # in the order in which they were asked
        self._numbers, self._lost, self._notes = count, 0, list[str]()

    def next(self, learner: Learner) -> Collected:
        """Return the next trajectory, and ask its actor for another with the policy of now."""
        request = Request("collect", (learner.policy_state(), learner.updates))
        for slot in self._queue:  # all at once, and each before any is waited for
            if slot.request is None and slot.held is None:
                self._ask(slot, request)
        slot = self._first_ready()
        arrays, slot.held = slot.held if slot.held is not None else self._answer(slot), None
        self._queue.remove(slot)
        self._queue.append(slot)
        self._ask(slot, request)
        return unpack(arrays)

    def _first_ready(self) -> Slot:
        if self._fixed:
            return self._queue[0]
        if held := [slot for slot in self._queue if slot.held is not None]:
            return held[0]
        ready = self._workers.wait([slot.handle for slot in self._queue], self._limit_s)
        if not ready:
            self._replace(self._queue[0], self._silent)
        return next((slot for slot in self._queue if slot.handle in ready), self._queue[0])

    def _ask(self, slot: Slot, request: Request) -> None:
        if slot.handle is None:
            slot.handle, slot.state = self._workers.start(slot.index, slot.state), None
        slot.request = request
        self._workers.ask(slot.handle, *request)

    def _answer(self, slot: Slot) -> Any:
        """Wait for what a slot was asked for; a lost actor is replaced, and the new one asked for the same."""
        while True:
            try:
                if not self._workers.wait([slot.handle], self._limit_s):
                    raise Lost(self._silent)
                succeeded, *answer = self._workers.answer(slot.handle)
            except Lost as lost:
                self._replace(slot, str(lost))
                continue
            if not succeeded:
                raise _failure(*answer)
            slot.request, slot.losses = None, 0
            return answer[0]

    def _replace(self, slot: Slot, why: str) -> None:
        self._workers.end(slot.handle)
        slot.losses += 1
        self._lost += 1
        if slot.losses == LOSSES:
            raise ChildProcessError(f"actors were lost {LOSSES} times in a row: {why}")
        self._notes.append(f"actor {slot.index} was lost ({why}); actor {self._numbers} takes its place")
        slot.index, slot.handle, self._numbers = self._numbers, None, self._numbers + 1
        if slot.request:
            self._ask(slot, slot.request)

    def counts(self) -> dict[str, int]:
        """Return how many actors were lost."""
        return {"actors_lost": self._lost}

    def notes(self) -> list[str]:
        """Return a line for each actor that was lost since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def state_dict(self) -> dict[str, Any]:
        """Wait for all that is on its way and keep it for later, and return it with the states of the actors."""
        for slot in self._queue:
            if slot.request:
                slot.held = self._answer(slot)
        for slot in self._queue:
            if slot.handle is not None:
                self._ask(slot, Request("state", None))
        states = [slot.state if slot.handle is None else self._answer(slot) for slot in self._queue]
        slots = [{"index": slot.index, "state": state, "held": slot.held} for slot, state in zip(self._queue, states)]
        return {"slots": slots, "numbers": self._numbers, "lost": self._lost}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave, before the first `next`; the actors go on where they were."""
        self._queue = [Slot(**slot) for slot in state["slots"]]
        self._numbers, self._lost = state["numbers"], state["lost"]

    def close(self) -> None:
        """End all processes."""
        for slot in self._queue:
            if slot.handle is not None:
                self._workers.end(slot.handle)
                slot.handle = slot.request = None
        self._workers.close()


def _failure(kind: str, text: str) -> Exception:
    """Return the error with which the run ends: of training that has diverged, or of an actor's process."""
    return FloatingPointError(text) if kind == FloatingPointError.__name__ else ChildProcessError(f"{kind}: {text}")


def pack(value: Any) -> Any:
    """Turn the tensors in nested tuples, lists and dicts into arrays.

    Between processes of a machine, tensors would travel in shared memory, which a killed process leaves behind.
    """
    if isinstance(value, torch.Tensor):
        return value.cpu().numpy()
    if isinstance(value, dict):
        return {name: pack(item) for name, item in value.items()}
    return type(value)(map(pack, value)) if type(value) in (tuple, list) else value


def unpack(arrays: Any) -> Collected:
    """Rebuild what was collected from `pack` of its tuples."""
    trajectory, episodes, version = arrays
    return Collected(Trajectory(*map(_tensors, trajectory)), [Episode(*episode) for episode in episodes], version)


def _tensors(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value if value.flags.writeable else value.copy())  # Ray's cannot be written to
    return [{name: _tensors(item) for name, item in stage.items()} for stage in value]
