"""Turned cameras, against the simulator's geometry; cut-outs, against the renderer's picture."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rad.envs.dmc.appearances import camera_poses
from rad.envs.dmc.cameras import SceneCamera, place_camera, turn
from rad.envs.dmc.task import DMCSimulator

pytestmark = pytest.mark.slow

pytest.importorskip("dm_control")

SIZE = 84
FIELDS = ("cam_pos", "cam_poscom0", "cam_pos0", "cam_quat", "cam_mat0")


@pytest.fixture
def simulate() -> Iterator[Any]:
    made = []

    def make(name: str, quality: str = "paper", camera_id: int = 0) -> DMCSimulator:
        made.append(DMCSimulator(name, SIZE, 3, camera_id=camera_id, render_quality=quality))
        made[-1].begin()
        for action in np.random.default_rng(0).uniform(-1, 1, (30, *made[-1].action_space.shape)):
            made[-1].advance(action.astype(np.float32))
        return made[-1]

    yield make
    for simulator in made:
        simulator.close()


def camera_fields(simulator: DMCSimulator) -> dict[str, Any]:
    return {name: getattr(simulator._physics.model.ptr, name).copy() for name in FIELDS}


def placed(simulator: DMCSimulator, original: dict[str, Any], pose: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return position [3] and axes [3, 3] (columns right, up, back) in the world."""
    import mujoco

    physics = simulator._physics
    place_camera(physics.model.ptr, simulator._camera_id, original, np.array(pose))
    mujoco.mj_camlight(physics.model.ptr, physics.data.ptr)
    return physics.data.cam_xpos[0].copy(), physics.data.cam_xmat[0].reshape(3, 3).copy()


def test_turn() -> None:
    # A quarter turn about z takes x to y and y to -x.
    quarter = turn(np.array([[1.0, 0, 0], [0, 2.0, 0], [0, 0, 3.0]]), np.array([0.0, 0, 1]), np.pi / 2)
    np.testing.assert_allclose(quarter, [[0, 1, 0], [-2, 0, 0], [0, 0, 3]], atol=1e-12)


