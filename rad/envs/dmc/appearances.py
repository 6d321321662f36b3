"""Named appearances of DeepMind Control tasks: train on one, test on others.

What an episode looks like is a pure function of the split, the environment's seed and the episode's index, so that
any evaluation can be replayed. It touches nothing that moves: all splits start from the same states.

The ranges follow DMControl-GB (Hansen and Wang 2021) and the Distracting Control Suite (Stone et al. 2021, arXiv
2101.02722). The draws are ours, and so are the videos: scores are not numerically those of the two benchmarks.
"""

from __future__ import annotations

import difflib
import functools
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rad.envs.dmc.backgrounds import Folder, Generated, Source
from rad.envs.options import SuiteOptions

TRAIN, PLAIN = "train", "plain"  # the suite's own look; the second for runs that train on another
Floats = NDArray[np.float64]
Side = Literal["train", "test"]


@dataclass(frozen=True)
class Split:
    """What is changed in the look of a task, and by how much; by default nothing.

    Attributes:
        name: as flags and logs have it.
        about: one line for people.
        palette: standard deviations of the colors of body, sky and floor about their own, in [0, 1], by the name of
            what is colored; none for the task's own.
        light: change position, color and strength of the light.
        texture: paint the floor with a picture of the clips.
        camera: scale of the camera's turns and zoom, in [0, 1].
        materials: largest change of a material's red, green and blue, in [0, 1].
        background: what clips replace: nothing, the sky, the sky and the floor, or the sky and as much of the floor
            as the Distracting Control Suite has it.
        clips: how many clips an episode's is chosen from.
        moving: the clip plays; the camera and the materials, if they are changed, wander.
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
        """Return the chance of one part of an episode's look: parts do not disturb each other."""
        return np.random.default_rng([zlib.crc32(f"{self.name}/{part}".encode()), seed, episode])


def _distracting(name: str, scale: float, clips: int) -> list[Split]:
    """Return a level of the Distracting Control Suite, its static and its dynamic setting."""
    common: dict[str, Any] = {"camera": scale, "materials": scale, "background": "distracting", "clips": clips}
    about = f"camera, materials and background changed at scale {scale}"
    return [
        Split(f"distracting-{name}", f"{about}, still", **common),
        Split(f"distracting-{name}-dynamic", f"{about}, moving", moving=True, **common),
    ]


# Means of DMControl-GB's color sets are the suite's own colors within 0.02; their standard deviations, rounded.
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
    if name in SPLITS:
        return SPLITS[name]
    near = difflib.get_close_matches(name, SPLITS, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"unknown split '{name}'{hint}; known: {', '.join(SPLITS)}")


@dataclass(frozen=True)
class Look:
    """How the episodes of an environment look.

    Attributes:
        split: what is changed.
        side: whose clips are shown: those to train with, or those to test with.
        folder: clips of the user's own; None for computed ones.
    """

    split: Split
    side: Side = "test"
    folder: Path | None = None

    def __str__(self) -> str:
        """Write the split's name."""
        return self.split.name

    def source(self) -> Source:
        """Return the clips that the split chooses from, read anew.

        Raises:
            ValueError: the folder holds too few clips or one that does not open.
        """
        return _read_source(self.side, self.folder, self.split.clips)

    def shared_source(self) -> Source:
        """Return the same, read once in a process: environments share the clips that they have decoded."""
        return _shared_source(self.side, self.folder, self.split.clips)


def _read_source(side: str, folder: Path | None, clips: int) -> Source:
    return Generated(side, clips) if folder is None else Folder(side, folder, clips)


_shared_source = functools.cache(_read_source)


def look_of(task: str, name: str, options: SuiteOptions, side: Side, folder: Path | None = None) -> Look | None:
    """Return the look of a task on a split by its name; None for the suite's own.

    Raises:
        ValueError: the name is unknown.
    """
    return None if name in (TRAIN, PLAIN) else Look(split_named(name), side, folder)


