"""Every split on many tasks: something is changed, nothing that moves, and everything is restored."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rad import envs
from rad.envs.dmc import task as dmc
from rad.envs.dmc.appearances import SPLITS, Appearance
from rad.envs.dmc.scenery import Scenery
from rad.envs.dmc.task import LEAST_CHANGE, DMCSimulator

pytestmark = pytest.mark.slow

pytest.importorskip("dm_control")

TASKS = [
    *("walker-walk", "cartpole-swingup", "reacher-easy", "cheetah-run", "ball_in_cup-catch", "finger-spin"),
    *("hopper-stand", "acrobot-swingup", "pendulum-swingup", "quadruped-walk", "humanoid-stand", "fish-swim"),
    *("swimmer-swimmer6", "point_mass-easy"),
]
CHANGED = [name for name in SPLITS if name not in ("train", "plain")]
MOVING = [name for name in CHANGED if SPLITS[name].moving]
SIZE = 42


def appearance(name: str, side: Any = "test") -> Appearance:
    return Appearance(SPLITS[name], side)


@pytest.fixture
def simulate() -> Iterator[Any]:
    made = []

    def make(name: str, split: str | None = None, *, seed: int = 3, size: int = SIZE, **options: Any) -> DMCSimulator:
        made.append(DMCSimulator(name, size, seed, split=appearance(split, **options) if split else None))
        made[-1].begin()
        return made[-1]

    yield make
    for simulator in made:
        simulator.close()


def put_on(simulator: DMCSimulator, split: str) -> Scenery:
    """Give a simulator another split than it was made with."""
    simulator._scenery = Scenery(simulator._physics, 0, simulator.task[4:].partition("-")[0], appearance(split))
    return simulator._scenery


def model_bytes(simulator: DMCSimulator) -> dict[str, bytes]:
    model = simulator._physics.model.ptr
    arrays = {name: getattr(model, name) for name in dir(model) if not name.startswith("_")}
    own = {name: value.tobytes() for name, value in arrays.items() if isinstance(value, np.ndarray)}
    headlight = model.vis.headlight
    return own | {f"headlight {name}": getattr(headlight, name).tobytes() for name in ("ambient", "diffuse")}


@pytest.mark.parametrize("task", TASKS)
def test_every_split_changes_what_is_seen_and_is_restored_exactly(simulate: Any, task: str) -> None:
    simulator = simulate(task)
    own, before = simulator.frame(), model_bytes(simulator)
    for name in CHANGED:
        scenery = put_on(simulator, name)
        simulator._check_change(appearance(name))  # raises where nothing is seen
        simulator.show(1, 2, 3)
        changed = (np.abs(simulator.frame().astype(int) - own) > 4).any(0).mean()
        assert changed >= (LEAST_CHANGE if SPLITS[name].background else 0.005), (name, changed)
        scenery.restore()
        assert model_bytes(simulator) == before, name
        simulator._scenery = None
        scenery.show(1, 2, 3)
        scenery.restore()
        scenery._upload()
        import mujoco

        mujoco.mj_camlight(simulator._physics.model.ptr, simulator._physics.data.ptr)
        np.testing.assert_array_equal(simulator.frame(), own, err_msg=name)


@pytest.mark.parametrize("task", TASKS)
def test_physics_is_untouched(task: str) -> None:
    """Over 200 steps and several episodes, states and rewards differ by exactly nothing."""
    plain, edited = (DMCSimulator(task, SIZE, 3, render_quality="fast") for _ in range(2))
    actions = np.random.default_rng(0).uniform(-1, 1, (200, *plain.action_space.shape)).astype(np.float32)
    for step, action in enumerate(actions):
        if step % 14 == 0:  # an episode for each split
            if edited._scenery:
                edited._scenery.restore()
            put_on(edited, CHANGED[(step // 14) % len(CHANGED)])
            plain.begin()
            edited.begin()
        edited.show(0, step // 14, step % 14)
        if step % 7 == 0:
            edited.frame()
        assert plain.advance(action) == edited.advance(action)
        np.testing.assert_array_equal(plain._physics.get_state(), edited._physics.get_state())
    np.testing.assert_array_equal(plain._physics.data.sensordata, edited._physics.data.sensordata)
    plain.close()
    edited.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGED)
def test_an_episode_looks_the_same_whenever_it_is_played(simulate: Any, name: str) -> None:
    first, second = simulate("cartpole-swingup", name), simulate("cartpole-swingup", name)
    first.show(1, 4, 0)
    first.frame()
    for simulator in (first, second):
        simulator.show(1, 5, 6)
    np.testing.assert_array_equal(first.frame(), second.frame())
    pictures = [first.frame()]
    for moment in ((2, 5, 6), (1, 6, 6)):
        first.show(*moment)
        pictures.append(first.frame())
    assert len({picture.tobytes() for picture in pictures}) == 3, "another seed or episode looks alike"
    first.show(1, 5, 9)
    assert (first.frame().tobytes() != pictures[0].tobytes()) == SPLITS[name].moving


@pytest.mark.parametrize("name", ["texture", "video-easy"])
def test_the_two_sides_look_different(simulate: Any, name: str) -> None:
    frames = []
    for side in ("train", "test"):
        simulator = simulate("cartpole-swingup", name, side=side)
        simulator.show(0, 0, 0)
        frames.append(simulator.frame())
    assert (frames[0] != frames[1]).mean() > 0.1


def test_the_floor_goes_where_no_sky_is_seen(simulate: Any) -> None:
    with_sky, without = simulate("walker-walk", "video-easy"), simulate("reacher-easy", "video-easy")
    assert not with_sky._scenery.hide_floor and without._scenery.hide_floor


def test_a_split_that_shows_too_little_is_refused_with_task_and_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dmc, "LEAST_CHANGE", 0.99)
    said = r"^split: split 'video-easy' changes 9\d% of the pixels that camera 0 of dmc/walker-walk sees; .* least 99%"
    with pytest.raises(ValueError, match=said):
        DMCSimulator("walker-walk", SIZE, 0, split=appearance("video-easy"))


def test_a_split_that_shows_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scenery, "_floor_textures", lambda _: [])
    with pytest.raises(ValueError, match=r"^split: split 'texture' changes 0% of the pixels .* change at least one$"):
        DMCSimulator("walker-walk", SIZE, 0, split=appearance("texture"))


def test_a_lamp_that_the_task_places_is_kept(simulate: Any) -> None:
    """Swimmer moves a lamp to its target at the start of each episode."""
    plain, edited = simulate("swimmer-swimmer6"), simulate("swimmer-swimmer6", "camera-0.1")
    for episode in range(3):
        edited.show(0, episode, 0)
        np.testing.assert_array_equal(plain._physics.model.light_pos, edited._physics.model.light_pos)
        plain.begin()
        edited.begin()


def test_any_size_shows_the_same_picture(simulate: Any) -> None:
    simulator = simulate("walker-walk", "video-hard")
    simulator.show(0, 1, 2)
    small, large = simulator.frame(), simulator.frame(4 * SIZE)
    averaged = large.reshape(3, SIZE, 4, SIZE, 4).mean((2, 4))
    assert np.abs(averaged - small).mean() < 12
    np.testing.assert_array_equal(simulator.frame(), small)


@pytest.mark.parametrize("name", ["video-hard", "distracting-hard-dynamic", "color-hard"])
def test_environments_start_alike_on_all_splits_and_resume_exactly(name: str) -> None:
    options: dict[str, Any] = {"num_envs": 2, "seed": 5, "image_size": 24, "action_repeat": 250, "frame_stack": 2}
    plain = envs.make("dmc/cartpole-swingup", **options)
    dressed, resumed = (envs.make("dmc/cartpole-swingup", split=appearance(name), **options) for _ in range(2))
    starts = [venv.reset()[0] for venv in (plain, dressed)]
    assert (starts[0] != starts[1]).mean() > 0.1
    actions = np.random.default_rng(0).uniform(-1, 1, (10, 2, 1)).astype(np.float32)
    for action in actions[:6]:  # into the second episode
        rewards = [venv.step(action)[1] for venv in (plain, dressed)]
        np.testing.assert_array_equal(*rewards)
    resumed.reset(seed=77)
    seen = envs.load_env_state(resumed, envs.env_state(dressed))
    pool: Any = dressed
    np.testing.assert_array_equal(seen, np.stack(pool.get_attr("observation")))
    for action in actions[6:]:  # into the third
        np.testing.assert_array_equal(dressed.step(action)[0], resumed.step(action)[0])
    dressed.reset(seed=5)
    np.testing.assert_array_equal(np.stack(pool.get_attr("observation")), starts[1])
    for venv in (plain, dressed, resumed):
        venv.close()


def test_before_an_episode_the_unchanged_task_is_drawn() -> None:
    plain, edited = (
        DMCSimulator("cartpole-swingup", SIZE, 3, render_quality="fast", split=split)
        for split in (None, appearance("video-hard"))
    )
    for simulator in (plain, edited):
        simulator.begin()
    np.testing.assert_array_equal(plain.frame(), edited.frame())
    edited.show(0, 0, 0)
    edited.begin()
    plain.begin()
    np.testing.assert_array_equal(plain.frame(), edited.frame())
    for simulator in (plain, edited):
        simulator.close()


def test_worker_processes_show_the_same() -> None:
    frames = []
    for parallel in (False, True):
        options: dict[str, Any] = {"num_envs": 2, "seed": 5, "image_size": 24, "render_quality": "fast"}
        venv = envs.make(
            "dmc/cartpole-swingup", split=appearance("distracting-hard-dynamic"), parallel=parallel, **options
        )
        venv.reset()
        frames.append([venv.step(np.full((2, 1), 0.3, np.float32))[0] for _ in range(3)])
        venv.close()
    np.testing.assert_array_equal(*frames)


def test_a_look_is_of_dmc_only() -> None:
    with pytest.raises(ValueError, match=r"^split: light is impossible for probe tasks; allowed: None"):
        envs.make("probe/both", split=appearance("light"))
