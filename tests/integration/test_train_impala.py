"""Whole runs of IMPALA: in one process, with actors in others, which are slow, killed, or outlive nobody."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from rad.actors.loop import DecoupledState, decoupled
from rad.actors.pool import unpack
from rad.experiment.algorithms import make_agent
from rad.experiment.algorithms.impala import IMPALARun
from rad.experiment.algorithms.impala_actors import RemoteActor
from rad.experiment.build import make_env
from rad.experiment.config_file import to_json
from rad.training.trainer import Trainer, resume, start
from tests.integration.runs import rows, run_until, same, tiny_impala, weights

pytestmark = pytest.mark.slow
AUGMENT = "grayscale:p=0.5"  # is drawn by the actors, and seen by the learner
TOGETHER = 12  # agent steps of a trajectory: 3 of 4 environments


def spread(actors: int = 2, **run: Any) -> IMPALARun:
    return tiny_impala(actors=actors, augment=AUGMENT, **run)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two actors in fixed order."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert start(spread(), folder) == 0
    return folder


def trained(folder: Path) -> list[dict[str, Any]]:
    return [row for row in rows(folder) if row["kind"] == "train"]


class Watched(Trainer):
    """A run that something happens to at the report of some agent steps."""

    at = 3 * TOGETHER

    def happen(self, actors: list[int]) -> None:
        """Do it, with the processes of the actors in the order of their turns."""

    def record(self, report: Any, episodes: Any) -> None:
        super().record(report, episodes)
        if report.agent_steps == self.at:
            pool: Any = self.learning.buffer
            self.happen([slot.handle.process.pid for slot in pool._queue])

    @classmethod
    def start(cls, config: IMPALARun, folder: Path) -> int:
        folder.mkdir()
        with cls(config, folder) as trainer:
            return trainer.run()


def test_in_process_twice_is_bit_equal(tmp_path: Path) -> None:
    for name in ("first", "second"):
        assert start(tiny_impala(augment=AUGMENT), tmp_path / name) == 0
    assert same(weights(tmp_path / "first"), weights(tmp_path / "second"))
    assert rows(tmp_path / "first") == rows(tmp_path / "second")
    assert all(row["lag"] == 0 for row in trained(tmp_path / "first"))


@pytest.mark.parametrize("killed_after", [36, 48])
def test_a_killed_run_in_one_process_resumes_to_the_same_end(tmp_path: Path, killed_after: int) -> None:
    config = tiny_impala(augment=AUGMENT)
    start(config, tmp_path / "whole")
    run_until(config, tmp_path / "run", killed_after)
    assert resume(tmp_path / "run") == 0
    assert rows(tmp_path / "run") == rows(tmp_path / "whole")
    assert same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


def test_actors_elsewhere_compute_what_they_would_here_one_after_the_other(whole: Path) -> None:
    config, state = spread(), DecoupledState()
    torch.set_num_threads(1)
    with contextlib.closing(make_env(config, "train")) as env:
        agent: Any = make_agent(config, env)
    actors = [RemoteActor(config, index) for index in range(2)]
    request = agent.policy_state(), agent.updates
    waiting = [(actor, request) for actor in actors]

    class Here:
        """Collects what was asked for when it is due, with the policy of when it was asked for."""

        def next(self, learner: Any) -> Any:
            actor, (policy, version) = waiting.pop(0)
            waiting.append((actor, (learner.policy_state(), learner.updates)))
            return unpack(actor.collect((policy, version)))

        def counts(self) -> dict[str, int]:
            return {}

        def notes(self) -> list[str]:
            return []

    source: Any = Here()
    reports = list(itertools.islice(decoupled(source, agent, state), 60 // TOGETHER))
    learned = {f"{part}.{name}": value for part in ("encoder", "head") for name, value in weights_of(agent, part)}
    assert same(learned, weights(whole))
    assert [float(report.updates[0]["lag"]) for report in reports] == [0, 1, 2, 2, 2]


def weights_of(agent: Any, part: str) -> Iterator[tuple[str, torch.Tensor]]:
    yield from getattr(agent, part).state_dict().items()


def test_a_delayed_actor_changes_nothing_in_fixed_order(whole: Path, tmp_path: Path) -> None:
    class Delayed(Watched):
        def happen(self, actors: list[int]) -> None:
            os.kill(actors[0], signal.SIGSTOP)
            threading.Timer(2.0, os.kill, (actors[0], signal.SIGCONT)).start()

    assert Delayed.start(spread(), tmp_path / "run") == 0
    assert rows(tmp_path / "run") == rows(whole)
    assert same(weights(tmp_path / "run"), weights(whole))


@pytest.mark.parametrize("order", ["fixed", "arrival"])
def test_a_killed_actor_is_replaced_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str], order: str) -> None:
    class Bereaved(Watched):
        def happen(self, actors: list[int]) -> None:
            os.kill(actors[0], signal.SIGKILL)

    assert Bereaved.start(spread(order=order, frames=12 * TOGETHER), tmp_path / "run") == 0
    logged = trained(tmp_path / "run")
    assert logged[-1]["actors_lost"] == 1 and logged[0]["actors_lost"] == 0
    assert logged[-1]["frames"] == 12 * TOGETHER
    assert "was lost (its process ended with -9); actor 2 takes its place" in capsys.readouterr().out
    assert order == "arrival" or all(row["lag"] <= 2 for row in logged)


def test_an_actor_that_hangs_is_replaced(tmp_path: Path) -> None:
    class Stuck(Watched):
        def happen(self, actors: list[int]) -> None:
            pool: Any = self.learning.buffer
            replace = pool._replace

            def replaced(*arguments: Any) -> None:
                pool._limit_s = 600.0  # for the start of the new one
                replace(*arguments)

            pool._limit_s, pool._replace = 1.0, replaced
            os.kill(actors[0], signal.SIGSTOP)

    assert Stuck.start(spread(), tmp_path / "run") == 0
    assert trained(tmp_path / "run")[-1]["actors_lost"] == 1


@pytest.mark.parametrize("killed_after", [36, 48])
def test_a_killed_run_with_actors_resumes_to_the_same_end(whole: Path, tmp_path: Path, killed_after: int) -> None:
    run_until(spread(), tmp_path / "run", killed_after)
    assert resume(tmp_path / "run") == 0
    assert rows(tmp_path / "run") == rows(whole)
    assert same(weights(tmp_path / "run"), weights(whole))


def processes_of(folder: Path) -> dict[int, str]:
    """Return the running processes whose environment names the folder, with their command lines."""
    running = {}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"RUN_OF_TEST={folder}".encode() in (path / "environ").read_bytes().split(b"\0"):
                running[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return running


def until(condition: Any, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_and_no_shared_memory_outlives_the_learner(tmp_path: Path, number: signal.Signals) -> None:
    folder, before = tmp_path / "run", set(os.listdir("/dev/shm"))
    code = (
        "import sys, json; from rad.experiment.config_file import from_json; from rad.training.trainer import start; "
        "from pathlib import Path; sys.exit(start(from_json(json.load(sys.stdin)), Path(sys.argv[1])))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"RUN_OF_TEST": str(folder)},
    )

    assert process.stdin
    process.stdin.write(json.dumps(to_json(spread(frames=10**6, eval_every=0, checkpoint_every=0))).encode())
    process.stdin.close()
    until(lambda: (folder / "metrics.jsonl").exists() and trained(folder), process)
    assert len(processes_of(folder)) >= 3
    process.send_signal(number)
    assert process.wait(120) == (143 if number == signal.SIGTERM else -number)
    deadline = time.monotonic() + 20
    while left := processes_of(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    assert set(os.listdir("/dev/shm")) <= before
    if number == signal.SIGTERM:
        assert (folder / "checkpoints").is_dir()
