"""Named appearances of DeepMind Control tasks: train on one, test on others.

An episode's appearance is a pure function of the split, the environment's seed and the episode's index, so that any
evaluation can be replayed. The dynamics are the same in all splits, and so are the initial states.

The ranges follow DMControl-GB (Hansen and Wang 2021) and the Distracting Control Suite (Stone et al. 2021, arXiv
2101.02722). Draws and videos are ours: scores do not compare numerically with those of the two benchmarks.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rad.envs.checks import require_known
from rad.envs.dmc.backgrounds import Folder, Generated, Source
from rad.envs.options import SuiteOptions

TRAIN, PLAIN = "train", "plain"  # the unchanged appearance; the second for runs that train on another
Floats = NDArray[np.float64]
Side = Literal["train", "test"]


@dataclass(frozen=True)
class Split:
    """What is changed in the appearance of a task, and by how much; by default nothing.

    Attributes:
        name: in flags and logs.
        about: one line for people.
        palette: standard deviations of the colors of body (self), sky and floor about the task's, in [0, 1]; None for
            no change.
        light: change position, color and strength of the light.
        texture: paint the floor with a picture of the clips.
        camera: scale of the camera's turns and zoom, in [0, 1].
        materials: largest change of a material's red, green and blue, in [0, 1].
        background: what clips replace: nothing, the sky, the sky and the floor, or the sky and as much of the floor
            as in the Distracting Control Suite.
        clips: number of clips that an episode's is chosen from.
        moving: the clip plays; camera and materials, if they are changed, do a random walk.
    """

    name: str
    about: str = ""
    palette: Mapping[str, float] | None = None
    light: bool = False
    texture: bool = False
    camera: float = 0.0
    materials: float = 0.0
    background: Literal["", "sky", "all", "distracting"] = ""
    clips: int = 0
    moving: bool = False

    @property
    def shows_clips(self) -> bool:
        """Tell whether pictures from outside the simulator are shown."""
        return self.texture or bool(self.background)

    def generator(self, seed: int, episode: int, part: str) -> np.random.Generator:
        """Return the generator of one part of an episode's appearance: parts are independent."""
        return np.random.default_rng([zlib.crc32(f"{self.name}/{part}".encode()), seed, episode])


def _distracting(name: str, scale: float, clips: int) -> list[Split]:
    """Return a level of the Distracting Control Suite, its static and its dynamic setting."""
    common: dict[str, Any] = {"camera": scale, "materials": scale, "background": "distracting", "clips": clips}
    about = f"camera, materials and background changed at scale {scale}"
    return [
        Split(f"distracting-{name}", f"{about}, still", **common),
        Split(f"distracting-{name}-dynamic", f"{about}, moving", moving=True, **common),
    ]


# Means of DMControl-GB's color sets are the suite's colors within 0.02; these are their standard deviations, rounded.
_EASY, _HARD = {"self": 0.10, "sky": 0.10, "floor": 0.09}, {"self": 0.18, "sky": 0.19, "floor": 0.17}
_ALL = (
    Split(TRAIN, "the suite's own look"),
    Split(PLAIN, "the same, for runs that train on another"),
    Split("color-easy", "colors of body, sky and floor, close to their own", palette=_EASY),
    Split("color-hard", "colors of body, sky and floor, far from their own", palette=_HARD),
    Split("light", "position, color and strength of the light", light=True),
    Split("texture", "a picture on the floor", texture=True, clips=100),
    Split("camera-0.1", "the camera turned and moved, scale 0.1", camera=0.1),
    Split("camera-0.2", "the camera turned and moved, scale 0.2", camera=0.2),
    Split("camera-0.3", "the camera turned and moved, scale 0.3", camera=0.3),
    # As many clips as DMControl-GB has videos.
    Split("video-easy", "videos in the place of the sky", background="sky", clips=10, moving=True),
    Split("video-hard", "videos in the place of sky and floor", background="all", clips=100, moving=True),
    # Scales and numbers of videos of the Distracting Control Suite.
    *_distracting("easy", 0.1, 4),
    *_distracting("medium", 0.2, 8),
    *_distracting("hard", 0.3, 60),
)
SPLITS = {split.name: split for split in _ALL}


def split_named(name: str) -> Split:
    """Return a split by its name.

    Raises:
        ValueError: the name is unknown.
    """
    require_known("split", name, SPLITS)
    return SPLITS[name]


