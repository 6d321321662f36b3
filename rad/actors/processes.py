"""Actors in processes of this machine: they talk through pipes, so that nothing is left of a killed one."""

import multiprocessing
import os
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from rad.actors.pool import Lost, Make, Served

END_S = 30.0  # for a process that was killed to be gone


@dataclass(eq=False)
class Handle:
    """A process, this end of its pipe, and the answer that is awaited."""

    process: BaseProcess
    connection: Connection
    answer: "Future[tuple[Any, ...]] | None" = None


class Processes:
    """Spawned processes. A thread for each talks to it: neither sending nor receiving ever holds up the learner.

    Args:
        make: makes an actor in its process, to which it travels by name.
        count: of actors at a time.
    """

    def __init__(self, make: Make, count: int) -> None:
        self._make, self._context = make, multiprocessing.get_context("spawn")
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="actor")

    def start(self, index: int, state: Any) -> Handle:
        """Start an actor's process."""
        here, there = self._context.Pipe()
        process = self._context.Process(target=serve, args=(there, self._make, index, state), daemon=True)
        process.start()
        there.close()  # so that the end of either process is the end of the connection
        return Handle(process, here)

    def ask(self, handle: Handle, name: str, argument: Any) -> None:
        """Send a request."""
        handle.answer = self._threads.submit(_exchange, handle.connection, (name, argument))

    def wait(self, handles: list[Handle], limit_s: float) -> list[Handle]:
        """Wait for the first answers."""
        awaited = [handle.answer for handle in handles if handle.answer]
        done = wait(awaited, limit_s, FIRST_COMPLETED).done
        return [handle for handle in handles if handle.answer in done]

    def answer(self, handle: Handle) -> tuple[Any, ...]:
        """Return the answer; a Lost if there is none."""
        try:
            return handle.answer.result(0) if handle.answer else ()
        except (EOFError, OSError):
            handle.process.join(END_S)
            raise Lost(f"its process ended with {handle.process.exitcode}") from None

    def end(self, handle: Handle) -> None:
        """Kill the process."""
        handle.process.kill()
        handle.process.join(END_S)
        if handle.answer:  # the thread ends with the pipe
            wait([handle.answer], END_S)
        handle.connection.close()

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False)


def _exchange(connection: Connection, request: tuple[str, Any]) -> tuple[Any, ...]:
    connection.send(request)
    answer: tuple[Any, ...] = connection.recv()
    return answer


def serve(connection: Connection, make: Make, index: int, state: Any) -> None:
    """Answer requests, until the other process closes the connection or is gone, in the middle of one too."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    served = Served(make, index, state)
    while True:
        try:
            connection.send(served.answer(*connection.recv()))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)
