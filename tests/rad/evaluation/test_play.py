from typing import Any

import numpy as np
import pytest

from rad.evaluation.play import Episodes, Recorder, evaluate, random_policy, summary
from tests.rad.scripted import ScriptedEnv, picture


def still(obs: np.ndarray) -> np.ndarray:
    return np.zeros((len(obs), 2), np.float32)


def test_each_environment_gives_the_same_number_of_episodes_however_long_they_are() -> None:
    env = ScriptedEnv([[1, 2], [3, 5]])
    # environment 0: returns 1 and 2; environment 1, with 11 a step: 33 and 55; in this order
    episodes = evaluate(env, still, 2, action_repeat=4)
    np.testing.assert_array_equal(episodes.returns, [[1.0, 2.0], [33.0, 55.0]])
    np.testing.assert_array_equal(episodes.lengths, [[4, 8], [12, 20]])
    assert episodes.successes is None
    assert len(env.actions) == 8  # until the slowest is done; what the other did besides is not counted


@pytest.mark.parametrize("terminates", [True, False])
def test_episodes_end_by_termination_and_by_time_limit(terminates: bool) -> None:
    assert evaluate(ScriptedEnv([[4]], terminates=terminates), still, 3).returns.tolist() == [[4.0, 4.0, 4.0]]


def test_the_policy_sees_the_observations_and_its_actions_are_taken() -> None:
    env, seen = ScriptedEnv([[2]]), []

    def policy(obs: np.ndarray) -> np.ndarray:
        seen.append(obs)
        return np.full((1, 2), 0.1 * len(seen), np.float32)

    evaluate(env, policy, 2)
    expected = [picture(0, 0, 0), picture(0, 0, 1), picture(0, 1, 0), picture(0, 1, 1)]
    np.testing.assert_array_equal(seen, np.array(expected)[:, None])
    np.testing.assert_allclose(np.array(env.actions)[:, 0, 0], [0.1, 0.2, 0.3, 0.4])


def test_the_recorder_keeps_the_first_episode_of_the_first_environment() -> None:
    env, recorder = ScriptedEnv([[3, 2], [2]]), Recorder(5)
    evaluate(env, still, 2, recorder=recorder)
    assert env.rendered == [(0, 0), (0, 1), (0, 2)]
    assert [frame.shape for frame in recorder.frames] == [(5, 5, 3)] * 3
    assert [frame.max() for frame in recorder.frames] == [0, 1, 2]  # the other environment shows 0, 1, 0
    np.testing.assert_array_equal(recorder.observations, [picture(0, 0, step) for step in range(3)])
    assert recorder.fps == 12.5


def test_the_episodes_that_are_over_are_counted_up_to_those_that_count() -> None:
    told: list[int] = []
    evaluate(ScriptedEnv([[1], [3]]), still, 2, played=told.append)
    # environment 0 is done after steps 1 and 2, and plays on for nothing; environment 1 after 3 and 6
    assert told == [1, 2, 3, 3, 3, 4]


def test_recording_changes_nothing() -> None:
    played = [evaluate(ScriptedEnv([[3, 2]]), still, 2, recorder=recorder) for recorder in (None, Recorder(4))]
    returns = [episodes.returns for episodes in played]
    np.testing.assert_array_equal(*returns)


def actions_of(seed: int, count: int) -> Any:
    env = ScriptedEnv([[1], [1]])
    policy = random_policy(env, seed)
    return np.stack([policy(env.reset()[0]) for _ in range(count)])


def test_the_random_policy_fills_the_action_space_evenly() -> None:
    actions = actions_of(0, 500)  # [500, 2 environments, 2]
    assert actions.min() >= -1 and actions.max() <= 1
    np.testing.assert_allclose(np.quantile(actions, [0.25, 0.5, 0.75]), [-0.5, 0.0, 0.5], atol=0.1)


def test_the_random_policy_repeats_itself_given_the_seed() -> None:
    np.testing.assert_array_equal(actions_of(1, 5), actions_of(1, 5))
    assert (actions_of(1, 5) != actions_of(2, 5)).any()


class TellingEnv(ScriptedEnv):
    """Says, in some environments, whether the episode that ended has succeeded: each second one has."""

    def __init__(self, *args: Any, telling: list[bool]) -> None:
        super().__init__(*args)
        self.telling = np.array(telling)

    def step(self, action: np.ndarray) -> Any:
        *rest, infos = super().step(action)
        told = infos["_final_obs"] & self.telling
        return *rest, infos | ({"is_success": self.episode % 2 == 0, "_is_success": told} if told.any() else {})


def test_successes_are_those_of_the_steps_in_which_episodes_end() -> None:
    episodes = evaluate(TellingEnv([[1, 2], [3]], telling=[True, True]), still, 2)
    assert episodes.successes is not None and episodes.successes.tolist() == [[False, True], [False, True]]


@pytest.mark.parametrize("telling", [[False, False], [True, False]])
def test_what_some_episodes_do_not_tell_is_not_called_a_failure(telling: list[bool]) -> None:
    assert evaluate(TellingEnv([[1], [1]], telling=telling), still, 2).successes is None


@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 1)])
def test_the_summary_of_episodes(shape: tuple[int, ...]) -> None:
    # mean (1 + 2 + 6) / 3 = 3; variance (4 + 1 + 9) / 3 = 14 / 3
    returns, lengths = np.array([1.0, 2.0, 6.0]).reshape(shape), np.array([4, 4, 7]).reshape(shape)
    row = {"episode_return_mean": 3.0, "episode_return_std": pytest.approx((14 / 3) ** 0.5), "episodes": 3}
    row |= {"episode_frames_mean": 5.0}
    assert summary(Episodes(returns, lengths, None)) == row
    assert summary(Episodes(returns, lengths, returns > 1.5)) == row | {"success_rate": pytest.approx(2 / 3)}
