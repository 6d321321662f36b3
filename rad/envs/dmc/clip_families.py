"""Computed clips, in five families that differ in kind.

The mean absolute difference of consecutive frames is 1 to 10 of 255, and the standard deviation of a frame 25 to 80.
"""

from __future__ import annotations

import abc
import cmath
import colorsys
import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rad.envs.dmc.clips import SIDE_PX, Clip, Picture

Field = NDArray[np.float32]

_SHADES = 256  # entries of a palette


class Computed(Clip):
    """A clip drawn from its family's name and a non-negative seed alone."""

    family: ClassVar[str]
    starts = 1000

    def __init__(self, seed: int) -> None:
        self.name = f"{self.family}-{seed}"
        self._build(np.random.default_rng([*self.family.encode(), seed]))

    @abc.abstractmethod
    def _build(self, rng: np.random.Generator) -> None:
        """Draw the clip's random properties."""


class Fbm(Computed):
    """Two clouds of color that drift apart and fade into each other.

    Each is noise whose amplitude falls with frequency f as 1 / f^a, a in [1, 1.8], as in natural images, without seams.
    """

    family = "fbm"

    def _build(self, rng: np.random.Generator) -> None:
        self._layers = [np.tile(cloud(rng), (2, 2, 1)) for _ in range(2)]  # so that no window crosses a seam
        self._velocities = [_velocity(rng, 0.4, 1.2) for _ in range(2)]
        self._period = rng.uniform(100, 300)  # frames from one cloud to the other and back

    def _draw(self, t: int) -> Picture:
        import cv2

        first, second = (_window(*pair, t) for pair in zip(self._layers, self._velocities))
        share = 0.5 + 0.5 * math.cos(2 * math.pi * t / self._period)
        return np.asarray(cv2.addWeighted(first, share, second, 1 - share, 0.0), np.uint8)


def cloud(rng: np.random.Generator) -> Picture:
    """Draw seamless noise with a 1 / f^a spectrum, uint8 [SIDE_PX, SIDE_PX, 3], whose channels vary together."""
    frequency = np.hypot(np.fft.fftfreq(SIDE_PX)[:, None], np.fft.rfftfreq(SIDE_PX)[None])
    frequency[0, 0] = np.inf  # no mean
    spectrum = np.fft.rfft2(rng.standard_normal((3, SIDE_PX, SIDE_PX)))
    fields = np.fft.irfft2(spectrum * frequency ** -rng.uniform(1, 1.8))
    fields /= fields.std(axis=(1, 2), keepdims=True)
    weights = rng.standard_normal((3, 3))
    weights[:, 0] += 1.5  # the first field is common to the channels
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    color = rng.uniform(95, 160, 3) + rng.uniform(40, 55) * np.einsum("ck,khw->hwc", weights, fields)
    return color.clip(0, 255).astype(np.uint8)


def _window(tiled: Picture, velocity: tuple[float, float], t: int) -> Picture:
    """Return [SIDE_PX, SIDE_PX, 3] of a picture tiled 2 x 2 that moves by `velocity` x t px, parts of a px too."""
    import cv2

    center = [-speed * t % SIDE_PX + (SIDE_PX - 1) / 2 for speed in velocity]
    return np.asarray(cv2.getRectSubPix(tiled, (SIDE_PX, SIDE_PX), center), np.uint8)


class Plasma(Computed):
    """A sum of plane waves, each with its own speed, seen through a cyclic palette."""

    family = "plasma"
    _WAVES = 6

    def _build(self, rng: np.random.Generator) -> None:
        x, y = grid()
        angle, length = rng.uniform(0, 2 * math.pi, self._WAVES), rng.uniform(40, 160, self._WAVES)
        kx, ky = 2 * math.pi / length * np.cos(angle), 2 * math.pi / length * np.sin(angle)
        phase = np.multiply.outer(kx, x) + np.multiply.outer(ky, y)
        # cos(phase + shift) = cos(shift) cos(phase) - sin(shift) sin(phase): no cosine of an image at each frame.
        self._basis = np.concatenate([np.cos(phase), -np.sin(phase)]).astype(np.float32)  # [2 K, H, W]
        self._start, self._rate = rng.uniform(0, 2 * math.pi, self._WAVES), rng.uniform(0.02, 0.06, self._WAVES)
        self._palette = palette(colors(rng, 4), np.arange(4.0), period=4)

    def _draw(self, t: int) -> Picture:
        shift = self._start + self._rate * t
        weights = np.concatenate([np.cos(shift), np.sin(shift)]).astype(np.float32)
        # einsum, not a BLAS product: that would start threads, whose number could change the last bit.
        height = np.einsum("k,khw->hw", weights, self._basis)  # in [-6, 6], mostly within [-3, 3]
        return _paint(self._palette, height * (_SHADES / 8))


