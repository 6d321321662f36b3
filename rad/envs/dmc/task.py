"""DeepMind Control tasks from pixels: `dmc/<domain>-<task>`."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.envs import gl
from rad.envs.base import Frame, Mask, ObjectFrames, Simulator, UnitRange
from rad.envs.dmc.appearances import PLAIN, TRAIN, Appearance
from rad.envs.dmc.cameras import SceneCamera
from rad.envs.dmc.objects import FINER, PAINT, SKY, VisibleObject, can_change, changed, masks_of, objects_of, type_code
from rad.envs.dmc.scenery import Scenery
from rad.settings import SettingError

# Table 3 of CURL (Srinivas et al. 2020), whose values RAD (Laskin et al. 2020) uses too: 2 for finger-spin
# and walker-walk, 8 for cartpole-swingup, 4 otherwise. The other walker tasks follow walker-walk.
ACTION_REPEAT = {"finger-spin": 2, "walker-stand": 2, "walker-walk": 2, "walker-run": 2, "cartpole-swingup": 8}
DEFAULT_ACTION_REPEAT = 4

LEAST_CHANGE = 0.2  # of the pixels, where clips replace a background: less would hardly be a test
JUST_SEEN = 4  # smallest visible difference, of 255


def names() -> tuple[str, ...]:
    """Return the names of all tasks of the suite, as `<domain>-<task>`."""
    return tuple(f"{domain}-{task}" for domain, task in _suite().ALL_TASKS)


def action_repeat(name: str) -> int:
    """Return the simulator steps per agent step that the papers use for a task."""
    return ACTION_REPEAT.get(name, DEFAULT_ACTION_REPEAT)


class DMCSimulator(Simulator):
    """One task of dm_control's suite.

    Actions are scaled to the task's bounds where these are not [-1, 1] (quadruped). An episode ends by its time limit,
    a truncation, or with discount 0 (lqr), a termination. No OpenGL context is made before the first `frame`, or before
    `renderer` is asked for.

    Args:
        name: `<domain>-<task>`, one of `names()`.
        size: height and width of a frame, px.
        seed: of `random`, and of the model where the suite draws that too (lqr): `reset(seed)` keeps the model.
        camera_id: a camera of the model, or -1 for the free one.
        render_quality: `paper`: as dm_control draws; `near`: the same scene with a coarser shadow map and round shapes
            of fewer faces, mean difference up to 0.4 of 255; `fast`: no shadows, reflections or multisampling.
        split: None for the unchanged appearance. With one, `show` has to set the moment that is drawn, and frames are
            drawn at once, to check that the change is visible.

    Raises:
        ValueError: the model has no such camera, the appearance changes too few pixels, or there are too few clips.
    """

    def __init__(
        self,
        name: str,
        size: int,
        seed: int,
        *,
        camera_id: int = 0,
        render_quality: str = "paper",
        split: Appearance | None = None,
    ) -> None:
        domain, task = name.split("-", 1)
        with _without_model_warnings():
            self._env = _suite().load(domain, task, task_kwargs={"random": seed})
        self._physics = self._env.physics
        cameras = self._physics.model.ncam
        if not -1 <= camera_id < cameras:
            raise SettingError("camera_id", camera_id, f"-1 to {cameras - 1} for dmc/{name}")
        self.task, self.size, self.random = f"dmc/{name}", size, self._env.task.random
        self.fps = 1.0 / self._env.control_timestep()
        spec = self._env.action_spec()
        self._to_bounds = UnitRange(*(np.broadcast_to(end, spec.shape) for end in (spec.minimum, spec.maximum)))
        self.action_space = self._to_bounds.space
        set_quality(self._physics.model, size, render_quality)
        self._flags = {"shadow": False, "reflection": False} if render_quality == "fast" else None
        self._camera_id = camera_id
        self._cameras: dict[int, SceneCamera] = {}  # by size; kept, as a new one costs 1-2 ms
        self._scenery = Scenery(self._physics, camera_id, domain, split) if split else None
        if split:
            self._check_change(split)

    def begin(self) -> None:
        """Start an episode."""
        if self._scenery:
            self._scenery.restore()
        self._env.reset()

    def show(self, seed: int, episode: int, step: int) -> None:
        """Set the moment that is drawn, which decides what a split changes."""
        if self._scenery:
            self._scenery.show(seed, episode, step)

    def advance(self, action: Any) -> tuple[float, bool, bool]:
        """Do one control step."""
        step = self._env.step(self._to_bounds(action))
        over, ended = step.last(), step.discount == 0
        return float(step.reward), over and ended, over and not ended

    def state(self) -> NDArray[np.float64]:
        """Return positions, velocities and activations, as `set_state` of dm_control's physics takes them."""
        return np.asarray(self._physics.get_state(), np.float64)

    def frame(self, size: int | None = None) -> Frame:
        """Draw the present state."""
        size = size or self.size
        return self._draw(size, self._scenery.background(size) if self._scenery else None)

    def _draw(self, size: int, background: NDArray[np.uint8] | None) -> Frame:
        """Draw the present state before a picture, uint8 [size, size, 3]; before the model's sky without one."""
        if background is None:
            image = self._camera(size).plain.render(render_flag_overrides=self._flags)  # [H, W, 3], its own buffer
        else:
            image = self._camera(size).render(background, self._flags)
        return np.ascontiguousarray(image.transpose(2, 0, 1))

    @property
    def renderer(self) -> str:
        """Vendor and name of the OpenGL renderer; makes its context."""
        return gl.renderer(self._physics)

    def robot_mask(self) -> Mask:
        """Tell where the robot is: everything that is drawn of bodies other than the world, tendons and skins."""
        segments = self._camera(self.size).plain.render(segmentation=True)  # [H, W, 2]: index and type, -1 for nothing
        return robot_in(segments, self._physics.model.geom_bodyid)

    def object_frames(self, change: str = "removed") -> ObjectFrames:
        """Draw the present state with one object changed at a time; the simulation goes on as if nothing was drawn."""
        model = self._physics.model.ptr
        items = [item for item in objects_of(model) if can_change(model, item, change)]
        segments = self._camera(FINER * self.size).plain.render(segmentation=True)
        frames = np.stack([self._changed_frame(item, change) for item in items])
        return ObjectFrames(tuple(item.name for item in items), masks_of(segments, items), frames)

    def _changed_frame(self, item: VisibleObject, change: str) -> Frame:
        if item.name == SKY:
            color = PAINT if change == "recolored" else (0.0, 0.0, 0.0)
            return self._draw(self.size, np.full((self.size, self.size, 3), [int(255 * c) for c in color], np.uint8))
        with changed(self._physics, self._camera(self.size).plain, item, change):
            return self.frame()

    def _camera(self, size: int) -> SceneCamera:
        if size not in self._cameras:
            grow_buffer(self._physics, size)
            self._cameras[size] = SceneCamera(self._physics, size, self._camera_id)
        return self._cameras[size]

    def _check_change(self, appearance: Appearance) -> None:
        """Check how many pixels of the first state change; where little sky is seen, hide the floor."""
        if appearance.split.name in (TRAIN, PLAIN) or not self._scenery:
            return
        least = LEAST_CHANGE if appearance.split.background else 1.0 / self.size**2
        unchanged, share = self.frame().astype(int), 0.0
        for self._scenery.hide_floor in (False, True):
            self._scenery.show(0, 0, 0)
            share = float((np.abs(self.frame() - unchanged).max(0) > JUST_SEEN).mean())
            self._scenery.restore()
            if share >= least or appearance.split.background != "sky":
                break
        if share < least:
            allowed = f"{least:.0%}" if appearance.split.background else "one"
            change = f"split '{appearance.split.name}' changes {share:.0%} of the pixels"
            seen = f"that camera {self._camera_id} of {self.task} sees"
            raise SettingError("split", f"{change} {seen}; allowed: splits that change at least {allowed}")

    def close(self) -> None:
        """Free the cameras, the OpenGL context and the simulation."""
        for camera in self._cameras.values():
            camera.close()
        self._cameras.clear()
        self._physics.free()


