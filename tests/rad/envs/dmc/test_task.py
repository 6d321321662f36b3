import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rad import envs
from rad.envs.dmc import task as dmc
from rad.envs.dmc.task import DMCSimulator

pytestmark = pytest.mark.slow

pytest.importorskip("dm_control")
suite = dmc._suite()  # not by an import of its own: the back-end is chosen first

SIX = ["finger-spin", "cartpole-swingup", "reacher-easy", "cheetah-run", "walker-walk", "ball_in_cup-catch"]


@pytest.fixture
def simulate() -> Iterator[Any]:
    """Makes simulators that are closed at the end."""
    made = []

    def make(name: str, size: int = 24, camera_id: int = 0, quality: str = "paper", seed: int = 3) -> DMCSimulator:
        made.append(DMCSimulator(name, size, seed, camera_id=camera_id, render_quality=quality))
        made[-1].begin()
        return made[-1]

    yield make
    for simulator in made:
        simulator.close()


def actions_of(simulator: Any, count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, *simulator.action_space.shape)).astype(np.float32)


def test_names_are_those_of_the_suite() -> None:
    assert dmc.names() == tuple(f"{domain}-{task}" for domain, task in suite.ALL_TASKS)
    assert set(SIX) <= set(dmc.names()) and len(dmc.names()) > 40
    for name in dmc.names():
        envs.check_task(f"dmc/{name}")


