import itertools
from typing import Any

import numpy as np
import pytest
import torch

from rad.buffers.replay import Replay
from rad.loops import Episode, OffPolicyState, Report, off_policy
from rad.types import Metrics, Transition
from tests.rad.scripted import SIDE, ScriptedEnv, picture


class Agent:
    """Notes what it is asked for; its actions count the calls."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []
        self.deterministic: list[bool] = []
        self.batches: list[Transition] = []

    def act(self, obs: np.ndarray, *, deterministic: bool) -> np.ndarray:
        self.seen.append(obs)
        self.deterministic.append(deterministic)
        return np.full((len(obs), 2), 0.01 * len(self.seen), np.float32)

    def update(self, batch: Transition) -> Metrics:
        self.batches.append(batch.built())
        return {"number": torch.tensor(float(len(self.batches)))}


class Run:
    """A loop over a scripted environment and all that it touched."""

    def __init__(self, *lengths: list[int], terminates: bool = False, warmup_steps: int = 4, **options: Any) -> None:
        self.env, self.agent = ScriptedEnv(lengths, terminates=terminates), Agent()
        self.replay = Replay(1_000, (3, SIDE, SIDE), 2, num_envs=len(lengths), frame_stack=1, gamma=0.99)
        self.progress = OffPolicyState(torch.Generator().manual_seed(0))
        self.options = {"batch_size": 5, "warmup_steps": warmup_steps} | options

    def steps(self, count: int) -> list[Report]:
        loop = off_policy(self.env, self.agent, self.replay, self.progress, **self.options)
        return list(itertools.islice(loop, count))

    def stored(self) -> set[tuple]:
        """Return (environment, episode, step) of every obs and next_obs held, and whether there is a future."""
        batch = self.replay.sample(2_000, torch.Generator().manual_seed(0)).built()
        rows = zip(batch.obs[:, :, 0, 0].tolist(), batch.next_obs[:, :, 0, 0].tolist(), batch.discount.tolist())
        return {(tuple(obs), tuple(following), discount > 0) for obs, following, discount in rows}


def test_nothing_is_learnt_in_the_warm_up() -> None:
    run = Run([3], warmup_steps=4)
    reports = run.steps(7)
    assert [len(report.updates) for report in reports] == [0, 0, 0, 0, 1, 1, 1]
    assert len(run.agent.seen) == len(run.agent.batches) == 3
    assert run.agent.deterministic == [False] * 3


def test_the_warm_up_acts_at_random_over_the_whole_action_space() -> None:
    run = Run([50], warmup_steps=200)
    run.env.action_space = run.env.single_action_space = type(run.env.single_action_space)(
        np.float32([[-1.0, 2.0]]), np.float32([[1.0, 6.0]])
    )
    run.steps(200)
    actions = np.concatenate(run.env.actions)
    np.testing.assert_allclose(actions.mean(0), [0.0, 4.0], atol=0.3)
    np.testing.assert_allclose(actions.min(0), [-1.0, 2.0], atol=0.1)
    np.testing.assert_allclose(actions.max(0), [1.0, 6.0], atol=0.1)


def test_the_random_actions_come_from_the_generator_of_the_progress() -> None:
    first, second = Run([3]), Run([3])
    np.random.seed(1)  # noqa: NPY002
    first.steps(4)
    second.steps(4)
    np.testing.assert_array_equal(first.env.actions, second.env.actions)


def test_after_the_warm_up_the_agent_acts_on_what_the_environment_shows() -> None:
    run = Run([3], warmup_steps=2)
    run.steps(5)
    expected = [picture(0, 0, 2), picture(0, 1, 0), picture(0, 1, 1)]
    np.testing.assert_array_equal(run.agent.seen, np.array(expected)[:, None])
    np.testing.assert_allclose(np.stack(run.env.actions[2:])[:, 0, 0], [0.01, 0.02, 0.03])


def test_an_episode_ends_in_its_own_final_observation() -> None:
    run = Run([2])
    run.steps(4)
    assert run.stored() == {
        ((0, 0, 0), (0, 0, 1), True),
        ((0, 0, 1), (0, 0, 2), True),  # the final observation of episode 0, not the first of episode 1
        ((0, 1, 0), (0, 1, 1), True),
        ((0, 1, 1), (0, 1, 2), True),
    }


def test_termination_is_stored_as_having_no_future() -> None:
    run = Run([2], terminates=True)
    run.steps(2)
    assert run.stored() == {((0, 0, 0), (0, 0, 1), True), ((0, 0, 1), (0, 0, 2), False)}


def test_actions_and_rewards_are_stored_with_their_observations() -> None:
    run = Run([5], [5], warmup_steps=2)
    run.steps(4)
    batch = run.replay.sample(500, torch.Generator().manual_seed(0)).built()
    env, step = batch.obs[:, 0, 0, 0].float(), batch.obs[:, 2, 0, 0].float()
    learned = step > 0  # the first action was random
    torch.testing.assert_close(batch.action[learned], (0.01 * step[learned])[:, None].expand(-1, 2))
    torch.testing.assert_close(batch.reward, 1 + 10 * env)


def test_the_report_counts_steps_and_finished_episodes() -> None:
    reports = Run([2, 3]).steps(5)
    assert [report.agent_steps for report in reports] == [1, 2, 3, 4, 5]
    assert [report.episodes for report in reports] == [[], [Episode(2.0, 2)], [], [], [Episode(3.0, 3)]]


def test_two_environments() -> None:
    run = Run([2], [3], warmup_steps=4)
    reports = run.steps(6)
    assert [report.agent_steps for report in reports] == [2, 4, 6, 8, 10, 12]
    # environment 1 earns 11 a step
    ends = [[], [Episode(2.0, 2)], [Episode(33.0, 3)], [Episode(2.0, 2)], [], [Episode(2.0, 2), Episode(33.0, 3)]]
    assert [report.episodes for report in reports] == ends
    assert [len(report.updates) for report in reports] == [0, 0, 2, 2, 2, 2]  # one for each agent step
    assert {obs[0] for obs, _, _ in run.stored()} == {0, 1}


@pytest.mark.parametrize("updates_per_step", [0, 1, 3])
def test_updates_per_step(updates_per_step: int) -> None:
    run = Run([3], warmup_steps=2, updates_per_step=updates_per_step, batch_size=7)
    reports = run.steps(4)
    assert [len(report.updates) for report in reports] == [0, 0, updates_per_step, updates_per_step]
    assert all(len(batch.obs) == 7 for batch in run.agent.batches)
    numbers = [float(metrics["number"]) for report in reports for metrics in report.updates]
    assert numbers == [float(number) for number in range(1, 2 * updates_per_step + 1)]


@pytest.mark.parametrize(
    ("updates_per_step", "num_envs", "made"),
    [
        (0.5, 1, [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]),
        (0.3, 1, [0, 0, 0, 1, 0, 0, 1, 0, 0, 1]),  # at 3.33, 6.67 and 10 steps
        (1.5, 1, [0, 2, 1, 2, 1, 2, 1, 2, 1, 2]),  # none in the step of the warm-up
        (0.25, 2, [0, 1, 0, 1, 0]),
    ],
)
def test_fractions_of_an_update_are_spread_evenly(updates_per_step: float, num_envs: int, made: list[int]) -> None:
    run = Run(*[[99]] * num_envs, warmup_steps=1, updates_per_step=updates_per_step)
    assert [len(report.updates) for report in run.steps(len(made))] == made


def test_no_update_is_lost_by_rounding() -> None:
    """In floating point 0.29 * 100 is below 29."""
    run = Run([200], warmup_steps=1, updates_per_step=0.29)
    assert sum(len(report.updates) for report in run.steps(100)) == 29


def test_updates_see_all_steps_but_the_one_under_way() -> None:
    run = Run([9], warmup_steps=1, batch_size=64)
    run.steps(4)
    assert [int(batch.next_obs[:, 2].max()) for batch in run.agent.batches] == [1, 2, 3]


def test_the_agent_learns_between_the_halves_of_a_step() -> None:
    run = Run([9], warmup_steps=2)
    pending: list[bool] = []
    run.agent.update = lambda batch: pending.append(run.env.begun is not None) or {}
    run.steps(4)
    assert pending == [True, True]


def test_a_step_is_finished_after_an_error() -> None:
    run = Run([9], warmup_steps=2)

    def fail(batch: Transition) -> Metrics:
        raise FloatingPointError("loss")

    run.agent.update = fail
    with pytest.raises(FloatingPointError, match="loss"):
        run.steps(3)
    assert run.env.begun is None and len(run.env.actions) == 3


def test_a_loop_goes_on_where_an_earlier_one_stopped() -> None:
    whole, parts = Run([2], [3]), Run([2], [3])
    reports = whole.steps(9)
    halves = parts.steps(5)
    state = parts.progress.state_dict()
    parts.progress = OffPolicyState(torch.Generator())
    parts.progress.load_state_dict(state)
    halves += parts.steps(4)
    assert parts.env.resets == 1
    assert halves == reports
    np.testing.assert_array_equal(parts.env.actions, whole.env.actions)
    for ours, theirs in zip(parts.agent.batches, whole.agent.batches, strict=True):
        assert torch.equal(ours.obs, theirs.obs)