def draw_color(own: Floats, deviation: float, chance: np.random.Generator) -> Floats:
    """Draw red, green and blue about a color of the task's, float [3] in [0, 1]."""
    return np.clip(chance.normal(own, deviation), 0.0, 1.0)


@dataclass(frozen=True)
class Light:
    """A change of the light.

    Attributes:
        tilt: turn of the lamp about a horizontal axis through the point below it, rad.
        heading: direction of that axis, rad.
        color: factors of its red, green and blue.
        ambience: factor of the light that comes from everywhere.
    """

    tilt: float
    heading: float
    color: Floats
    ambience: float


def draw_light(chance: np.random.Generator) -> Light:
    """Draw a light: tilted 15 to 50 degrees, 0.5 to 1.5 times as strong, tinted by up to 25 %.

    Source: the ranges are ours; the idea is RL-ViGen's (Yuan et al. 2023).
    """
    strength = chance.uniform(0.5, 1.5)
    return Light(
        tilt=np.radians(chance.uniform(15.0, 50.0)),
        heading=chance.uniform(0.0, 2.0 * np.pi),
        color=strength * chance.uniform(0.75, 1.25, 3),
        ambience=chance.uniform(0.5, 1.3),
    )


class CameraPath:
    """Where the camera stands at each agent step of an episode: float [4], yaw, pitch, roll and zoom.

    Yaw, pitch and roll are turns in rad of at most pi/2 x scale to each side; zoom is a factor of the distance, 1 -
    scale/2 to 1 + 3 scale/2. A wandering camera has a velocity that changes at each step by noise of 0.1 x scale and
    stays below 0.4 x scale, in units of 1/10 of the range per agent step; it turns round at the ends of the range.

    Args:
        scale: of all ranges, in [0, 1].
        moving: wander, or stay where the episode starts.
        chance: its own.

    Source: Stone et al. 2021, section 3. The unit of velocity is ours, and its roll is slower.
    """

    def __init__(self, scale: float, moving: bool, chance: np.random.Generator) -> None:
        turn = 0.5 * np.pi * scale
        self._low = np.array([-turn, -turn, -turn, 1.0 - 0.5 * scale])
        self._high = np.array([turn, turn, turn, 1.0 + 1.5 * scale])
        self._scale, self._moving, self._chance = scale, moving, chance
        self._places = [chance.uniform(self._low, self._high)]
        self._velocity = np.zeros(4)

    def at(self, step: int) -> Floats:
        """Return the pose at an agent step."""
        while self._moving and len(self._places) <= step:
            self._places.append(self._next())
        return self._places[step if self._moving else 0]

    def _next(self) -> Floats:
        noise, limit = self._chance.normal(0.0, 0.1 * self._scale, 4), 0.4 * self._scale
        self._velocity = np.clip(self._velocity + noise, -limit, limit)
        place = self._places[-1] + self._velocity * (self._high - self._low) / 10.0
        self._velocity[(place < self._low) | (place > self._high)] *= -1.0
        return np.clip(place, self._low, self._high)


class MaterialPath:
    """What is added to the materials' colors at each agent step of an episode, float [materials, 3].

    Within `scale` to each side of a material's own; wandering ones change by noise of 0.03 x scale at each step.

    Source: Stone et al. 2021, section 3.
    """

    def __init__(self, scale: float, count: int, moving: bool, chance: np.random.Generator) -> None:
        self._scale, self._moving, self._chance = scale, moving, chance
        self._changes = [chance.uniform(-scale, scale, (count, 3))]

    def at(self, step: int) -> Floats:
        """Return the change at an agent step."""
        while self._moving and len(self._changes) <= step:
            noise = self._chance.normal(0.0, 0.03 * self._scale, self._changes[-1].shape)
            self._changes.append(np.clip(self._changes[-1] + noise, -self._scale, self._scale))
        return self._changes[step if self._moving else 0]
