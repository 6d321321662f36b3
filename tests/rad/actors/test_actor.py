"""What an actor collects from a scripted environment."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rad.actors.actor import Actor
from rad.loops import Episode
from rad.types import ActorStep, Trajectory
from tests.rad.scripted import ScriptedEnv


class Agent:
    """Actions and log-probabilities count the calls; the augmentation draws the number of the rollout."""

    def __init__(self) -> None:
        self.calls = self.rollouts = 0
        self.scale, self.number = 0.01, 0.0
        self.device, self.views = torch.device("cpu"), SimpleNamespace()

    def begin_rollout(self, num_envs: int) -> None:
        self.rollouts += 1
        self.views.env_params = [{"drawn": torch.full((num_envs,), self.rollouts)}]

    def actor_step(self, obs: Tensor, step: int, envs: slice) -> ActorStep:
        assert (step, envs) == (self.calls % 3, slice(0, len(obs)))
        self.calls += 1
        action = torch.full((len(obs), 2), self.scale * self.calls)
        return ActorStep(action, torch.full((len(obs),), -float(self.calls)) + self.number, action[:, 0], action)


def made(*lengths: list[int], terminates: bool = False, num_steps: int = 3) -> tuple[Actor, Agent, ScriptedEnv]:
    env, agent = ScriptedEnv(lengths, terminates=terminates), Agent()
    of_loop: Any = env
    return Actor(of_loop, agent, num_steps), agent, env


def seen(trajectory: Trajectory) -> list[list[int]]:
    """Return environment, episode and step that each image shows."""
    return trajectory.obs[:, :, 0, 0].tolist()


def test_images_are_those_before_and_after_each_step_and_the_ends_of_what_was_cut() -> None:
    actor, _, _ = made([2], [9])
    trajectory = actor.collect().trajectory
    shown = [[[0, 0, 0], [1, 0, 0]], [[0, 0, 1], [1, 0, 1]], [[0, 1, 0], [1, 0, 2]], [[0, 1, 1], [1, 0, 3]]]
    assert seen(trajectory) == [image for row in shown for image in row] + [[0, 0, 2]]
    assert trajectory.env.tolist() == [0, 1] * 4 + [0]
    assert trajectory.truncated.tolist() == [[False, False], [True, False], [False, False]]


def test_values_are_split_into_those_before_and_after_each_step() -> None:
    actor, _, _ = made([2], [9])
    trajectory = actor.collect().trajectory
    # 100 env + 10 episode + step
    values = trajectory.obs[:, :, 0, 0].float() @ torch.tensor([100.0, 10.0, 1.0])
    value, next_value = trajectory.split(values)
    assert value.tolist() == [[0, 100], [1, 101], [10, 102]]
    assert next_value.tolist() == [[1, 101], [2, 102], [11, 103]]


def test_a_termination_has_no_final_image() -> None:
    actor, _, _ = made([2], terminates=True)
    trajectory = actor.collect().trajectory
    assert len(trajectory.obs) == 4 and trajectory.terminated[:, 0].tolist() == [False, True, False]


def test_what_was_done_drawn_and_earned_is_kept_and_the_next_one_goes_on() -> None:
    actor, _, env = made([2], [9])
    first, second = actor.collect(), actor.collect()
    assert env.resets == 1
    assert second.trajectory.log_prob.tolist() == [[-4.0, -4.0], [-5.0, -5.0], [-6.0, -6.0]]
    torch.testing.assert_close(second.trajectory.action[:, 1, 0], torch.tensor([0.04, 0.05, 0.06]))
    assert second.trajectory.reward.tolist() == [[1.0, 11.0]] * 3 and second.trajectory.reward.dtype == torch.float32
    assert [each.trajectory.view_params[0]["drawn"].tolist() for each in (first, second)] == [[1, 1], [2, 2]]
    assert seen(second.trajectory)[:2] == seen(first.trajectory)[6:8]
    assert (first.episodes, second.episodes) == ([Episode(2.0, 2)], [Episode(2.0, 2), Episode(2.0, 2)])


def test_the_environment_gets_clipped_actions_and_the_learner_the_drawn_ones() -> None:
    actor, agent, env = made([9])
    agent.scale = 0.7
    trajectory = actor.collect().trajectory
    np.testing.assert_allclose(np.stack(env.actions)[:, 0, 0], [0.7, 1.0, 1.0])
    torch.testing.assert_close(trajectory.action[:, 0, 0], torch.tensor([0.7, 1.4, 2.1]))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_diverged_policy_is_named(number: float) -> None:
    actor, agent, _ = made([9])
    agent.number = number
    with pytest.raises(FloatingPointError, match=r"^actions or values$"):
        actor.collect()