class Shapes(Computed):
    """Polygons that move and turn over a plain ground; those that leave on one side return on the other."""

    family = "shapes"
    _COUNT = 14
    _SUBPIXEL_BITS = 4

    def _build(self, rng: np.random.Generator) -> None:
        self._ground, *self._colors = colors(rng, self._COUNT + 1)
        self._radius = rng.uniform(12, 30, self._COUNT)  # px
        self._span = SIDE_PX + 2 * self._radius[:, None]  # px from out of sight to out of sight
        self._start = rng.uniform(0, self._span, (self._COUNT, 2))
        self._velocity = np.array([_velocity(rng, 0.4, 1.4) for _ in range(self._COUNT)])
        self._spin = rng.uniform(-0.03, 0.03, self._COUNT)  # radians per frame
        self._corners = [_corners(rng) for _ in range(self._COUNT)]

    def _draw(self, t: int) -> Picture:
        import cv2

        canvas = np.full((SIDE_PX, SIDE_PX, 3), self._ground, np.uint8)
        centers = (self._start + self._velocity * t) % self._span - self._radius[:, None]
        turns = self._radius * np.exp(1j * self._spin * t)
        for center, turn, corners, color in zip(centers, turns, self._corners, self._colors):
            turned = corners * turn
            points = np.stack([turned.real, turned.imag], axis=1) + center  # [corners, 2]
            fixed = np.rint(points * 2**self._SUBPIXEL_BITS).astype(np.int32)
            cv2.fillPoly(canvas, [fixed], color.tolist(), cv2.LINE_AA, self._SUBPIXEL_BITS)
        return canvas


def _corners(rng: np.random.Generator) -> NDArray[np.complex128]:
    """Draw three to seven corners around 0 within the unit circle of the complex plane."""
    count = int(rng.integers(3, 8))
    angle = 2 * math.pi * (np.arange(count) + rng.uniform(-0.25, 0.25, count)) / count
    return rng.uniform(0.6, 1, count) * np.exp(1j * angle)


class Checker(Computed):
    """A checkerboard of two colors that drifts and turns."""

    family = "checker"

    def _build(self, rng: np.random.Generator) -> None:
        self._square = rng.uniform(12, 30)  # px
        self._velocity = _velocity(rng, 0.3, 0.8)
        self._angle, self._spin = rng.uniform(0, math.pi), _either_way(rng, 0.002, 0.006)  # radians, per frame
        self._palette = palette(colors(rng, 2), np.arange(2.0), period=2)

    def _draw(self, t: int) -> Picture:
        turn = cmath.rect(math.pi / self._square, self._angle + self._spin * t)
        right, down = (speed * t * math.pi / self._square % (2 * math.pi) for speed in self._velocity)
        x, y = grid()
        columns = self._edges(turn.real * x - turn.imag * y + right)
        rows = self._edges(turn.imag * x + turn.real * y + down)
        return _paint(self._palette, (columns * rows + 1) * (_SHADES / 4))  # the half of the palette from 0 to 1

    def _edges(self, phase: Field) -> Field:
        """Return +1 and -1 in turns, with a slope of two px between them instead of jagged edges."""
        return (np.sin(phase) * (self._square / math.pi)).clip(-1, 1)


class Stripes(Computed):
    """Straight stripes of three to six colors that move across."""

    family = "stripes"

    def _build(self, rng: np.random.Generator) -> None:
        count = int(rng.integers(3, 7))
        width = rng.uniform(7, 18, count)  # px
        ends = width.cumsum()
        self._period = float(ends[-1])
        self._speed, angle = _either_way(rng, 0.3, 0.8), rng.uniform(0, math.pi)
        x, y = grid()
        self._along = x * math.cos(angle) + y * math.sin(angle)  # px
        # A stripe keeps its color up to half a px before its end and blends into the next from there.
        knots = np.stack([ends - width + 0.5, ends - 0.5], axis=1).ravel()
        self._palette = palette(colors(rng, count).repeat(2, axis=0), knots, self._period)

    def _draw(self, t: int) -> Picture:
        moved = self._along + self._speed * t % self._period
        return _paint(self._palette, moved * (_SHADES / self._period))


KINDS: dict[str, type[Computed]] = {kind.family: kind for kind in (Fbm, Plasma, Shapes, Checker, Stripes)}


def grid() -> tuple[Field, Field]:
    """Return x and y of each pixel from the center, px: float32 [SIDE_PX, SIDE_PX]."""
    axis = np.arange(SIDE_PX, dtype=np.float32) - np.float32((SIDE_PX - 1) / 2)
    x, y = np.meshgrid(axis, axis)
    return x, y


def colors(rng: np.random.Generator, count: int) -> Picture:
    """Draw `count` colors, uint8 [count, 3], that differ in hue and in lightness."""
    hue = rng.uniform() + (math.sqrt(5) - 1) / 2 * np.arange(count)  # the golden ratio keeps hues apart
    saturation = rng.uniform(0.3, 0.85, count)
    value = 0.25 + 0.7 * (rng.permutation(count) + rng.uniform(0.2, 0.8, count)) / count
    rgb = [colorsys.hsv_to_rgb(h % 1, s, v) for h, s, v in zip(hue, saturation, value)]
    return np.rint(255 * np.array(rgb)).astype(np.uint8)


def palette(tones: Picture, knots: NDArray[np.float64], period: float) -> Picture:
    """Return the colors on a circle, uint8 [256, 3], from 0 to `period`, with `tones` [n, 3] at `knots`."""
    angle = np.arange(_SHADES) * (period / _SHADES)
    channels = [np.interp(angle, knots, tone, period=period) for tone in tones.T]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def _paint(shades: Picture, index: Field) -> Picture:
    """Look up entries of a palette at `index`, modulo 256."""
    return shades[np.floor(index).astype(np.int32) & (_SHADES - 1)]


def _either_way(rng: np.random.Generator, slowest: float, fastest: float) -> float:
    """Draw a speed, forward or backward."""
    return float(rng.choice([-1, 1])) * rng.uniform(slowest, fastest)


def _velocity(rng: np.random.Generator, slowest: float, fastest: float) -> tuple[float, float]:
    """Draw a speed in px per frame in any direction."""
    speed, angle = rng.uniform(slowest, fastest), rng.uniform(0, 2 * math.pi)
    return speed * math.cos(angle), speed * math.sin(angle)
