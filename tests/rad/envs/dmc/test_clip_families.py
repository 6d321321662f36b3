"""Computed clips: reproducible, moving at the speed of natural video, and each family of its own kind."""

from collections import Counter

import numpy as np
import pytest

from rad.envs.dmc.clip_families import KINDS, Computed, cloud, colors, palette
from rad.envs.dmc.clips import SIDE_PX, Picture

SEEDS = (0, 1, 1_000_000)
every_family = pytest.mark.parametrize("family", KINDS)


def steps(clip: Computed, count: int) -> np.ndarray:
    """Return the mean absolute differences of `count` frames and the next."""
    frames = np.stack([clip.frame(t, 64) for t in range(count + 1)]).astype(np.int16)
    return np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))


def common_colors(picture: Picture) -> list[tuple[tuple[int, ...], float]]:
    """Return the colors of a picture with their shares of it, the commonest first."""
    counts = Counter(map(tuple, picture.reshape(-1, 3).tolist()))
    return [(color, count / (picture.size // 3)) for color, count in counts.most_common()]


def test_the_families_are_known_by_name() -> None:
    assert list(KINDS) == ["fbm", "plasma", "shapes", "checker", "stripes"]
    assert KINDS["fbm"](17).name == "fbm-17"


@every_family
@pytest.mark.parametrize("size", [1, 84, 200])
def test_a_frame_is_bytes_of_the_size_asked_for(family: str, size: int) -> None:
    frame = KINDS[family](0).frame(5, size)
    assert frame.shape == (size, size, 3) and frame.dtype == np.uint8


@every_family
def test_a_frame_depends_on_the_seed_and_the_time_only(family: str) -> None:
    forward, backward = KINDS[family](3), KINDS[family](3)
    late = [backward.frame(t, 84) for t in (400, 7, 0)]
    early = [forward.frame(t, 84) for t in (0, 7, 400)]
    assert all(map(np.array_equal, early, reversed(late)))
    assert not np.array_equal(early[0], early[1])
    assert not np.array_equal(early[0], KINDS[family](4).frame(0, 84))


@pytest.mark.parametrize(
    ("family", "column"),
    [
        ("fbm", [[229, 231, 135], [219, 225, 131], [177, 199, 126]]),
        ("plasma", [[115, 114, 83], [79, 86, 58], [80, 119, 92]]),
        ("shapes", [[88, 166, 129], [101, 140, 85], [101, 140, 85]]),
        ("checker", [[107, 73, 47], [100, 75, 127], [94, 77, 198]]),
        ("stripes", [[171, 130, 79], [57, 66, 77], [101, 165, 56]]),
    ],
)
def test_clips_stay_what_they_were(family: str, column: list[list[int]]) -> None:
    """Scores on other pictures could not be compared, and Python's hash() of a name differs between processes."""
    np.testing.assert_allclose(KINDS[family](12).frame(9, 10)[2:5, 6].astype(int), column, atol=1)


@every_family
def test_no_global_chance_is_used(family: str) -> None:
    before = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    KINDS[family](0).frame(3, 84)
    after = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    assert before["pos"] == after["pos"] and np.array_equal(before["key"], after["key"])


@every_family
@pytest.mark.parametrize("seed", range(8))
def test_it_moves_and_has_contrast(family: str, seed: int) -> None:
    clip = KINDS[family](seed)
    difference = steps(clip, 20)
    assert difference.min() > 0.4 and difference.max() < 14
    assert 20 < clip.frame(0, 84).std() < 85


@every_family
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_ever_jumps(family: str, seed: int) -> None:
    difference = steps(KINDS[family](seed), 400)
    around = (difference[:-2] + difference[2:]) / 2
    assert (difference[1:-1] / around).max() < 1.5


@every_family
def test_it_never_ends(family: str) -> None:
    clip = KINDS[family](2)
    near, far = (np.abs(clip.frame(t, 84).astype(int) - clip.frame(t + 1, 84)).mean() for t in (0, 10**9))
    assert 0.2 < far / near < 5


@every_family
def test_every_size_shows_the_same_picture(family: str) -> None:
    clip = KINDS[family](1)
    halves = clip.frame(4, 128).reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(halves - clip.frame(4, 64)).max() <= 1


@every_family
def test_the_caller_owns_a_frame(family: str) -> None:
    clip = KINDS[family](1)
    before = clip.frame(4, SIDE_PX).copy()
    clip.frame(4, SIDE_PX)[:] = 0
    assert np.array_equal(clip.frame(4, SIDE_PX), before)


def test_digests_tell_clips_apart() -> None:
    digests = [kind(seed).digest for kind in KINDS.values() for seed in range(10)]
    assert len(set(digests)) == len(digests)
    assert digests[:2] == [KINDS["fbm"](seed).digest for seed in (0, 1)]
    assert all(len(digest) == 64 for digest in digests)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cloud_has_the_spectrum_of_natural_images_and_no_seam(seed: int) -> None:
    picture = cloud(np.random.default_rng(seed)).astype(float)
    amplitude = np.abs(np.fft.fft2(picture.mean(axis=2)))
    low, high = (amplitude[np.ix_(rows, rows)].mean() for rows in (range(2, 5), range(16, 40)))
    slope = np.log(low / high) / np.log(28 / 3)
    assert 0.8 < slope < 2
    inner, seam = (np.abs(np.diff(np.roll(picture, shift, 0), axis=0)[63]).mean() for shift in (0, 64))
    assert 0.5 < seam / inner < 2


def test_the_channels_of_a_cloud_vary_together() -> None:
    values = [np.corrcoef(cloud(np.random.default_rng(seed)).reshape(-1, 3).T)[0, 1] for seed in range(12)]
    assert np.mean(values) > 0.3


def test_fbm_fades_from_one_cloud_into_another() -> None:
    """Where it is the same cloud again, only moved, half a fade later it is not."""
    clip = KINDS["fbm"](0)
    period = next(t for t in range(100, 301) if abs(clip._period - t) <= 0.5)  # type: ignore[attr-defined]
    spectra = [np.abs(np.fft.fft2(clip.frame(t, 128).mean(axis=2)))[1:9, 1:9] for t in (0, period // 2, period)]
    half, full = (np.corrcoef(spectra[0].ravel(), other.ravel())[0, 1] for other in spectra[1:])
    assert full > 0.95 > 0.8 > half


@pytest.mark.parametrize("seed", SEEDS)
def test_plasma_is_smooth(seed: int) -> None:
    picture = KINDS["plasma"](seed).frame(0, SIDE_PX).astype(int)
    assert np.abs(np.diff(picture, axis=0)).max() < 40 and np.abs(np.diff(picture, axis=1)).max() < 40


@pytest.mark.parametrize("seed", SEEDS)
def test_shapes_are_plain_areas_on_a_plain_ground(seed: int) -> None:
    shares = [share for _, share in common_colors(KINDS["shapes"](seed).frame(0, SIDE_PX))]
    assert 0.3 < shares[0] < 0.9
    assert len([share for share in shares if share > 0.003]) > 5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_checkerboard_has_two_colors_in_equal_parts(seed: int) -> None:
    (first, most), (second, other) = common_colors(KINDS["checker"](seed).frame(0, SIDE_PX))[:2]
    assert most + other > 0.7 and most / other < 1.4
    assert np.abs(np.subtract(first, second)).max() > 40


def test_a_checkerboard_turns() -> None:
    """A turn by 90 degrees shows the board again, but for its place; 45 degrees do not: its spectrum tells."""
    clip = KINDS["checker"](0)
    quarter = round(np.pi / 2 / abs(clip._spin))  # type: ignore[attr-defined]
    spectra = [np.abs(np.fft.fft2(clip.frame(t, 128)[:, :, 0] - 128.0))[:32, :32] for t in (0, quarter // 2, quarter)]
    half, full = (np.corrcoef(spectra[0].ravel(), other.ravel())[0, 1] for other in spectra[1:])
    assert full > 0.5 > half


@pytest.mark.parametrize("seed", SEEDS)
def test_stripes_are_straight_and_of_few_colors(seed: int) -> None:
    picture = KINDS["stripes"](seed).frame(0, SIDE_PX)
    gray = picture.mean(axis=2)
    down, across = np.gradient(gray)
    a, b, c = (down**2).mean(), (across**2).mean(), (down * across).mean()
    assert np.hypot(a - b, 2 * c) / (a + b) > 0.85, "all slopes point one way"
    assert sum(share for _, share in common_colors(picture)[:6]) > 0.75


def test_colors_differ() -> None:
    for seed in range(50):
        values = colors(np.random.default_rng(seed), 6).astype(int)
        assert values.shape == (6, 3)
        lightness = np.sort(values.max(axis=1))
        assert np.diff(lightness).min() > 8 and lightness[0] > 60 and lightness[-1] < 250
        assert np.ptp(values, axis=1).max() > 60, "not all are gray"


def test_a_palette_goes_round() -> None:
    tones = np.array([[0, 100, 7], [200, 0, 7]], np.uint8)
    shades = palette(tones, np.array([0.0, 1.0]), period=2).astype(int)
    assert shades.shape == (256, 3)
    assert shades[[0, 64, 128, 192]].tolist() == [[0, 100, 7], [100, 50, 7], [200, 0, 7], [100, 50, 7]]
    assert np.abs(shades[255] - shades[0]).max() <= 2
