import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from rad import envs
from rad.envs.gym import GymSimulator, keep_sdl_quiet
from tests.rad.envs import painted

HERE = "tests.rad.envs.painted:"
SCREEN = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "SDL_VIDEODRIVER")  # what SDL finds one by


def simulator(name: str, size: int = 20) -> Any:
    made = GymSimulator(f"{HERE}{name}-v0", size, 0)
    made.begin()
    return made


def test_pictures_are_resized_by_area() -> None:
    made = simulator("Painted", 30)  # from 60 x 90: means over blocks of 2 x 3 pixels
    picture = made._env.render().transpose(2, 0, 1)
    means = picture.reshape(3, 30, 2, 30, 3).mean(axis=(2, 4))
    assert made.frame().shape == (3, 30, 30)
    np.testing.assert_allclose(made.frame(), means, atol=0.51)
    assert made.frame(55).shape == (3, 55, 55)
    made.close()


def test_a_state_is_drawn_once() -> None:
    made = simulator("PaintedFading")
    first = made.frame()
    made.frame(40)
    np.testing.assert_array_equal(made.frame(), first)
    made.advance(1)
    assert made.frame().max() == first.max() - 10
    made.begin()
    assert made.frame().max() == first.max()
    made.close()


def test_a_resume_repeats_what_drawing_has_changed() -> None:
    venv, other = (envs.make(f"gym/{HERE}PaintedFading-v0", image_size=20, frame_stack=2) for _ in range(2))
    venv.reset()
    for _ in range(5):
        obs, *_ = venv.step(np.array([1]))
    np.testing.assert_array_equal(envs.load_env_state(other, envs.env_state(venv)), obs)
    np.testing.assert_array_equal(other.step(np.array([0]))[0], venv.step(np.array([0]))[0])
    venv.close()
    other.close()


@pytest.mark.parametrize(("name", "success"), [("PaintedTelling", [True, True]), ("Painted", None)])
def test_success_is_told_where_an_episode_ends_if_the_environment_tells_it(name: str, success: Any) -> None:
    venv = envs.make(f"gym/{HERE}{name}-v0", num_envs=2, image_size=20)
    venv.reset()
    steps = [venv.step(np.array([1, 1]))[-1] for _ in range(3)]
    assert not any("is_success" in infos for infos in steps[:2])
    assert (steps[2]["is_success"].tolist() if success else steps[2].get("is_success")) == success
    venv.close()


def test_lunar_lander_is_drawn_quickly_and_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("Box2D", reason="the extra gym is not installed")
    quick, slow = (GymSimulator("LunarLander-v3", 64, 0) for _ in range(2))
    monkeypatch.setattr(slow, "_render", slow._env.render)
    for made in (quick, slow):
        made.begin()
    for action in (2, 1, 2, 2, 3, 2):
        assert quick.advance(action) == slow.advance(action)
        np.testing.assert_array_equal(quick.frame(), slow.frame())
    quick.close()
    slow.close()


def test_where_there_is_no_display_nothing_is_printed_about_it() -> None:
    pytest.importorskip("pygame")
    code = "from rad import envs; envs.make('gym/CartPole-v1').close()"
    variables = {name: value for name, value in os.environ.items() if name not in SCREEN}
    ended = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert "XDG_RUNTIME_DIR" not in ended.stderr


@pytest.mark.parametrize(("name", "driver"), [("", "dummy"), ("DISPLAY", None), ("XDG_RUNTIME_DIR", None)])
def test_a_display_is_left_to_sdl(name: str, driver: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in SCREEN:
        monkeypatch.setenv(variable, ":0")  # so that it is as before when the test ends
        if variable != name:
            monkeypatch.delenv(variable)
    keep_sdl_quiet()
    assert os.environ.get("SDL_VIDEODRIVER") == driver


def test_discrete_actions_are_shifted_to_the_environments_own() -> None:
    made = simulator("Painted")
    for action in range(3):
        made.advance(action)
        assert made._env.unwrapped.last_action == action - 1
    assert made.action_space.n == 3
    made.close()


def test_continuous_actions_are_scaled_to_the_environments_bounds() -> None:
    made = simulator("PaintedBox")
    made.advance(np.array([0.5, -1.0], np.float32))
    np.testing.assert_allclose(made._env.unwrapped.last_action, [1.0, 0.0])
    assert made._env.unwrapped.last_action.dtype == np.float32
    made.close()


def test_a_time_limit_truncates_and_an_end_terminates() -> None:
    ends = set()
    made = simulator("Painted")
    for _ in range(60):
        made.begin()
        for step in range(1, 13):
            reward, terminated, truncated = made.advance(1)
            assert terminated == (reward > 0.97)
            assert truncated == (step == 12 and not terminated)
            if terminated or truncated:
                ends.add((terminated, truncated))
                break
    assert ends == {(True, False), (False, True)}
    made.close()


def test_frame_rate_is_the_environments() -> None:
    made = simulator("Painted")
    assert made.fps == 10.0
    made.close()


@pytest.mark.parametrize("name", ["CartPole-v99", "Nope-v0", "NoSuch/Nope-v0", "", "no_such_module:Nope-v0", ".x:Nope"])
def test_unknown_ids_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(ValueError, match=r"^task: unknown task 'gym/") as caught:
        envs.check_task(f"gym/{name}")
    assert "\n" not in str(caught.value)


def test_a_near_miss_is_told() -> None:
    with pytest.raises(ValueError, match="CartPole"):
        envs.check_task("gym/Cartpole-v1")


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("PaintedBlind", ValueError, "cannot render: rgb_array gives NoneType"),
        ("PaintedNeedy", ModuleNotFoundError, "needs a package that is missing: .*pip install nopackage"),
        ("PaintedOdd", ValueError, "has actions of MultiBinary.*; allowed: Box or Discrete"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(name: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        envs.make(f"gym/{HERE}{name}-v0")
    assert "\n" not in str(caught.value)


def test_an_environment_without_a_render_mode_argument_is_refused() -> None:
    import gymnasium

    gymnasium.register("Silent-v0", lambda: painted.Painted(False))
    with pytest.raises(ValueError, match="gym/Silent-v0 cannot be made with pictures"):
        envs.make("gym/Silent-v0")
    del gymnasium.registry["Silent-v0"]


def test_names_are_the_registered_ids() -> None:
    assert {"gym/CartPole-v1", "gym/Painted-v0"} <= set(envs.task_names("gym"))


def test_scene_options_are_refused() -> None:
    with pytest.raises(ValueError, match="camera_id: 2 is impossible for gym tasks"):
        envs.make("gym/Painted-v0", camera_id=2)
