"""Order, lag, losses and states of actors, with workers in this process that answer when a test says so."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from rad.actors.loop import DecoupledState, decoupled
from rad.actors.pool import Lost, Pool, Served
from rad.loops import Report
from rad.types import Metrics, Trajectory


class Toy:
    """Its trajectories show its number, how many it made, and the policy's weight."""

    def __init__(self, index: int, state: Any) -> None:
        self.index, self.made = index, state or 0

    def collect(self, policy: tuple[Any, int]) -> Any:
        weights, version = policy
        if weights["encoder"]["weight"] < 0:
            raise FloatingPointError("actions or values")
        self.made += 1
        numbers = np.array([[self.index, self.made, weights["encoder"]["weight"]]], np.float32)
        ends = np.zeros((1, 3), bool)
        return (
            (np.zeros((6, 3, 1, 1), np.uint8), np.tile(np.arange(3), 2), [], numbers, numbers, numbers, ends, ends),
            [(1.0, self.made)],
            version,
        )

    def state(self, _: None) -> int:
        return self.made


class Workers:
    """Workers that answer at once, but for those in `slow`, which answer last, or never to who is not patient.

    Those in `dying` are lost instead.
    """

    def __init__(self) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []
        self.slow: set[int] = set()
        self.dying: set[int] = set()
        self.closed = False
        self.is_patient = False
        self.waits = 0

    def start(self, index: int, state: Any) -> dict[str, Any]:
        self.started.append(index)
        return {"index": index, "served": Served(Toy, index, state)}

    def ask(self, handle: dict[str, Any], name: str, argument: Any) -> None:
        handle["answer"] = handle["served"].answer(name, argument)

    def wait(self, handles: list[dict[str, Any]], limit_s: float) -> list[dict[str, Any]]:
        self.waits += 1
        ready = [handle for handle in handles if handle["index"] not in self.slow]
        return handles if self.is_patient and not ready else ready

    def answer(self, handle: dict[str, Any]) -> Any:
        if handle["index"] in self.dying:
            raise Lost("killed")
        return handle["answer"]

    def end(self, handle: dict[str, Any]) -> None:
        self.ended.append(handle["index"])

    def close(self) -> None:
        self.closed = True


class Learner:
    """Its weight is its number of updates."""

    def __init__(self) -> None:
        self.updates, self.sign = 0, 1
        self.learned: list[list[float]] = []

    def policy_state(self) -> dict[str, dict[str, np.ndarray]]:
        return {"encoder": {"weight": np.array(self.sign * self.updates)}}

    def update(self, trajectory: Trajectory) -> Metrics:
        self.updates += 1
        self.learned.append(trajectory.reward[0].tolist())
        return {"loss": torch.tensor(0.0)}


class Run:
    def __init__(self, count: int = 3, *, fixed: bool = True, max_lag: int = 0) -> None:
        self.workers, self.learner, self.state = Workers(), Learner(), DecoupledState()
        self.pool = Pool(self.workers, count, fixed=fixed)
        self.loop = decoupled(self.pool, self.learner, self.state, max_lag=max_lag)

    def reports(self, count: int) -> list[Report]:
        return list(itertools.islice(self.loop, count))


def lags(reports: list[Report]) -> list[float]:
    return [float(report.updates[0]["lag"]) for report in reports if report.updates]


def test_in_fixed_order_actors_take_turns_and_lag_by_their_number() -> None:
    run = Run(3)
    reports = run.reports(7)
    assert [row[:2] for row in run.learner.learned] == [[0, 1], [1, 1], [2, 1], [0, 2], [1, 2], [2, 2], [0, 3]]
    assert lags(reports) == [0, 1, 2, 3, 3, 3, 3]
    # acted by the policy of `lag` updates ago
    assert [row[2] for row in run.learner.learned] == [0, 0, 0, 0, 1, 2, 3]
    assert [report.agent_steps for report in reports] == [3, 6, 9, 12, 15, 18, 21]
    assert [report.episodes[0].episode_length for report in reports] == [1, 1, 1, 2, 2, 2, 3]


def test_in_fixed_order_a_slow_actor_changes_nothing() -> None:
    run, delayed, arrival = Run(3), Run(3), Run(3, fixed=False)
    for each in (delayed, arrival):
        each.workers.slow, each.workers.is_patient = {1}, True
    for each in (run, delayed, arrival):
        each.reports(9)
    assert run.learner.learned == delayed.learner.learned != arrival.learner.learned


def test_in_order_of_arrival_a_slow_actor_is_not_waited_for_and_lags() -> None:
    run = Run(3, fixed=False)
    run.workers.slow = {1}
    run.reports(4)
    assert [row[0] for row in run.learner.learned] == [0, 2, 0, 2]
    run.workers.slow = set()
    assert lags(run.reports(1)) == [4] and run.learner.learned[-1][0] == 1


