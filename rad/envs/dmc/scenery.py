"""Changes of a MuJoCo model's appearance in place, restored exactly; the dynamics are never touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.envs.dmc.appearances import Appearance, Floats, Walk, camera_poses, draw_color, draw_light, material_changes
from rad.envs.dmc.cameras import place_camera, turn
from rad.envs.dmc.clips import Clip, Picture

# What is changed, of the model and of its headlight. None of it enters the dynamics.
_MODEL_FIELDS = (
    "mat_rgba",
    *("light_diffuse", "light_pos", "light_poscom0", "light_pos0", "light_dir", "light_dir0"),
    *("cam_pos", "cam_poscom0", "cam_pos0", "cam_quat", "cam_mat0"),
)
_HEADLIGHT_FIELDS = ("ambient", "diffuse")
_PARTS = ("clip", "palette", "light", "camera", "materials")  # with a generator each
_FLOOR_SHADE = np.float32(0.6)  # of a picture on the floor: the suite's lamps are made for dark floors

# Part of the floor that the Distracting Control Suite leaves over its videos, by domain.
_FLOOR_LEFT = {"reacher": 0.0, "walker": 1.0, "cheetah": 1.0}
_FLOOR_LEFT_ELSEWHERE = 0.3

_LEVELS = np.linspace(0.0, 1.0, 256)[:, None]  # what the bytes of a texture mean


class Scenery:
    """The appearance of a model in the episodes of a split.

    `camera_id` is the camera that is moved; the domain decides how much of the floor is left over clips.

    Attributes:
        hide_floor: take the floor away where clips replace the sky only: for cameras that see no sky.

    Raises:
        ValueError: there are too few clips.
    """

    def __init__(self, physics: Any, camera_id: int, domain: str, appearance: Appearance) -> None:
        self._physics, self._model, self._camera = physics, physics.model.ptr, camera_id
        self._split = appearance.split
        self._source = appearance.source(shared=True) if appearance.split.shows_clips else None
        self._floor_left = _FLOOR_LEFT.get(domain, _FLOOR_LEFT_ELSEWHERE)
        headlight = self._model.vis.headlight
        self._fields: dict[str, Floats] = {name: getattr(self._model, name) for name in _MODEL_FIELDS}
        self._fields |= {f"headlight {name}": getattr(headlight, name) for name in _HEADLIGHT_FIELDS}
        self._original: dict[str, Floats] = {}  # values of the unchanged model
        self._original_textures: dict[int, NDArray[np.uint8]] = {}  # of those ever changed
        self._to_upload: set[int] = set()
        self._episode: tuple[int, int] | None = None
        self._clip: Clip | None = None
        self._first_frame = self._frame = 0
        self._camera_path: Walk | None = None
        self._material_path: Walk | None = None
        self.hide_floor = False

    def show(self, seed: int, episode: int, step: int) -> None:
        """Give the model the appearance of an agent step, counted from the episode's start."""
        import mujoco

        if (seed, episode) != self._episode:
            self.restore()
            self._begin(seed, episode)
        moment = step if self._split.moving else 0
        self._frame = self._first_frame + moment
        if self._camera_path:
            place_camera(self._model, self._camera, self._original, self._camera_path.at(moment))
        if self._material_path:
            colors = self._original["mat_rgba"][:, :3]
            self._model.mat_rgba[:, :3] = np.clip(colors + self._material_path.at(moment), 0.0, 1.0)
        # Cameras and lights follow from the model and the current positions; nothing else is recomputed.
        mujoco.mj_camlight(self._model, self._physics.data.ptr)
        self._upload()

    def background(self, size: int) -> Picture | None:
        """Return the picture behind the scene, uint8 [size, size, 3]; None for the model's sky."""
        if self._clip is None or not self._split.background:
            return None
        return self._clip.frame(self._frame, size)

    def restore(self) -> None:
        """Restore the unchanged appearance, bit for bit, before a task starts an episode: some move a lamp then."""
        for name, value in self._original.items():
            self._fields[name][:] = value
        for index, pixels in self._original_textures.items():
            self._texture(index)[:] = pixels
        self._to_upload |= self._original_textures.keys()
        self._upload()
        self._clip, self._original, self._episode = None, {}, None

    def _begin(self, seed: int, episode: int) -> None:
        """Change what stays through an episode, and draw the paths of what moves."""
        model, split, self._episode = self._model, self._split, (seed, episode)
        self._original = {name: field.copy() for name, field in self._fields.items()}
        self._camera_path = self._material_path = None
        rng = {part: split.generator(seed, episode, part) for part in _PARTS}
        self._choose_clip(rng["clip"])
        if split.palette:
            self._paint(split.palette, rng["palette"])
        if split.light:
            self._light(rng["light"])
        if split.texture and self._clip:
            self._lay(self._clip)
        if split.background:
            left = {"sky": float(not self.hide_floor), "all": 0.0, "distracting": self._floor_left}
            model.mat_rgba[self._floor_materials(), 3] *= left[split.background]
        if split.camera:
            self._camera_path = Walk(camera_poses(split.camera, rng["camera"]))
        if split.materials:
            self._material_path = Walk(material_changes(split.materials, model.nmat, rng["materials"]))

    def _choose_clip(self, rng: np.random.Generator) -> None:
        self._clip, self._first_frame = None, 0
        if self._source:
            self._clip = self._source.clip(int(rng.integers(len(self._source))))
            self._first_frame = int(rng.integers(self._clip.starts))

    def _paint(self, deviations: Mapping[str, float], rng: np.random.Generator) -> None:
        """Draw the colors of body, sky and floor; a texture keeps its pattern."""
        for index in range(self._model.nmat):
            if self._model.material(index).name == "self":
                color = self._original["mat_rgba"][index, :3]
                self._model.mat_rgba[index, :3] = draw_color(color, deviations["self"], rng)
        for index in self._sky_textures():
            texture = self._changeable(index)
            bright = _bright(texture)
            _recolor(texture, _LEVELS * draw_color(bright, deviations["sky"], rng) / np.maximum(bright, _LEVELS[1]))
        for index in self._floor_textures():
            texture = self._changeable(index)
            dark = _LEVELS[texture.min((0, 1)), 0]
            _recolor(texture, _LEVELS + draw_color(dark, deviations["floor"], rng) - dark)

    def _light(self, rng: np.random.Generator) -> None:
        """Turn the lamps about the point below them and change the strength of all light."""
        tilt, heading, color, ambience = draw_light(rng)
        model, axis = self._model, np.array([np.cos(heading), np.sin(heading), 0.0])
        for name in ("light_pos", "light_poscom0", "light_pos0"):
            positions = getattr(model, name)
            below = positions * [1.0, 1.0, 0.0]
            positions[:] = below + turn(positions - below, axis, tilt)
        for name in ("light_dir", "light_dir0"):
            getattr(model, name)[:] = turn(getattr(model, name), axis, tilt)
        model.light_diffuse[:] *= color
        model.vis.headlight.diffuse[:] *= color
        model.vis.headlight.ambient[:] *= ambience

    def _lay(self, clip: Clip) -> None:
        """Paint the floor with a clip's frame."""
        for index in self._floor_textures():
            texture = self._changeable(index)
            height, width = texture.shape[:2]
            picture = clip.frame(self._first_frame, max(height, width))[:height, :width]
            texture[:] = (_FLOOR_SHADE * picture).astype(np.uint8)

    def _floor_materials(self) -> list[int]:
        """Return the materials of the planes of the world."""
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
        """Return a view of a texture, to be changed."""
        texture = self._texture(index)
        self._original_textures.setdefault(index, texture.copy())
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
    """Return the brightest color of a texture but stars, float [3] in [0, 1]."""
    colors = texture[::7, ::7].reshape(-1, texture.shape[2])
    return _LEVELS[np.percentile(colors, 95, axis=0, method="nearest"), 0]


def _recolor(texture: NDArray[np.uint8], levels: Floats) -> None:
    """Map each of the 256 levels of red, green and blue to `levels`, float [256, 3] in [0, 1]."""
    import cv2

    table = np.clip(np.rint(255 * levels), 0, 255).astype(np.uint8)
    texture[:] = cv2.LUT(texture, table[:, None])