build = DMCSimulator


def robot_in(segments: NDArray[np.int32], body_of_geom: NDArray[np.int32]) -> Mask:
    """Tell of each pixel whether it shows the robot.

    Args:
        segments: int32 [H, W, 2], index and type of what MuJoCo drew there.
        body_of_geom: int32 [G], index of each geom's body, 0 for the world.

    Returns:
        bool [H, W]: a geom of a body, or a tendon, or a skin. Sites, which mark positions, are not of the robot.
    """
    index, kind = segments[..., 0], segments[..., 1]
    is_geom = kind == type_code("geom")
    of_body = body_of_geom[np.where(is_geom, index, 0)] != 0
    return (is_geom & of_body) | np.isin(kind, (type_code("tendon"), type_code("skin")))


def set_quality(model: Any, size: int, quality: str) -> None:
    """Set how a model is drawn; bites only before its first render."""
    # An offscreen buffer of the image's own size draws faster than a larger one.
    model.vis.global_.offwidth = model.vis.global_.offheight = size
    if quality == "near":
        model.vis.quality.shadowsize = 512
        model.vis.quality.numslices, model.vis.quality.numstacks = 14, 8
    elif quality == "fast":
        model.vis.quality.offsamples = 0


def grow_buffer(physics: Any, size: int) -> None:
    """Make the offscreen buffer of `physics` at least `size` x `size` px."""
    import mujoco

    screen = physics.model.vis.global_
    if size <= screen.offwidth:
        return
    screen.offwidth = screen.offheight = size
    with physics.contexts.gl.make_current() as context:
        context.call(mujoco.mjr_resizeOffscreen, size, size, physics.contexts.mujoco.ptr)


@functools.cache
def _suite() -> Any:
    backend = gl.choose_backend()
    try:
        from dm_control import suite
    except (ImportError, AttributeError, RuntimeError) as error:  # OSMesa without its library: AttributeError
        raise OSError(f"{gl.failure(backend)} ({type(error).__name__}: {error})") from error
    return suite


@contextmanager
def _without_model_warnings() -> Iterator[None]:
    """Silence MuJoCo's notes on old syntax in the suite's own models, which no user can act on."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
