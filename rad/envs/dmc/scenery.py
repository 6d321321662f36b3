"""How a MuJoCo model looks, changed in place and restored exactly; how it moves is never touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.envs.dmc.appearances import CameraPath, Floats, Look, MaterialPath, draw_color, draw_light
from rad.envs.dmc.cameras import place_camera, turn
from rad.envs.dmc.clips import Clip, Picture

# What is changed, of the model and of its headlight. None of it enters the dynamics.
_MODEL_FIELDS = (
    "mat_rgba",
    *("light_diffuse", "light_pos", "light_poscom0", "light_pos0", "light_dir", "light_dir0"),
    *("cam_pos", "cam_poscom0", "cam_pos0", "cam_quat", "cam_mat0"),
)
_HEADLIGHT_FIELDS = ("ambient", "diffuse")
_PARTS = ("clip", "palette", "light", "camera", "materials")  # each has chance of its own
_FLOOR_SHADE = np.float32(0.6)  # of a picture on the floor: the lamps of the suite are made for dark floors

# Part of the floor that the Distracting Control Suite leaves over its videos, by domain.
_FLOOR_LEFT = {"reacher": 0.0, "walker": 1.0, "cheetah": 1.0}
_FLOOR_LEFT_ELSEWHERE = 0.3

_LEVELS = np.linspace(0.0, 1.0, 256)[:, None]  # what the bytes of a texture mean


class Scenery:
    """The look of a model in the episodes of a split.

    Args:
        physics: dm_control's physics.
        camera_id: the camera that is moved.
        domain: of the suite, for its floor.
        look: what is changed, and which clips are shown.

    Attributes:
        hide_floor: take the floor away where clips replace the sky only: for cameras that see no sky.

    Raises:
        ValueError: there are too few clips.
    """

    def __init__(self, physics: Any, camera_id: int, domain: str, look: Look) -> None:
        self._physics, self._model, self._camera = physics, physics.model.ptr, camera_id
        self._split, self._source = look.split, look.shared_source() if look.split.shows_clips else None
        self._floor_left = _FLOOR_LEFT.get(domain, _FLOOR_LEFT_ELSEWHERE)
        self._own: dict[str, Floats] = {}  # what the model has when nothing is changed
        self._own_headlight: dict[str, Floats] = {}
        self._own_textures: dict[int, NDArray[np.uint8]] = {}  # those that were ever changed
        self._to_upload: set[int] = set()
        self._episode: tuple[int, int] | None = None
        self._clip: Clip | None = None
        self._first_frame = self._frame = 0
        self._camera_path: CameraPath | None = None
        self._material_path: MaterialPath | None = None
        self.hide_floor = False

    def show(self, seed: int, episode: int, step: int) -> None:
        """Give the model the look of an agent step.

        Args:
            seed: of the environment.
            episode: its index.
            step: agent steps since the start of the episode.
        """
        import mujoco

        if (seed, episode) != self._episode:
            self.restore()
            self._begin(seed, episode)
        moment = step if self._split.moving else 0
        self._frame = self._first_frame + moment
        if self._camera_path:
            place_camera(self._model, self._camera, self._own, self._camera_path.at(moment))
        if self._material_path:
            own = self._own["mat_rgba"][:, :3]
            self._model.mat_rgba[:, :3] = np.clip(own + self._material_path.at(moment), 0.0, 1.0)
        # Cameras and lights follow from the model and the present positions; nothing else is computed anew.
        mujoco.mj_camlight(self._model, self._physics.data.ptr)
        self._upload()

    def background(self, size: int) -> Picture | None:
        """Return what is seen where nothing of the scene is, uint8 [size, size, 3]; None for the model's own sky."""
        if self._clip is None or not self._split.background:
            return None
        return self._clip.frame(self._frame, size)

    def restore(self) -> None:
        """Give the model its own look again, bit for bit.

        To be called before a task starts an episode: some place a lamp then, which is part of their own look.
        """
        for name, value in self._own.items():
            getattr(self._model, name)[:] = value
        for name, value in self._own_headlight.items():
            getattr(self._model.vis.headlight, name)[:] = value
        for index, pixels in self._own_textures.items():
            self._texture(index)[:] = pixels
        self._to_upload |= self._own_textures.keys()
        self._upload()
        self._clip = None
        self._own, self._own_headlight, self._episode = {}, {}, None

    def _begin(self, seed: int, episode: int) -> None:
        """Change what stays through an episode, and draw the paths of what wanders."""
        model, split, self._episode = self._model, self._split, (seed, episode)
        self._own = {name: getattr(model, name).copy() for name in _MODEL_FIELDS}
        self._own_headlight = {name: getattr(model.vis.headlight, name).copy() for name in _HEADLIGHT_FIELDS}
        self._camera_path = self._material_path = None
        chance = {part: split.generator(seed, episode, part) for part in _PARTS}
        self._choose_clip(chance["clip"])
        if split.palette:
            self._paint(split.palette, chance["palette"])
        if split.light:
            self._light(chance["light"])
        if split.texture and self._clip:
            self._lay(self._clip)
        if split.background:
            left = {"sky": float(not self.hide_floor), "all": 0.0, "distracting": self._floor_left}
            model.mat_rgba[self._floor_materials(), 3] *= left[split.background]
        if split.camera:
            self._camera_path = CameraPath(split.camera, split.moving, chance["camera"])
        if split.materials:
            self._material_path = MaterialPath(split.materials, model.nmat, split.moving, chance["materials"])

    def _choose_clip(self, chance: np.random.Generator) -> None:
        self._clip, self._first_frame = None, 0
        if self._source:
            self._clip = self._source.clip(int(chance.integers(len(self._source))))
            self._first_frame = int(chance.integers(self._clip.starts))

    def _paint(self, deviations: Mapping[str, float], chance: np.random.Generator) -> None:
        """Draw the colors of body, sky and floor; a texture keeps its pattern."""
        body = [i for i in range(self._model.nmat) if self._model.material(i).name == "self"]
        for index in body:
            self._model.mat_rgba[index, :3] = draw_color(self._own["mat_rgba"][index, :3], deviations["self"], chance)
        for index in self._sky_textures():
            texture = self._changeable(index)
            own = _bright(texture)
            _recolor(texture, _LEVELS * draw_color(own, deviations["sky"], chance) / np.maximum(own, _LEVELS[1]))
        for index in self._floor_textures():
            texture = self._changeable(index)
            own = _LEVELS[texture.min((0, 1)), 0]
            _recolor(texture, _LEVELS + draw_color(own, deviations["floor"], chance) - own)

    def _light(self, chance: np.random.Generator) -> None:
        """Turn the lamps about the point below them and change the strength of all light."""
        light, model = draw_light(chance), self._model
        axis = np.array([np.cos(light.heading), np.sin(light.heading), 0.0])
        for name in ("light_pos", "light_poscom0", "light_pos0"):
            places = getattr(model, name)
            below = places * [1.0, 1.0, 0.0]
            places[:] = below + turn(places - below, axis, light.tilt)
        for name in ("light_dir", "light_dir0"):
            getattr(model, name)[:] = turn(getattr(model, name), axis, light.tilt)
        model.light_diffuse[:] *= light.color
        model.vis.headlight.diffuse[:] *= light.color
        model.vis.headlight.ambient[:] *= light.ambience

    def _lay(self, clip: Clip) -> None:
        """Paint the floor with a clip's frame."""
        for index in self._floor_textures():
            texture = self._changeable(index)
            height, width = texture.shape[:2]
            picture = clip.frame(self._first_frame, max(height, width))[:height, :width]
            texture[:] = (_FLOOR_SHADE * picture).astype(np.uint8)

    def _floor_materials(self) -> list[int]:
        """Return the materials of the planes that stand still."""
        import mujoco

        model = self._model
        planes = (model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE) & (model.geom_bodyid == 0)
        return sorted({int(material) for material in model.geom_matid[planes] if material >= 0})

    def _floor_textures(self) -> list[int]:
        of_materials = self._model.mat_texid[self._floor_materials()]
        return sorted({int(texture) for texture in of_materials.flat if texture >= 0})

    def _sky_textures(self) -> list[int]:
        import mujoco

        return np.flatnonzero(self._model.tex_type == mujoco.mjtTexture.mjTEXTURE_SKYBOX).tolist()

    def _texture(self, index: int) -> NDArray[np.uint8]:
        """Return a view of a texture in the model, uint8 [H, W, C]."""
        model = self._model
        shape = (model.tex_height[index], model.tex_width[index], model.tex_nchannel[index])
        start = model.tex_adr[index]
        return model.tex_data[start : start + np.prod(shape)].reshape(shape)

    def _changeable(self, index: int) -> NDArray[np.uint8]:
        """Return a view of a texture that is about to be changed."""
        texture = self._texture(index)
        self._own_textures.setdefault(index, texture.copy())
        self._to_upload.add(index)
        return texture

    def _upload(self) -> None:
        """Send changed textures to the graphics context; one that is made later reads them from the model."""
        import mujoco

        contexts = self._physics.contexts if self._to_upload else None
        if contexts is not None and contexts.mujoco is not None:
            with contexts.gl.make_current() as context:
                for index in self._to_upload:
                    context.call(mujoco.mjr_uploadTexture, self._model, contexts.mujoco.ptr, index)
        self._to_upload.clear()


def _bright(texture: NDArray[np.uint8]) -> Floats:
    """Return the brightest color of a texture that is no star, float [3] in [0, 1]."""
    colors = texture[::7, ::7].reshape(-1, texture.shape[2])
    return _LEVELS[np.percentile(colors, 95, axis=0, method="nearest"), 0]


def _recolor(texture: NDArray[np.uint8], levels: Floats) -> None:
    """Give each of the 256 levels of red, green and blue another: float [256, 3], 1 for full."""
    import cv2

    table = np.clip(np.rint(255 * levels), 0, 255).astype(np.uint8)
    texture[:] = cv2.LUT(texture, table[:, None])
