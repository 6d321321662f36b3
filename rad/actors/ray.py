"""Actors on the nodes of a Ray cluster, one CPU each. Ray itself is the caller's, so that it has one home."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rad.actors.pool import Lost, Make, Served


@dataclass(eq=False)
class Handle:
    """An actor of Ray, and the answer that is awaited."""

    actor: Any
    answer: Any = None


class RayWorkers:
    """Actors of Ray. It restarts none: the pool does, which knows what is to be asked again.

    Args:
        make: makes an actor on its node, to which it travels by name.
        connect: connects and returns Ray, once the first actor is started.
    """

    def __init__(self, make: Make, connect: Callable[[], Any]) -> None:
        self._make, self._connect = make, connect
        self._ray: Any = None

    def start(self, index: int, state: Any) -> Handle:
        """Start an actor."""
        self._ray = self._ray or self._connect()
        kind = self._ray.remote(Served).options(num_cpus=1, max_restarts=0)
        return Handle(kind.remote(self._make, index, state))

    def ask(self, handle: Handle, name: str, argument: Any) -> None:
        """Send a request."""
        handle.answer = handle.actor.answer.remote(name, argument)

    def wait(self, handles: list[Handle], limit_s: float) -> list[Handle]:
        """Wait for the first answers."""
        done, _ = self._ray.wait([handle.answer for handle in handles], num_returns=1, timeout=limit_s)
        return [handle for handle in handles if handle.answer in done]

    def answer(self, handle: Handle) -> tuple[Any, ...]:
        """Return the answer; a Lost if there is none."""
        try:
            answer: tuple[Any, ...] = self._ray.get(handle.answer)
        except self._ray.exceptions.RayError as error:
            raise Lost(f"Ray: {type(error).__name__}") from None
        return answer

    def end(self, handle: Handle) -> None:
        """Kill the actor."""
        self._ray.kill(handle.actor)

    def close(self) -> None:
        """Leave the cluster, or end the instance on this machine."""
        if self._ray:
            self._ray.shutdown()
