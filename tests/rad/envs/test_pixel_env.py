"""PixelEnv over a simulator that counts what it is asked to do."""

from typing import Any

import gymnasium
import numpy as np
import pytest

from rad.envs.base import Simulator
from rad.envs.pixel_env import PixelEnv


class Counter(Simulator):
    """Frame and reward are the number of steps; an episode is cut, or terminates, after `end` steps."""

    task, size, fps = "test/counter", 4, 40.0

    def __init__(self, end: int = 10, terminates: bool = False) -> None:
        self.action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self.random = np.random.RandomState(0)
        self.end, self.terminates = end, terminates
        self.steps = self.drawn = self.closed = 0
        self.drift = 0.0  # not random: what a replay cannot know

    def begin(self) -> None:
        self.steps, self.start = 0, int(self.random.randint(100))

    def advance(self, action: Any) -> tuple[float, bool, bool]:
        assert self.steps < self.end, "stepped beyond the end"
        self.steps += 1
        over = self.steps == self.end
        return self.steps + self.drift, over and self.terminates, over and not self.terminates

    def frame(self, size: int | None = None) -> Any:
        self.drawn += 1
        return np.full((3, size or self.size, size or self.size), self.start + self.steps, np.uint8)

    def close(self) -> None:
        self.closed += 1


ACTION = np.zeros(1, np.float32)


def stack_of(env: PixelEnv) -> list[int]:
    return [int(value) - env.simulator.start for value in env.observation[::3, 0, 0]]  # type: ignore[attr-defined]


def test_infos_hold_the_state_behind_the_observation_if_they_are_to() -> None:
    class Telling(Counter):
        def state(self) -> Any:
            return np.array([self.steps], np.float64)

    env = PixelEnv(Telling(end=2), frame_stack=1, action_repeat=1, seed=0)
    assert "state" not in env.reset()[1] and "state" not in env.step(ACTION)[4]
    env.tells_state = True
    infos = [env.reset()[1], env.step(ACTION)[4], env.step(ACTION)[4]]
    assert [info["state"].tolist() for info in infos] == [[0.0], [1.0], [2.0]]
    assert infos[2]["episode"]["l"] == 2


def test_reward_is_the_sum_over_the_repeated_steps_and_one_frame_is_drawn() -> None:
    env = PixelEnv(Counter(), frame_stack=2, action_repeat=3, seed=0)
    env.reset()
    assert env.simulator.drawn == 1  # type: ignore[attr-defined]
    _, reward, *_ = env.step(ACTION)
    assert reward == 1 + 2 + 3
    _, reward, *_ = env.step(ACTION)
    assert reward == 4 + 5 + 6
    assert env.simulator.drawn == 3  # type: ignore[attr-defined]


def test_stack_is_oldest_first_and_starts_with_the_first_frame_repeated() -> None:
    env = PixelEnv(Counter(), frame_stack=3, action_repeat=2, seed=0)
    env.reset()
    seen = [stack_of(env)]
    for _ in range(4):
        env.step(ACTION)
        seen.append(stack_of(env))
    assert seen == [[0, 0, 0], [0, 0, 2], [0, 2, 4], [2, 4, 6], [4, 6, 8]]


def test_the_constructor_seeds_the_first_reset() -> None:
    env = PixelEnv(Counter(), 1, 1, seed=41)
    first = [int(env.reset()[0].max()) for _ in range(5)]
    again = [int(env.reset(seed=41)[0].max()), *(int(env.reset()[0].max()) for _ in range(4))]
    assert first == again == list(np.random.RandomState(41).randint(100, size=5))


@pytest.mark.parametrize("terminates", [False, True])
def test_repeating_stops_where_the_episode_ends(terminates: bool) -> None:
    env = PixelEnv(Counter(5, terminates), frame_stack=1, action_repeat=3, seed=0)
    env.reset()
    assert env.step(ACTION)[2:] == (False, False, {})
    _, reward, terminated, truncated, info = env.step(ACTION)
    assert reward == 4 + 5
    assert (terminated, truncated) == (terminates, not terminates)
    assert info == {"episode": {"r": 15.0, "l": 2}}
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(ACTION)
    assert env.reset()[1] == info
    assert env.reset()[1] == {}, "an episode that was broken off has no statistics"
    env.step(ACTION)
    assert env.reset()[1] == {}


def test_metadata_tells_agent_steps_per_second() -> None:
    assert PixelEnv(Counter(), 1, 4, 0).metadata["render_fps"] == 10.0


