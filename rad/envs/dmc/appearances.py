"""Named appearances of DeepMind Control tasks: train on one, test on others.

An episode's appearance is a pure function of the split, the environment's seed and the episode's index, so that any
evaluation can be replayed. The dynamics are the same in all splits, and so are the initial states.

The ranges follow DMControl-GB (Hansen and Wang 2021) and the Distracting Control Suite (Stone et al. 2021, arXiv
2101.02722). Draws and videos are ours: scores do not compare numerically with those of the two benchmarks.
"""

from __future__ import annotations

import functools
import itertools
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rad.envs.checks import require_known
from rad.envs.dmc.backgrounds import Folder, Generated, Source
from rad.envs.options import SuiteOptions
from rad.settings import check_name

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


# Means of DMControl-GB's color sets are the suite's colors within 0.02; these are their standard deviations, rounded.
_EASY, _HARD = {"self": 0.10, "sky": 0.10, "floor": 0.09}, {"self": 0.18, "sky": 0.19, "floor": 0.17}
_ALL = (
    Split(TRAIN, "the suite's own look"),
    Split(PLAIN, "the same, for runs that train on another"),
    Split("color-easy", "colors of body, sky and floor, close to their own", palette=_EASY),
    Split("color-hard", "colors of body, sky and floor, far from their own", palette=_HARD),
    Split("light", "position, color and strength of the light", light=True),
    Split("texture", "a picture on the floor", texture=True, clips=100),
    *(Split(f"camera-{x}", f"the camera turned and moved, scale {x}", camera=x) for x in (0.1, 0.2, 0.3)),
    # As many clips as DMControl-GB has videos.
    Split("video-easy", "videos in the place of the sky", background="sky", clips=10, moving=True),
    Split("video-hard", "videos in the place of sky and floor", background="all", clips=100, moving=True),
    # Scales and numbers of videos of the Distracting Control Suite.
    *(
        Split(
            f"distracting-{name}{'-dynamic' if moving else ''}",
            f"camera, materials and background changed at scale {scale}, {'moving' if moving else 'still'}",
            camera=scale,
            materials=scale,
            background="distracting",
            clips=clips,
            moving=moving,
        )
        for name, scale, clips in (("easy", 0.1, 4), ("medium", 0.2, 8), ("hard", 0.3, 60))
        for moving in (False, True)
    ),
)
SPLITS = {split.name: split for split in _ALL}
ABOUT = {name: split.about for name, split in SPLITS.items() if name != PLAIN}


def register(split: Split) -> None:
    """Make a split known, to every task of DeepMind Control.

    Raises:
        ValueError: its name is taken or no word.
    """
    check_name("split", split.name, SPLITS)
    SPLITS[split.name], ABOUT[split.name] = split, split.about


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
        return self.split.name

    def source(self, shared: bool = False) -> Source:
        """Return the clips that the split chooses from: read again, or `shared` by all environments of a process.

        Raises:
            ValueError: the folder holds too few clips or one that does not open.
        """
        read = _shared_source if shared else _read_source
        return read(self.side, self.folder, self.split.clips)


def _read_source(side: str, folder: Path | None, clips: int) -> Source:
    return Generated(side, clips) if folder is None else Folder(side, folder, clips)


_shared_source = functools.cache(_read_source)


def appearance_of(
    task: str, name: str, options: SuiteOptions, side: Side, folder: Path | None = None
) -> Appearance | None:
    """Return the appearance of a task on a split by its name; None where nothing is changed.

    Raises:
        SettingError: the name is unknown.
    """
    require_known("split", name, SPLITS)
    return None if name in (TRAIN, PLAIN) else Appearance(SPLITS[name], side, folder)


def draw_color(color: Floats, deviation: float, rng: np.random.Generator) -> Floats:
    """Draw red, green and blue about a color of the task, float [3] in [0, 1]."""
    return np.clip(rng.normal(color, deviation), 0.0, 1.0)


def draw_light(rng: np.random.Generator) -> tuple[float, float, Floats, float]:
    """Draw a light: tilted 15 to 50 degrees, 0.5 to 1.5 times as strong, tinted by up to 25 %.

    Returns:
        Turn of the lamps about a horizontal axis through the point below them, and direction of that axis, rad; factors
        of their red, green and blue, [3]; factor of the ambient light.

    Source: the ranges are ours; the idea is RL-ViGen's (Yuan et al. 2023).
    """
    strength, tilt, heading = rng.uniform(0.5, 1.5), rng.uniform(15.0, 50.0), rng.uniform(0.0, 2.0 * np.pi)
    return np.radians(tilt), heading, strength * rng.uniform(0.75, 1.25, 3), rng.uniform(0.5, 1.3)


class Walk:
    """A random walk over the agent steps of an episode, drawn as far as it is read."""

    def __init__(self, drawn: Iterator[Floats]) -> None:
        self._drawn = drawn
        self._values: list[Floats] = []

    def at(self, step: int) -> Floats:
        """Return the value at an agent step."""
        self._values += itertools.islice(self._drawn, max(step + 1 - len(self._values), 0))
        return self._values[step]


def camera_poses(scale: float, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield a camera's pose at each agent step: float [4], yaw, pitch, roll and zoom.

    Yaw, pitch and roll are turns in rad of at most pi/2 x scale to each side; zoom is a factor of the distance, 1 -
    scale/2 to 1 + 3 scale/2. The velocity changes at each step by noise of 0.1 x scale and stays below 0.4 x scale, in
    units of 1/10 of the range per agent step; it is reversed at the ends of the range.

    Source: Stone et al. 2021, section 3. The unit of velocity is ours, and its roll is slower.
    """
    turn = 0.5 * np.pi * scale
    low, high = np.array([-turn, -turn, -turn, 1.0 - 0.5 * scale]), np.array([turn, turn, turn, 1.0 + 1.5 * scale])
    pose, velocity, limit = rng.uniform(low, high), np.zeros(4), 0.4 * scale
    while True:
        yield pose
        velocity = np.clip(velocity + rng.normal(0.0, 0.1 * scale, 4), -limit, limit)
        pose = pose + velocity * (high - low) / 10.0
        velocity[(pose < low) | (pose > high)] *= -1.0
        pose = np.clip(pose, low, high)


def material_changes(scale: float, count: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield the change of `count` materials' colors at each agent step: float [count, 3], in [-scale, scale].

    It changes by noise of 0.03 x scale at each step. Source: Stone et al. 2021, section 3.
    """
    change = rng.uniform(-scale, scale, (count, 3))
    while True:
        yield change
        change = np.clip(change + rng.normal(0.0, 0.03 * scale, change.shape), -scale, scale)
