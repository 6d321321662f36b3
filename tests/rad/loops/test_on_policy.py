import itertools
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from rad.buffers.rollout import RolloutBuffer
from rad.loops import Episode, LoopState, Report
from rad.loops.on_policy import on_policy
from rad.types import ActorStep, Metrics, Rollout
from tests.rad.scripted import SIDE, ScriptedEnv, ScriptedGroups, picture


class Agent:
    """Notes what it is asked for. Values are 100 env + 10 episode + step of what is seen; actions count the steps."""

    def __init__(self, events: list[tuple[str, int]]) -> None:
        self.begun: list[int] = []
        self.resumed: list[int] = []
        self.events = events
        self.rollouts: list[Rollout] = []
        self.steps = 0  # of earlier rollouts
        self.scale = 0.01
        self.number = 0.0

    def begin_rollout(self, num_envs: int) -> None:
        assert num_envs
        self.begun.append(self.steps)

    def resume_rollout(self, num_envs: int) -> None:
        self.resumed.append(num_envs)

    def actor_step(self, obs: torch.Tensor, step: int, envs: slice) -> ActorStep:
        self.events.append(("decide", envs.start))
        number = self.steps + step + 1
        action = torch.full((len(obs), 2), self.scale * number)
        log_prob = torch.full((len(obs),), -float(number))
        return ActorStep(action, log_prob + self.number, self.value(obs.numpy(), envs), action)

    def value(self, obs: np.ndarray, envs: slice) -> torch.Tensor:
        assert obs[:, 0, 0, 0].tolist() == list(range(envs.start, envs.stop))
        return torch.tensor([100.0, 10.0, 1.0]) @ torch.from_numpy(obs[:, :, 0, 0].T.copy()).float()

    def update(self, rollout: Rollout) -> Metrics:
        self.rollouts.append(Rollout(*(tensor.clone() for tensor in rollout)))
        self.steps += len(rollout.reward)
        return {"number": torch.tensor(float(len(self.rollouts)))}


class Run:
    """A loop over a scripted environment, in groups if it has several, and all that it touched."""

    def __init__(self, *lengths: list[int], terminates: bool = False, num_steps: int = 3, groups: bool = True) -> None:
        make = ScriptedGroups if groups and len(lengths) > 1 else ScriptedEnv
        self.env: Any = make(lengths, terminates=terminates)
        self.agent = Agent(self.env.events)
        self.buffer = RolloutBuffer(num_steps, len(lengths), (3, SIDE, SIDE))
        self.standing = LoopState()

    def steps(self, count: int) -> list[Report]:
        loop: Any = on_policy(self.env, self.agent, self.buffer, self.standing)
        return list(itertools.islice(loop, count))


def test_an_update_follows_each_full_rollout() -> None:
    run = Run([9], num_steps=3)
    reports = run.steps(7)
    assert [len(report.updates) for report in reports] == [0, 0, 1, 0, 0, 1, 0]
    assert [float(report.updates[0]["number"]) for report in reports if report.updates] == [1.0, 2.0]
    assert [report.agent_steps for report in reports] == [1, 2, 3, 4, 5, 6, 7]


def test_each_rollout_is_begun_before_its_first_step() -> None:
    run = Run([9], num_steps=3)
    run.steps(7)
    assert run.agent.begun == [0, 3, 6]


def test_what_was_seen_done_and_earned_is_stored() -> None:
    run = Run([9], [9], num_steps=2)
    run.steps(4)
    second = run.agent.rollouts[1]
    expected = [[picture(env, 0, step) for env in range(2)] for step in (2, 3)]
    np.testing.assert_array_equal(second.obs.numpy(), expected)
    torch.testing.assert_close(second.action[:, 0, 0], torch.tensor([0.03, 0.04]))
    assert second.log_prob[:, 1].tolist() == [-3.0, -4.0]
    assert second.value.tolist() == [[2.0, 102.0], [3.0, 103.0]]
    assert second.reward.tolist() == [[1.0, 11.0], [1.0, 11.0]]
    assert second.next_value.tolist() == [[3.0, 103.0], [4.0, 104.0]]
    for group in run.env.groups:
        np.testing.assert_allclose(np.stack(group.actions)[:, 0, 0], [0.01, 0.02, 0.03, 0.04])


def test_a_cut_episode_goes_on_in_the_value_of_its_own_final_observation() -> None:
    run = Run([2], [9], num_steps=3)
    run.steps(3)
    (rollout,) = run.agent.rollouts
    assert rollout.truncated.tolist() == [[False, False], [True, False], [False, False]]
    assert not rollout.terminated.any()
    # step 1 of environment 0 leads to step 2 of episode 0, not to episode 1, whose first value is 10
    assert rollout.next_value.tolist() == [[1.0, 101.0], [2.0, 102.0], [11.0, 103.0]]
    assert rollout.value[2].tolist() == [10.0, 102.0]


