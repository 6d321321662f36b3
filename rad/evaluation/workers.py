"""Evaluation beside training: processes that play a run's splits with a copy of its policy."""

import multiprocessing
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch

from rad.envs.pixel_env import leave_signals_to_parent
from rad.evaluation.loaded_run import play_splits, untrained_agent
from rad.evaluation.play import Episodes
from rad.experiment.algorithms import PolicyState
from rad.experiment.config_file import read_config
from rad.runtime import device, plugins


class EvaluationWorkers:
    """Processes for one evaluation at a time, whose splits they share.

    They compute with as many threads as this process, and so the same bits.

    Args:
        folder: of the run, whose settings they read.
        count: how many, at least 1.
    """

    def __init__(self, folder: Path, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._names: list[str] = []
        self._connections: list[Connection] = []
        self._processes = []
        for _ in range(count):
            here, there = context.Pipe()
            process = context.Process(target=serve, args=(there, folder, torch.get_num_threads()))
            process.start()
            there.close()  # so that the end of either process is the end of the connection
            self._connections.append(here)
            self._processes.append(process)

    def begin(self, names: Sequence[str], policy: PolicyState | None) -> None:
        """Begin to play on splits with the policy, or with the random one.

        Raises:
            ChildProcessError: a process was killed.
        """
        self._names = list(names)
        for index, connection in enumerate(self._connections):
            try:
                connection.send((self._names[index :: len(self._connections)], policy))
            except (BrokenPipeError, ConnectionResetError):
                raise self._ended(index) from None

    @property
    def ready(self) -> bool:
        """Whether what was begun has been played."""
        return len(wait(self._connections, timeout=0)) == len(self._connections)

    def finish(self) -> dict[str, Episodes]:
        """Wait until what was begun has been played; return the episodes by split.

        Raises:
            ChildProcessError: a process failed or was killed; one line that says which.
        """
        episodes: dict[str, Episodes] = {}
        for index, connection in enumerate(self._connections):
            try:
                played = connection.recv()
            except (EOFError, ConnectionResetError):
                raise self._ended(index) from None
            if isinstance(played, str):
                raise ChildProcessError(f"a process that evaluates failed: {played}")
            episodes |= played
        return {name: episodes[name] for name in self._names}

    def _ended(self, index: int) -> ChildProcessError:
        self._processes[index].join()
        return ChildProcessError(f"a process that evaluates ended with {self._processes[index].exitcode}")

    def close(self) -> None:
        """End the processes, in the middle of an episode too."""
        for connection, process in zip(self._connections, self._processes):
            process.kill()
            process.join()
            connection.close()


def serve(connection: Connection, folder: Path, threads: int) -> None:
    """Play what is asked for, until the other process closes the connection or is gone."""
    leave_signals_to_parent()
    device.tune_allocator()
    device.set_threads(threads)
    plugins.load_inherited()
    config = read_config(folder)
    agent = untrained_agent(config)
    while True:
        try:
            names, policy = connection.recv()
        except EOFError:
            return
        try:
            if policy is not None:
                agent.load_policy_state(policy)
            answer: Mapping[str, Episodes] | str = play_splits(config, None if policy is None else agent, names)
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        try:
            connection.send(answer)
        except BrokenPipeError:
            return