def test_render_is_the_newest_frame_and_needs_a_reset() -> None:
    env = PixelEnv(Counter(), frame_stack=2, action_repeat=1, seed=0)
    with pytest.raises(RuntimeError, match="call reset"):
        env.render()
    env.reset()
    env.step(ACTION)
    drawn = env.simulator.drawn  # type: ignore[attr-defined]
    assert env.render().shape == (4, 4, 3)
    np.testing.assert_array_equal(env.render(), env.observation[3:].transpose(1, 2, 0))
    assert env.simulator.drawn == drawn, "render() draws nothing again"  # type: ignore[attr-defined]


def test_render_frame_in_any_possible_size() -> None:
    env = PixelEnv(Counter(), 2, 1, 0)
    env.reset()
    assert env.render_frame(9).shape == (9, 9, 3)
    with pytest.raises(ValueError, match="size: must be from 1 to 2048, got 0"):
        env.render_frame(0)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 6])
def test_a_resume_draws_the_frames_of_the_stack_only(steps: int) -> None:
    env, other = (PixelEnv(Counter(), frame_stack=3, action_repeat=1, seed=seed) for seed in (1, 2))
    env.reset()
    for _ in range(steps):
        env.step(ACTION)
    other.reset()
    other.step(ACTION)
    other.simulator.drawn = 0  # type: ignore[attr-defined]
    other.resume_state = env.resume_state
    assert stack_of(other) == stack_of(env)
    assert np.array_equal(other.observation, env.observation)
    assert other.simulator.drawn == min(steps + 1, 3)  # type: ignore[attr-defined]
    assert env.step(ACTION)[1] == other.step(ACTION)[1]


def test_a_resume_draws_all_frames_where_drawing_matters() -> None:
    env, other = (PixelEnv(Counter(), frame_stack=3, action_repeat=2, seed=0) for _ in range(2))
    env.reset()
    for _ in range(4):
        env.step(ACTION)
    other.simulator.replay_draws = True
    other.resume_state = env.resume_state
    assert other.simulator.drawn == env.simulator.drawn == 5  # type: ignore[attr-defined]
    assert np.array_equal(other.observation, env.observation)


def test_statistics_go_on_after_a_resume() -> None:
    env, other = PixelEnv(Counter(4), 1, 1, 0), PixelEnv(Counter(4), 1, 1, 0)
    env.reset()
    for _ in range(2):
        env.step(ACTION)
    other.resume_state = env.resume_state
    for _ in range(2):
        *_, info = other.step(ACTION)
    assert info == {"episode": {"r": 10.0, "l": 4}}


def test_an_ended_episode_stays_ended_after_a_resume() -> None:
    env, other = PixelEnv(Counter(2), 1, 2, 0), PixelEnv(Counter(2), 1, 2, 0)
    env.reset()
    env.step(ACTION)
    other.resume_state = env.resume_state
    with pytest.raises(RuntimeError, match="call reset"):
        other.step(ACTION)
    assert other.reset()[1] == {"episode": {"r": 3.0, "l": 1}}


def test_a_fresh_state_forgets_a_running_episode() -> None:
    env, other = PixelEnv(Counter(), 1, 1, 0), PixelEnv(Counter(), 1, 1, 5)
    other.reset()
    other.resume_state = env.resume_state
    with pytest.raises(RuntimeError, match="call reset"):
        other.step(ACTION)
    assert not other.observation.any()
    assert np.array_equal(other.reset()[0], env.reset()[0])


def test_a_replay_that_differs_is_warned_of() -> None:
    env, other = PixelEnv(Counter(), 1, 1, 0), PixelEnv(Counter(), 1, 1, 0)
    env.reset()
    env.step(ACTION)
    other.simulator.drift = 1e-9  # type: ignore[attr-defined]
    with pytest.warns(UserWarning, match="replayed episode of test/counter differs"):
        other.resume_state = env.resume_state


@pytest.mark.parametrize(("name", "value"), [("task", "dmc/walker-walk"), ("action_repeat", 9)])
def test_a_state_of_another_environment_is_refused(name: str, value: Any) -> None:
    env = PixelEnv(Counter(), 1, 1, 0)
    with pytest.raises(ValueError, match=f"{name} of the state must be .*, got {value!r}$"):
        env.resume_state = {**env.resume_state, name: value}


def test_close_reaches_the_simulator() -> None:
    env = PixelEnv(Counter(), 1, 1, 0)
    env.close()
    assert env.simulator.closed == 1  # type: ignore[attr-defined]