@dataclass(frozen=True)
class Appearance:
    """The appearance of an environment's episodes.

    Attributes:
        split: what is changed.
        side: which clips are shown: those to train with, or those to test with.
        folder: the user's clips; None for computed ones.
    """

    split: Split
    side: Side = "test"
    folder: Path | None = None

    def __str__(self) -> str:
        """Write the split's name."""
        return self.split.name

    def source(self) -> Source:
        """Return the clips that the split chooses from, read again.

        Raises:
            ValueError: the folder holds too few clips or one that does not open.
        """
        return _read_source(self.side, self.folder, self.split.clips)

    def shared_source(self) -> Source:
        """Return the same, read once in a process: environments share decoded clips."""
        return _shared_source(self.side, self.folder, self.split.clips)


def _read_source(side: str, folder: Path | None, clips: int) -> Source:
    return Generated(side, clips) if folder is None else Folder(side, folder, clips)


_shared_source = functools.cache(_read_source)


def appearance_of(
    task: str, name: str, options: SuiteOptions, side: Side, folder: Path | None = None
) -> Appearance | None:
    """Return the appearance of a task on a split by its name; None where nothing is changed.

    Raises:
        ValueError: the name is unknown.
    """
    return None if name in (TRAIN, PLAIN) else Appearance(split_named(name), side, folder)


def draw_color(color: Floats, deviation: float, rng: np.random.Generator) -> Floats:
    """Draw red, green and blue about a color of the task, float [3] in [0, 1]."""
    return np.clip(rng.normal(color, deviation), 0.0, 1.0)


@dataclass(frozen=True)
class Light:
    """A change of the light.

    Attributes:
        tilt: turn of the lamp about a horizontal axis through the point below it, rad.
        heading: direction of that axis, rad.
        color: factors of its red, green and blue.
        ambience: factor of the ambient light.
    """

    tilt: float
    heading: float
    color: Floats
    ambience: float


def draw_light(rng: np.random.Generator) -> Light:
    """Draw a light: tilted 15 to 50 degrees, 0.5 to 1.5 times as strong, tinted by up to 25 %.

    Source: the ranges are ours; the idea is RL-ViGen's (Yuan et al. 2023).
    """
    strength = rng.uniform(0.5, 1.5)
    return Light(
        tilt=np.radians(rng.uniform(15.0, 50.0)),
        heading=rng.uniform(0.0, 2.0 * np.pi),
        color=strength * rng.uniform(0.75, 1.25, 3),
        ambience=rng.uniform(0.5, 1.3),
    )


class CameraPath:
    """The camera's pose at each agent step of an episode: float [4], yaw, pitch, roll and zoom.

    Yaw, pitch and roll are turns in rad of at most pi/2 x scale to each side; zoom is a factor of the distance, 1 -
    scale/2 to 1 + 3 scale/2. A moving camera has a velocity that changes at each step by noise of 0.1 x scale and
    stays below 0.4 x scale, in units of 1/10 of the range per agent step; it is reversed at the ends of the range.

    Source: Stone et al. 2021, section 3. The unit of velocity is ours, and its roll is slower.
    """

    def __init__(self, scale: float, moving: bool, rng: np.random.Generator) -> None:
        turn = 0.5 * np.pi * scale
        self._low = np.array([-turn, -turn, -turn, 1.0 - 0.5 * scale])
        self._high = np.array([turn, turn, turn, 1.0 + 1.5 * scale])
        self._scale, self._moving, self._rng = scale, moving, rng
        self._poses = [rng.uniform(self._low, self._high)]
        self._velocity = np.zeros(4)

    def at(self, step: int) -> Floats:
        """Return the pose at an agent step."""
        while self._moving and len(self._poses) <= step:
            self._poses.append(self._next())
        return self._poses[step if self._moving else 0]

    def _next(self) -> Floats:
        noise, limit = self._rng.normal(0.0, 0.1 * self._scale, 4), 0.4 * self._scale
        self._velocity = np.clip(self._velocity + noise, -limit, limit)
        pose = self._poses[-1] + self._velocity * (self._high - self._low) / 10.0
        self._velocity[(pose < self._low) | (pose > self._high)] *= -1.0
        return np.clip(pose, self._low, self._high)


class MaterialPath:
    """The change of the materials' colors at each agent step of an episode, float [materials, 3].

    It is within `scale` to each side; moving ones change by noise of 0.03 x scale at each step.

    Source: Stone et al. 2021, section 3.
    """

    def __init__(self, scale: float, count: int, moving: bool, rng: np.random.Generator) -> None:
        self._scale, self._moving, self._rng = scale, moving, rng
        self._changes = [rng.uniform(-scale, scale, (count, 3))]

    def at(self, step: int) -> Floats:
        """Return the change at an agent step."""
        while self._moving and len(self._changes) <= step:
            noise = self._rng.normal(0.0, 0.03 * self._scale, self._changes[-1].shape)
            self._changes.append(np.clip(self._changes[-1] + noise, -self._scale, self._scale))
        return self._changes[step if self._moving else 0]