def test_what_is_older_than_the_largest_lag_is_dropped_and_counted() -> None:
    run = Run(3, fixed=False, max_lag=3)
    run.workers.slow = {1}
    run.reports(4)
    run.workers.slow = set()
    (late,) = run.reports(1)
    assert (late.updates, late.counts["rollouts_dropped"], late.agent_steps) == ([], 1, 15)
    assert len(late.episodes) == 1 and run.learner.updates == 4
    assert run.state.state_dict()["dropped"] == 1
    assert max(lags(run.reports(20))) <= 3


def test_a_lost_actor_is_replaced_by_the_next_number_and_asked_for_the_same() -> None:
    run = Run(3)
    before = run.reports(4)
    run.workers.dying = {1}
    (after,) = run.reports(1)
    assert before[-1].counts == {"actors_lost": 0} and after.counts == {"actors_lost": 1}
    assert after.notes == ["actor 1 was lost (killed); actor 3 takes its place"] and not before[-1].notes
    assert run.learner.learned[-1] == [3, 1, 1] and lags([after]) == [3]  # the request of actor 1, in its turn
    assert (run.workers.started, run.workers.ended) == ([0, 1, 2, 3], [1])
    run.reports(3)
    assert [row[0] for row in run.learner.learned[-3:]] == [2, 0, 3] and not run.reports(1)[0].notes


@pytest.mark.parametrize(("fixed", "slow"), [(True, {0}), (False, {0, 1})])
def test_an_actor_without_an_answer_is_waited_for_once_and_lost(fixed: bool, slow: set[int]) -> None:
    run = Run(2, fixed=fixed)
    run.workers.slow = slow
    (report,) = run.reports(1)
    assert report.notes == ["actor 0 was lost (no answer within 600 s); actor 2 takes its place"]
    assert run.learner.learned == [[2, 1, 0]]
    assert run.workers.waits == 2  # for actor 0, or for any, and for actor 2


def test_losses_in_a_row_end_the_run() -> None:
    run = Run(2)
    run.reports(2)
    run.workers.dying = set(range(20))
    with pytest.raises(ChildProcessError, match=r"^actors were lost 3 times in a row: killed$"):
        run.reports(1)


def test_losses_apart_do_not() -> None:
    run = Run(2)
    for number in range(2, 12):
        run.workers.dying = {number - 2}
        run.reports(2)
    assert run.pool.counts() == {"actors_lost": 10}


def test_an_actor_that_fails_ends_the_run_with_its_error() -> None:
    run = Run(2)
    run.reports(1)
    run.learner.sign = -1
    with pytest.raises(FloatingPointError, match=r"^actions or values$"):
        run.reports(3)
    broken = Run(2)
    broken.reports(1)
    broken.learner.policy_state = dict  # type: ignore[assignment, method-assign]
    with pytest.raises(ChildProcessError, match=r"^KeyError: 'encoder'$"):
        broken.reports(3)


@pytest.mark.parametrize("stopped_after", [0, 1, 3, 5])
def test_a_pool_goes_on_where_an_earlier_one_stopped(stopped_after: int) -> None:
    whole, first, second = Run(3), Run(3), Run(3)
    whole.reports(9)
    first.reports(stopped_after)
    second.pool.load_state_dict(first.pool.state_dict())
    second.learner.updates = first.learner.updates
    second.reports(9 - stopped_after)
    assert first.learner.learned + second.learner.learned == whole.learner.learned
    first.reports(9 - stopped_after)
    assert first.learner.learned == whole.learner.learned, "saving changes nothing"


def test_what_was_lost_is_remembered() -> None:
    first, second = Run(2), Run(2)
    first.reports(1)
    first.workers.dying = {1}
    first.reports(1)
    second.pool.load_state_dict(first.pool.state_dict())
    assert second.pool.counts() == {"actors_lost": 1}
    second.workers.dying = {0}
    report = second.reports(3)[-1]  # the first two were on their way before
    assert report.notes == ["actor 0 was lost (killed); actor 3 takes its place"]


def test_an_actor_lost_while_its_state_is_saved_begins_anew() -> None:
    run = Run(2)
    run.reports(4)
    answers = run.workers.answer
    run.workers.answer = lambda handle: _dies_when_asked_for_its_state(handle, answers)  # type: ignore[method-assign]
    state = run.pool.state_dict()
    assert [slot["state"] for slot in state["slots"]] == [0, 3] and state["lost"] == 1


def _dies_when_asked_for_its_state(handle: dict[str, Any], answers: Any) -> Any:
    if handle["index"] == 0 and handle["answer"] == (True, 3):
        raise Lost("killed")
    return answers(handle)


def test_all_is_closed() -> None:
    run = Run(2)
    run.reports(1)
    run.pool.close()
    assert sorted(run.workers.ended) == [0, 1] and run.workers.closed
