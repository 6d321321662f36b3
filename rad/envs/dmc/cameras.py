"""Cameras of a MuJoCo model: turned about their aim, and used to cut the robot out of its background."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOWEST, _HIGHEST = np.radians(5.0), np.radians(87.0)  # elevation of a turned camera, unless it is beyond before


def place_camera(model: Any, camera: int, original: Mapping[str, Floats], pose: Floats) -> None:
    """Turn a camera about the point that it looks at, and change its distance.

    A pitch that would let the camera see under the floor is turned upwards.

    Args:
        model: MuJoCo's model, which is changed.
        camera: index; -1, the free camera, is left as it is.
        original: the model's fields of cameras before any change.
        pose: yaw, pitch and roll in rad, and the factor of the distance.
    """
    import mujoco

    if camera < 0:
        return
    place, mount = _fields(model, camera)
    position, axes = original[place][camera], _axes(original[mount][camera])
    right, back = axes[:, 0], axes[:, 2]
    aim = position - _distance(model, camera, position, back) * back
    yaw, pitch, roll, zoom = pose
    raised = _elevation(back, pitch) - np.arcsin(np.clip(back[2], -1.0, 1.0))
    rotation = _rotation(np.array([0.0, 0.0, 1.0]), yaw) @ _rotation(right, -raised)
    getattr(model, place)[camera] = aim + zoom * rotation @ (position - aim)
    turned = rotation @ _rotation(back, roll) @ axes
    if mount == "cam_mat0":
        model.cam_mat0[camera] = turned.flatten()
    else:
        mujoco.mju_mat2Quat(model.cam_quat[camera], turned.flatten())


def turn(vectors: Floats, axis: Floats, angle: float) -> Floats:
    """Rotate vectors [..., 3] about an axis [3] of length 1 by an angle in rad."""
    return vectors @ _rotation(axis, angle).T


def _fields(model: Any, camera: int) -> tuple[str, str]:
    """Return the fields that position and orientation of a camera are computed from, by how it follows its body."""
    import mujoco

    mode = model.cam_mode[camera]
    if mode == mujoco.mjtCamLight.mjCAMLIGHT_TRACK:
        return "cam_pos0", "cam_mat0"
    if mode == mujoco.mjtCamLight.mjCAMLIGHT_TRACKCOM:
        return "cam_poscom0", "cam_mat0"
    return "cam_pos", "cam_quat"


def _distance(model: Any, camera: int, position: Floats, back: Floats) -> float:
    """Return how far a camera aims: the world's extent if a body carries it, else to its middle above the floor."""
    if model.cam_bodyid[camera] != 0:
        return float(model.stat.extent)
    distance = max(float((position - model.stat.center) @ back), 0.25 * model.stat.extent)
    return min(distance, position[2] / back[2]) if back[2] > 0 and position[2] > 0 else distance


def _elevation(back: Floats, pitch: float) -> float:
    """Return the height angle in rad after a change by `pitch`, which is reversed where it would go too low."""
    before = np.arcsin(np.clip(back[2], -1.0, 1.0))
    lowest, highest = min(before, _LOWEST), max(before, _HIGHEST)
    after = before + pitch if before + pitch >= lowest else before + abs(pitch)
    return float(np.clip(after, lowest, highest))


def _axes(stored: Floats) -> Floats:
    """Return a camera's axes as columns (right, up, back) from its matrix [9] or quaternion [4]."""
    import mujoco

    if stored.size == 9:
        return stored.reshape(3, 3)
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, stored)
    return matrix.reshape(3, 3)


def _rotation(axis: Floats, angle: float) -> Floats:
    """Return the matrix [3, 3] of a rotation about an axis of length 1 (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


_LIGHT_AND_SKY = ("skybox", "shadow", "reflection", "fog", "haze")


class SceneCamera:
    """Draws a scene as it is, with `plain`, or in front of a given picture instead of the sky.

    For the latter it is drawn twice: in its colors before black, and in white before black with all light off, which
    gives the share of every pixel that the scene covers, with the same anti-aliasing. Then color + (1 - share) x
    picture is what the renderer would have drawn before it. Without anti-aliasing, depths tell which pixels are
    covered. Camera -1 is the free one.
    """

    def __init__(self, physics: Any, size: int, camera_id: int) -> None:
        from dm_control.mujoco.engine import Camera

        self._physics, self._sharp = physics, physics.model.vis.quality.offsamples == 0
        self.plain = Camera(physics, size, size, camera_id)
        self._white = Camera(physics, size, size, camera_id, scene_callback=_whiten)
        self._depth = np.empty((size, size), np.float32)

    def render(self, picture: NDArray[np.uint8], flags: Mapping[str, bool] | None) -> NDArray[np.uint8]:
        """Draw the present state before a picture, both uint8 [size, size, 3]."""
        import cv2

        color = self.plain.render(render_flag_overrides={**(flags or {}), "skybox": False})
        if self._sharp and not _is_transparent(self.plain.scene):
            return np.where(self._covered()[..., None], color, picture)
        behind: NDArray[np.uint8] = cv2.multiply(picture, ~self.cover(), scale=1 / 255)  # type: ignore[assignment]
        return cv2.add(color, behind)  # type: ignore[return-value]

    def cover(self) -> NDArray[np.uint8]:
        """Return the share of each pixel that the scene covers, uint8 [size, size, 3], 255 for all of it."""
        return self._white.render(render_flag_overrides=dict.fromkeys(_LIGHT_AND_SKY, False))

    def _covered(self) -> NDArray[np.bool_]:
        """Tell of each pixel drawn last whether anything is nearer than the far plane."""
        import mujoco

        with self._physics.contexts.gl.make_current() as context:
            area = mujoco.MjrRect(0, 0, *self._depth.shape)
            context.call(mujoco.mjr_readPixels, None, self._depth, area, self._physics.contexts.mujoco.ptr)
        return self._depth[::-1] < 1.0

    def close(self) -> None:
        """Free both scenes."""
        self.plain.scene.free()
        self._white.scene.free()


def _is_transparent(scene: Any) -> bool:
    return any(geom.rgba[3] < 1.0 for geom in scene.geoms[: scene.ngeom])


def _whiten(physics: Any, scene: Any) -> None:
    """Make the whole scene shine white; what is transparent stays so."""
    for geom in scene.geoms[: scene.ngeom]:
        geom.matid, geom.emission, geom.reflectance = -1, 1.0, 0.0
        geom.rgba[:3] = 1.0