@pytest.mark.parametrize("name", ["walker-walk", "cartpole-swingup", "reacher-easy", "fish-swim"])
def test_no_turn_changes_nothing(simulate: Any, name: str) -> None:
    simulator = simulate(name)
    original, before = camera_fields(simulator), simulator._physics.data.cam_xpos[0].copy()
    axes = simulator._physics.data.cam_xmat[0].reshape(3, 3).copy()
    position, turned = placed(simulator, original, [0.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(position, before, atol=1e-9)
    np.testing.assert_allclose(turned, axes, atol=1e-9)


@pytest.mark.parametrize("name", ["walker-walk", "cartpole-swingup", "reacher-easy"])
def test_the_camera_keeps_looking_at_the_same_point(simulate: Any, name: str) -> None:
    simulator = simulate(name)
    original = camera_fields(simulator)
    start, axes = placed(simulator, original, [0.0, 0.0, 0.0, 1.0])
    near, _ = placed(simulator, original, [0.0, 0.0, 0.0, 0.5])
    aim = start + 2 * (near - start)  # half the way to it
    np.testing.assert_allclose(np.cross(aim - start, axes[:, 2]), 0, atol=1e-9)
    distance = np.linalg.norm(start - aim)
    for pose in ([0.4, 0.0, 0.0, 1.0], [-0.2, 0.3, 0.0, 1.4], [0.1, 0.2, 0.3, 0.9]):
        position, turned = placed(simulator, original, pose)
        np.testing.assert_allclose(position + pose[3] * distance * -turned[:, 2], aim, atol=1e-6)
        np.testing.assert_allclose(turned.T @ turned, np.eye(3), atol=1e-6)


@pytest.mark.parametrize("name", ["walker-walk", "cheetah-run"])
def test_a_camera_that_a_body_carries_aims_as_far_as_the_world_extends(simulate: Any, name: str) -> None:
    """Frames of the splits that turn cameras hang on it: evaluations of old runs can be replayed."""
    simulator = simulate(name)
    original = camera_fields(simulator)
    far, near = (placed(simulator, original, [0.0, 0.0, 0.0, zoom])[0] for zoom in (1.0, 0.5))
    assert 2 * np.linalg.norm(far - near) == pytest.approx(simulator._physics.model.ptr.stat.extent)


def test_yaw_pitch_and_roll_are_what_they_are_called(simulate: Any) -> None:
    simulator = simulate("cartpole-swingup")  # seen from -y, a little above
    original = camera_fields(simulator)
    start, axes = placed(simulator, original, [0.0, 0.0, 0.0, 1.0])
    yawed, _ = placed(simulator, original, [0.3, 0.0, 0.0, 1.0])
    assert yawed[0] > start[0] and yawed[2] == pytest.approx(start[2])
    pitched, _ = placed(simulator, original, [0.0, 0.3, 0.0, 1.0])
    assert pitched[2] > start[2] and pitched[0] == pytest.approx(start[0])
    still, rolled = placed(simulator, original, [0.0, 0.0, 0.3, 1.0])
    np.testing.assert_allclose(still, start, atol=1e-9)
    assert rolled[:, 0] @ axes[:, 0] == pytest.approx(np.cos(0.3), abs=1e-6)
    np.testing.assert_allclose(rolled[:, 2], axes[:, 2], atol=1e-6)


def test_a_camera_never_goes_under_the_floor(simulate: Any) -> None:
    simulator = simulate("walker-walk")  # its camera looks down at 30 degrees: 0.52 rad
    original = camera_fields(simulator)
    start, _ = placed(simulator, original, [0.0, 0.0, 0.0, 1.0])
    down, down_axes = placed(simulator, original, [0.0, -0.6, 0.0, 1.0])
    up, up_axes = placed(simulator, original, [0.0, 0.6, 0.0, 1.0])
    assert up[2] > start[2]
    np.testing.assert_allclose(down, up, atol=1e-9)
    np.testing.assert_allclose(down_axes, up_axes, atol=1e-6)


@pytest.mark.parametrize("name", ["lqr-lqr_2_1", "cartpole-swingup", "finger-spin", "acrobot-swingup"])
def test_a_fixed_camera_stays_above_the_floor(simulate: Any, name: str) -> None:
    simulator = simulate(name)
    original = camera_fields(simulator)
    for episode in range(300):
        pose = next(camera_poses(0.3, np.random.default_rng(episode)))
        assert placed(simulator, original, list(pose))[0][2] > 0


def test_the_free_camera_is_left_alone(simulate: Any) -> None:
    simulator = simulate("walker-walk")
    original = camera_fields(simulator)
    place_camera(simulator._physics.model.ptr, -1, original, np.array([1.0, 1.0, 1.0, 2.0]))
    for name, value in original.items():
        np.testing.assert_array_equal(getattr(simulator._physics.model.ptr, name), value)


def drawn_before(simulator: DMCSimulator, color: tuple[int, int, int]) -> np.ndarray:
    """Let the renderer draw the scene before a sky of one color."""
    import mujoco

    physics = simulator._physics
    model = physics.model.ptr
    (sky,) = np.flatnonzero(model.tex_type == mujoco.mjtTexture.mjTEXTURE_SKYBOX)
    start, count = model.tex_adr[sky], model.tex_height[sky] * model.tex_width[sky]
    model.tex_data[start : start + 3 * count] = np.tile(np.array(color, np.uint8), count)
    with physics.contexts.gl.make_current() as context:
        context.call(mujoco.mjr_uploadTexture, model, physics.contexts.mujoco.ptr, sky)
    return simulator.frame().transpose(1, 2, 0).astype(int)


@pytest.mark.slow
@pytest.mark.parametrize("quality", ["paper", "near", "fast"])
@pytest.mark.parametrize("name", ["walker-walk", "ball_in_cup-catch", "cartpole-swingup", "cheetah-run", "lqr-lqr_2_1"])
def test_a_cutout_is_what_the_renderer_draws(simulate: Any, name: str, quality: str) -> None:
    simulator = simulate(name, quality)
    simulator.frame()
    color = (200, 60, 120)
    camera = SceneCamera(simulator._physics, SIZE, 0)
    picture = np.broadcast_to(np.array(color, np.uint8), (SIZE, SIZE, 3)).copy()
    cut = camera.render(picture, simulator._flags).astype(int)
    camera.close()
    error = np.abs(cut - drawn_before(simulator, color))
    assert error.mean() < 0.02, "of 255; half a percent of what a mask with hard edges leaves"
    assert np.percentile(error, 99.9) <= 1, "an outline"


def test_the_picture_shines_through_as_the_renderers_own_sky_does(simulate: Any) -> None:
    simulator = simulate("cartpole-swingup")
    simulator.frame()
    model = simulator._physics.model.ptr
    model.mat_rgba[floor_of(model), 3] = 0.3
    color = (200, 60, 120)
    camera = SceneCamera(simulator._physics, SIZE, 0)
    assert 0.2 < ((camera.cover() > 0) & (camera.cover() < 255)).mean() < 0.6, "the floor covers a part of its pixels"
    cut = camera.render(np.broadcast_to(np.array(color, np.uint8), (SIZE, SIZE, 3)).copy(), None).astype(int)
    camera.close()
    error = np.abs(cut - drawn_before(simulator, color))
    assert error.mean() < 0.3 and error.max() <= 3


def test_what_is_not_drawn_covers_nothing(simulate: Any) -> None:
    simulator = simulate("walker-walk")
    model = simulator._physics.model.ptr
    camera = SceneCamera(simulator._physics, SIZE, 0)
    with_floor = camera.cover().mean()
    model.mat_rgba[floor_of(model), 3] = 0.0
    without = camera.cover().mean()
    camera.close()
    assert without < 0.1 * 255 < 0.3 * 255 < with_floor


def floor_of(model: Any) -> int:
    return next(i for i in range(model.nmat) if model.material(i).name == "grid")