@pytest.mark.parametrize("name", ["cartpole-swingupp", "cartpole_swingup", "", "nonsense", "walker-walk "])
def test_unknown_tasks_are_refused_with_the_known_names(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^task: unknown task 'dmc/{name}'.*; known: acrobot-swingup, .*, walker-"):
        envs.check_task(f"dmc/{name}")


def test_a_near_miss_is_told() -> None:
    with pytest.raises(ValueError, match=r"did you mean dmc/ball_in_cup-catch\?"):
        envs.check_task("dmc/ball-in-cup-catch")


@pytest.mark.parametrize(
    ("task", "repeat"),
    [
        ("finger-spin", 2),
        ("walker-walk", 2),
        ("walker-run", 2),
        ("cartpole-swingup", 8),
        ("reacher-easy", 4),
        ("cheetah-run", 4),
        ("ball_in_cup-catch", 4),
        ("cartpole-balance", 4),
    ],
)
def test_action_repeats_of_the_papers(task: str, repeat: int) -> None:
    assert envs.action_repeat_for(f"dmc/{task}") == repeat


def test_rewards_are_those_of_dm_control_summed(simulate: Any) -> None:
    reference = suite.load("cartpole", "swingup", task_kwargs={"random": 5})
    reference.reset()
    venv = envs.make("dmc/cartpole-swingup", seed=5, image_size=8, render_quality="fast", action_repeat=4)
    venv.reset()
    for action in actions_of(simulate("cartpole-swingup"), 6):
        expected = sum(reference.step(action).reward for _ in range(4))
        assert venv.step(action[None])[1][0] == expected
    venv.close()


@pytest.mark.parametrize("repeat", [8, 300])
def test_episodes_are_cut_after_1000_simulator_steps(repeat: int) -> None:
    venv = envs.make("dmc/reacher-easy", image_size=4, render_quality="fast", action_repeat=repeat)
    venv.reset()
    steps = -(-1000 // repeat)  # 300: three whole repeats and one of 100
    for step in range(1, 2 * steps + 1):
        _, _, terminated, truncated, infos = venv.step(np.zeros((1, 2), np.float32))
        assert not terminated[0]
        assert truncated[0] == (step % steps == 0)
        if truncated[0]:
            assert infos["episode"]["l"][0] == steps
    venv.close()


def test_discount_zero_terminates(simulate: Any) -> None:
    simulator = simulate("lqr-lqr_2_1")
    assert simulator.advance(np.zeros(1))[1:] == (False, False)
    simulator._env.task.get_termination = lambda physics: 0.0
    assert simulator.advance(np.zeros(1))[1:] == (True, False)


def test_actions_are_scaled_to_true_bounds(simulate: Any) -> None:
    simulator = simulate("quadruped-walk")
    spec = simulator._env.action_spec()
    assert not (spec.minimum == -1).all()
    for unit, expected in (
        (-1.0, spec.minimum),
        (1.0, spec.maximum),
        (0.0, (spec.minimum + spec.maximum) / 2),
    ):
        simulator.advance(np.full(spec.shape, unit, np.float32))
        np.testing.assert_allclose(simulator._physics.control(), expected, atol=1e-12)
    assert (simulator.action_space.low == -1).all() and (simulator.action_space.high == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", SIX)
def test_paper_quality_is_what_dm_control_draws(simulate: Any, name: str) -> None:
    simulator = simulate(name, size=40)
    domain, task = name.split("-")
    reference = suite.load(domain, task, task_kwargs={"random": 3})
    reference.reset()
    for action in actions_of(simulator, 3):
        simulator.advance(action)
        reference.step(action)
        expected = reference.physics.render(40, 40, camera_id=0)
        np.testing.assert_array_equal(simulator.frame().transpose(1, 2, 0), expected)
    np.testing.assert_array_equal(simulator.frame(90).transpose(1, 2, 0), reference.physics.render(90, 90, camera_id=0))
    np.testing.assert_array_equal(simulator.frame().transpose(1, 2, 0), expected)
    reference.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"),  # without multisampling alone, the mean difference is 0.7 on cartpole and 0.9 on walker
    [("cartpole-swingup", 1.0), ("walker-walk", 5.0), ("cheetah-run", 1.0), ("reacher-easy", 10.0)],
)
def test_qualities_differ_in_pixels_as_promised_and_not_in_physics(simulate: Any, name: str, least: float) -> None:
    paper, near, fast = (simulate(name, 84, quality=quality) for quality in ("paper", "near", "fast"))
    near_error, fast_error = [], []
    for action in actions_of(paper, 4):
        rewards = {simulator.advance(action) for simulator in (paper, near, fast)}
        assert len(rewards) == 1
        states = [simulator._physics.get_state().tobytes() for simulator in (paper, near, fast)]
        assert len(set(states)) == 1
        truth = paper.frame().astype(float)
        near_error.append(np.abs(near.frame() - truth).mean())
        fast_error.append(np.abs(fast.frame() - truth).mean())
    assert 0 < np.mean(near_error) <= 0.5, "the same scene"
    assert np.mean(fast_error) > least, "another picture"


def test_qualities_are_the_stated_settings(simulate: Any) -> None:
    def settings(quality: str) -> tuple[int, ...]:
        simulator = simulate("cartpole-swingup", quality=quality)
        model_quality = simulator._physics.model.vis.quality
        fields = ("shadowsize", "numslices", "numstacks", "offsamples")
        return tuple(getattr(model_quality, field) for field in fields)

    assert settings("paper") == (2048, 28, 16, 4)
    assert settings("near") == (512, 14, 8, 4)
    assert settings("fast") == (2048, 28, 16, 0)
    assert simulate("cartpole-swingup", quality="fast")._flags == {"shadow": False, "reflection": False}
    assert simulate("cartpole-swingup", quality="near")._flags is None


def test_cameras(simulate: Any) -> None:
    views = [simulate("cartpole-swingup", 32, camera_id=camera).frame() for camera in (-1, 0, 1)]
    assert len({view.tobytes() for view in views}) == 3
    with pytest.raises(ValueError, match=r"^camera_id: must be -1 to 1 for dmc/cartpole-swingup, got 2"):
        simulate("cartpole-swingup", camera_id=2)
    with pytest.raises(ValueError, match=r"^camera_id: must be .*, got -2"):
        simulate("cartpole-swingup", camera_id=-2)


@pytest.mark.parametrize("size", [1, 37, 108])
def test_any_size(simulate: Any, size: int) -> None:
    frame = simulate("walker-walk", size, quality="fast").frame()
    assert frame.shape == (3, size, size) and frame.dtype == np.uint8 and frame.flags.c_contiguous


def test_nothing_is_drawn_before_the_first_frame(simulate: Any) -> None:
    simulator = simulate("cartpole-swingup")
    simulator.advance(np.zeros(1))
    assert simulator._physics._contexts is None
    simulator.frame()
    assert simulator._physics._contexts is not None
    simulator.close()
    assert simulator._physics._contexts is None
    simulator.close()


def test_frame_rate_is_that_of_the_control_steps(simulate: Any) -> None:
    assert simulate("cartpole-swingup").fps == pytest.approx(100)
    assert simulate("walker-walk").fps == pytest.approx(40)


@pytest.mark.parametrize("ending", ["venv.close()", "pass", "raise SystemExit", "single.x = venv"])
def test_nothing_on_stderr_at_the_end(ending: str) -> None:
    script = f"""
import rad.envs
venv = rad.envs.make("dmc/cheetah-run", num_envs=2, image_size=16, render_quality="fast")
venv.reset()
venv.step(venv.action_space.sample())
venv.call("render_frame", 48)
single = venv.envs[0]
{ending}
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_the_back_end_is_chosen_when_none_is_set() -> None:
    script = """
import os, rad.envs
rad.envs.make('dmc/cartpole-swingup', image_size=8).reset()
print(os.environ['MUJOCO_GL'])
"""
    env = {name: value for name, value in os.environ.items() if name != "MUJOCO_GL"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("egl", "osmesa", "glfw")


def resumes_exactly(name: str, before: int = 9, after: int = 9) -> bool:
    """Across the end of an episode, which is set to come after 15 agent steps of 2."""

    def make(seed: int) -> Any:
        venv: Any = envs.make(f"dmc/{name}", seed=seed, image_size=16, render_quality="fast", action_repeat=2)
        venv.envs[0].simulator._env._step_limit = 30
        venv.reset()
        return venv

    def run(venv: Any, actions: np.ndarray) -> list[Any]:
        seen = []
        for action in actions:
            obs, reward, _, truncated, _ = venv.step(action[None])
            seen += [obs.tobytes(), reward.tobytes(), truncated[0]]
        return seen

    first = make(1)
    actions = actions_of(first.envs[0], before + after)
    run(first, actions[:before])
    state = envs.env_state(first)
    expected = run(first, actions[before:])
    first.close()
    second = make(1 if name.startswith("lqr") else 2)  # lqr draws its model from the seed, and a state holds no model
    envs.load_env_state(second, state)
    got = run(second, actions[before:])
    second.close()
    return got == expected and True in got


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SIX, "hopper-hop", "point_mass-hard", "fish-swim"])
def test_resume_is_exact(name: str) -> None:
    assert resumes_exactly(name)


@pytest.mark.parametrize("name", sorted({name.split("-")[0]: name for name in dmc.names()}.values()))
def test_resume_is_exact_in_every_domain(name: str) -> None:
    assert resumes_exactly(name)
