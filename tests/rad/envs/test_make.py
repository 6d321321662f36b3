import contextlib
from typing import Any

import gymnasium
import numpy as np
import pytest

from rad import envs


def test_unknown_suites_are_refused_with_the_known_ones() -> None:
    for task in ("atari/pong", "walker-walk", "", "/x"):
        with pytest.raises(
            ValueError,
            match=r"^task: unknown suite of task .*; known: dmc, gym, probe, procgen, as in dmc/walker-",
        ):
            envs.check_task(task)
        with pytest.raises(ValueError, match="unknown suite"):
            envs.make(task)
    with pytest.raises(ValueError, match="unknown suite"):
        envs.task_names("atari")


def test_unknown_probes_are_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError,
        match=r"^task: unknown task 'probe/valu'; did you mean probe/value, probe/value-discrete\?; known: value, ",
    ):
        envs.check_task("probe/valu")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("image_size", 0, "must be from 1 to 2048, got 0"),
        ("image_size", 2049, "must be from 1 to 2048, got 2049"),
        ("num_envs", 0, "must be at least 1, got 0"),
        ("frame_stack", -1, "must be at least 1, got -1"),
        ("action_repeat", 0, "must be at least 1, got 0"),
        ("seed", -1, "must be from 0 to 42949"),
        ("seed", 2**32, "must be from 0 to 42949"),
        ("camera_id", 7, "7 is impossible for probe tasks; allowed: 0"),
    ],
)
@pytest.mark.parametrize("parallel", [False, True])
def test_impossible_arguments_are_named(option: str, value: int, said: str, parallel: bool) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(ValueError, match=rf"^{option}: {said}") as caught:
        envs.make("probe/value", parallel=parallel, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("task", ["probe/value", "dmc/cartpole-swingup"])
def test_unknown_render_quality(task: str) -> None:
    with pytest.raises(ValueError, match=r"^render_quality: unknown render_quality 'ultra'; known: paper, near, fast$"):
        envs.make(task, render_quality="ultra")


def test_action_repeat_is_the_tasks_unless_given() -> None:
    venv: Any = envs.make("dmc/cartpole-swingup")
    assert venv.get_attr("action_repeat") == (8,)
    venv.close()
    venv = envs.make("dmc/cartpole-swingup", action_repeat=3)
    assert venv.get_attr("action_repeat") == (3,)
    venv.close()
    assert envs.action_repeat_for("probe/value") == envs.action_repeat_for("gym/CartPole-v1") == 1


def test_task_names() -> None:
    assert "dmc/ball_in_cup-catch" in envs.task_names("dmc")
    assert "probe/color-discrete" in envs.task_names("probe")
    for task in envs.task_names("probe"):
        envs.check_task(task)


def test_a_state_of_another_number_of_environments_is_refused() -> None:
    one, two = envs.make("probe/both"), envs.make("probe/both", num_envs=2)
    with pytest.raises(ValueError, match="environments of the state must be 1, got 2"):
        envs.load_env_state(one, envs.env_state(two))
    one.close()
    two.close()


def test_states_of_one_environment_each_do_not_mix() -> None:
    """Each environment gets its own state back, not its neighbor's."""
    venv = envs.make("probe/both", num_envs=6, seed=1)
    venv.reset()
    state = envs.env_state(venv)
    expected, _ = venv.reset()
    other = envs.make("probe/both", num_envs=6, seed=50)
    envs.load_env_state(other, state)
    np.testing.assert_array_equal(other.reset()[0], expected)
    venv.close()
    other.close()


@pytest.mark.slow
def test_a_bad_action_stops_a_parallel_environment_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gymnasium.logger, "min_level", gymnasium.logger.ERROR + 1)  # it warns of what it raises
    venv = envs.make("probe/both", num_envs=2, parallel=True)
    venv.reset()
    with pytest.raises(ValueError, match="action must be finite numbers"):
        venv.step(np.full((2, 1), np.nan, np.float32))
    venv.close(terminate=True)


@pytest.mark.parametrize(
    ("task", "parallel"), [("dmc/cartpole-swingup", True), ("probe/both", True), ("procgen/coinrun", False)]
)
@pytest.mark.slow
def test_the_renderer_is_named_where_opengl_draws(task: str, parallel: bool) -> None:
    pytest.importorskip("dm_control" if task.startswith("dmc") else "procgen" if task.startswith("procgen") else "rad")
    with contextlib.closing(envs.make(task, parallel=parallel)) as venv:
        name = envs.renderer(task, venv)
    assert bool(name) == task.startswith("dmc")


@pytest.mark.parametrize("quality", ["near", "fast"])
@pytest.mark.slow
def test_asking_for_the_renderer_changes_no_frame(quality: str) -> None:
    pytest.importorskip("dm_control")
    frames = []
    for asks in (True, False):
        with contextlib.closing(envs.make("dmc/cartpole-swingup", render_quality=quality)) as venv:
            if asks:
                assert envs.renderer("dmc/cartpole-swingup", venv)
            frames.append(venv.reset()[0])
    np.testing.assert_array_equal(*frames)