def test_a_termination_needs_no_final_observation() -> None:
    run = Run([2], terminates=True)
    step = run.env.step
    run.env.step = lambda action: (*step(action)[:4], {})
    run.steps(3)
    assert run.agent.rollouts[0].terminated.tolist() == [[False], [True], [False]]
    assert not run.agent.rollouts[0].truncated.any()


def test_the_environment_gets_clipped_actions_and_the_rollout_the_drawn_ones() -> None:
    run = Run([9], num_steps=3)
    run.agent.scale = 0.7
    run.steps(3)
    np.testing.assert_allclose(np.stack(run.env.actions)[:, 0, 0], [0.7, 1.0, 1.0])
    torch.testing.assert_close(run.agent.rollouts[0].action[:, 0, 0], torch.tensor([0.7, 1.4, 2.1]))


def test_discrete_actions_are_passed_on() -> None:
    run = Run([9], [9], num_steps=3, groups=False)
    run.env.action_space = gymnasium.spaces.MultiDiscrete([5, 5])
    decide, drawn = run.agent.actor_step, torch.tensor([4, 2])
    run.agent.actor_step = lambda *at: decide(*at)._replace(action=drawn)  # type: ignore[method-assign]
    run.steps(3)
    np.testing.assert_array_equal(run.env.actions[0], [4, 2])
    assert run.agent.rollouts[0].action.dtype == torch.int64


def test_the_report_counts_steps_and_finished_episodes() -> None:
    reports = Run([2], [3]).steps(6)
    assert [report.agent_steps for report in reports] == [2, 4, 6, 8, 10, 12]
    # environment 1 earns 11 a step
    ends = [[], [Episode(2.0, 2)], [Episode(33.0, 3)], [Episode(2.0, 2)], [], [Episode(2.0, 2), Episode(33.0, 3)]]
    assert [report.episodes for report in reports] == ends


@pytest.mark.parametrize("stopped_after", [4, 6, 7])
def test_a_loop_goes_on_where_an_earlier_one_stopped(stopped_after: int) -> None:
    whole, parts = Run([2], [3], num_steps=3), Run([2], [3], num_steps=3)
    reports = whole.steps(12)
    first = parts.steps(stopped_after)
    states = parts.standing.state_dict(), parts.buffer.state_dict()
    parts.standing, parts.buffer = LoopState(), RolloutBuffer(3, 2, (3, SIDE, SIDE))
    parts.standing.load_state_dict(states[0])
    parts.buffer.load_state_dict(states[1])
    assert first + parts.steps(12 - stopped_after) == reports
    assert parts.env.resets == 1
    assert parts.agent.begun == whole.agent.begun
    assert parts.agent.resumed == ([2] if stopped_after % 3 else [])
    for ours, theirs in zip(parts.agent.rollouts, whole.agent.rollouts, strict=True):
        assert all(map(torch.equal, ours, theirs))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_diverged_policy_is_named(number: float) -> None:
    run = Run([9])
    run.steps(2)
    run.agent.number = number
    with pytest.raises(FloatingPointError, match=r"^actions or values$"):
        run.steps(1)


def test_one_group_is_simulated_while_actions_are_drawn_for_the_other() -> None:
    run = Run([9], [9], [9], num_steps=2)
    run.steps(3)
    ahead = [("begin", 0), ("decide", 2), ("begin", 2), ("finish", 0), ("decide", 0), ("finish", 2)]
    last = [("begin", 0), ("decide", 2), ("begin", 2), ("finish", 0), ("finish", 2)]  # the next policy is another
    assert run.env.events == [("decide", 0), *ahead, *last, ("decide", 0), *ahead]


def test_groups_change_nothing_but_the_order_of_the_work() -> None:
    lengths = [2], [3], [4], [2, 3], [9]
    grouped, together = (Run(*lengths, num_steps=3, groups=groups) for groups in (True, False))
    assert grouped.steps(10) == together.steps(10)
    for ours, theirs in zip(grouped.agent.rollouts, together.agent.rollouts, strict=True):
        assert all(map(torch.equal, ours, theirs))


@pytest.mark.parametrize("failing", [0, 1])
def test_after_an_error_no_group_is_left_in_the_middle_of_a_step(failing: int) -> None:
    run = Run([9], [9], num_steps=3)
    decide = run.agent.actor_step

    def diverge(obs: torch.Tensor, step: int, envs: slice) -> ActorStep:
        run.agent.number = float("nan") if (step, envs.start) == (1, failing) else 0.0
        return decide(obs, step, envs)

    run.agent.actor_step = diverge  # type: ignore[method-assign]
    with pytest.raises(FloatingPointError, match=r"^actions or values$"):
        run.steps(2)
    assert [group.begun for group in run.env.groups] == [None, None]
