import numpy as np
import pytest

from rad.envs.dmc.appearances import (
    ABOUT,
    SPLITS,
    Appearance,
    Split,
    Walk,
    appearance_of,
    camera_poses,
    draw_color,
    draw_light,
    material_changes,
)
from rad.envs.options import SuiteOptions

NAMES = {
    *("train", "plain", "color-easy", "color-hard", "light", "texture", "camera-0.1", "camera-0.2", "camera-0.3"),
    *("video-easy", "video-hard", "distracting-easy", "distracting-medium", "distracting-hard"),
    *("distracting-easy-dynamic", "distracting-medium-dynamic", "distracting-hard-dynamic"),
}


def rng_of(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_names_and_lines_for_people() -> None:
    assert SPLITS.keys() == NAMES
    assert all(split.name == name and split.about for name, split in SPLITS.items())
    assert ABOUT.keys() == NAMES - {"plain"} and len(set(ABOUT.values())) == len(ABOUT)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"^split: unknown split 'video-hrad'; did you mean video-hard\?; known: train, plain, "
    ):
        appearance_of("dmc/walker-walk", "video-hrad", SuiteOptions(), "test")


def test_scales_and_numbers_of_clips_are_those_of_the_benchmarks() -> None:
    # Stone et al. 2021: easy, medium and hard have scales 0.1, 0.2 and 0.3 and 4, 8 and 60 videos.
    for name, scale, clips in (("easy", 0.1, 4), ("medium", 0.2, 8), ("hard", 0.3, 60)):
        for split in (SPLITS[f"distracting-{name}"], SPLITS[f"distracting-{name}-dynamic"]):
            assert (split.camera, split.materials, split.clips) == (scale, scale, clips)
            assert split.moving == split.name.endswith("dynamic")
    # Hansen and Wang 2021: 10 videos and 100.
    assert (SPLITS["video-easy"].clips, SPLITS["video-hard"].clips) == (10, 100)


def test_chance_depends_on_split_seed_episode_and_part_only() -> None:
    def draw(name: str, seed: int, episode: int, part: str) -> float:
        return float(SPLITS[name].generator(seed, episode, part).random())

    base = ("light", 3, 5, "light")
    assert draw(*base) == draw(*base)
    others = [("texture", 3, 5, "light"), ("light", 4, 5, "light"), ("light", 3, 6, "light"), ("light", 3, 5, "clip")]
    assert len({draw(*other) for other in [base, *others]}) == 5
    # A number that has stood since the first version: evaluations of old can be replayed.
    assert draw(*base) == pytest.approx(0.2095593, abs=1e-6)


def test_colors_lie_about_their_own_and_in_range() -> None:
    rng, own = rng_of(), np.array([0.5, 0.0, 1.0])
    drawn = np.array([draw_color(own, 0.1, rng) for _ in range(2000)])
    assert drawn.min() >= 0 and drawn.max() <= 1
    assert drawn[:, 0].mean() == pytest.approx(0.5, abs=0.01) and drawn[:, 0].std() == pytest.approx(0.1, abs=0.01)
    # Half of a normal is cut off at the end of the range: its mean is 0.1 / sqrt(2 pi) = 0.04 inside.
    assert drawn[:, 1].mean() == pytest.approx(0.04, abs=0.005)
    assert drawn[:, 2].mean() == pytest.approx(0.96, abs=0.005)


def test_lights_lie_in_their_ranges() -> None:
    tilts, headings, colors, ambiences = map(np.array, zip(*(draw_light(rng_of(seed)) for seed in range(300))))
    tilts = np.degrees(tilts)
    assert 15 <= tilts.min() < 17 and 48 < tilts.max() <= 50
    assert colors.shape == (300, 3) and colors.min() >= 0.5 * 0.75 and colors.max() <= 1.5 * 1.25
    assert np.ptp(headings) > 6
    assert ambiences.min() >= 0.5 and ambiences.max() <= 1.3


@pytest.mark.parametrize("scale", [0.1, 0.3])
def test_a_camera_starts_anywhere_within_the_range(scale: float) -> None:
    poses = np.array([next(camera_poses(scale, rng_of(seed))) for seed in range(400)])
    turn = 0.5 * np.pi * scale
    assert np.abs(poses[:, :3]).max() <= turn and np.abs(poses[:, :3]).max(0).min() > 0.95 * turn
    assert 1 - 0.5 * scale <= poses[:, 3].min() < 1 - 0.47 * scale
    assert 1 + 1.4 * scale < poses[:, 3].max() <= 1 + 1.5 * scale


def test_a_wandering_camera_moves_smoothly_within_the_range() -> None:
    scale, path = 0.2, Walk(camera_poses(0.2, rng_of()))
    poses = np.array([path.at(step) for step in range(2000)])
    turn = 0.5 * np.pi * scale
    assert np.abs(poses[:, :3]).max() <= turn
    assert poses[:, 3].min() >= 1 - 0.5 * scale and poses[:, 3].max() <= 1 + 1.5 * scale
    steps = np.abs(np.diff(poses, axis=0)) / [2 * turn, 2 * turn, 2 * turn, 2 * scale]
    assert 0 < steps.max() <= 0.4 * scale / 10 + 1e-12
    assert (np.ptp(poses[:, :3], axis=0) > turn).all()


@pytest.mark.parametrize("walk", [lambda: camera_poses(0.2, rng_of()), lambda: material_changes(0.2, 3, rng_of())])
def test_a_path_is_the_same_in_whatever_order_it_is_read(walk) -> None:  # type: ignore[no-untyped-def]
    forward, jumping = Walk(walk()), Walk(walk())
    late = jumping.at(30)
    assert (np.array([forward.at(step) for step in range(31)])[30] == late).all()
    assert (forward.at(7) == jumping.at(7)).all()
    assert not (forward.at(7) == forward.at(8)).all()


def test_materials_stay_within_the_scale() -> None:
    path = Walk(material_changes(0.3, 5, rng_of()))
    changes = np.array([path.at(step) for step in range(3000)])
    assert changes.shape == (3000, 5, 3) and 0.29 < np.abs(changes).max() <= 0.3
    inside = np.diff(changes, axis=0)[(np.abs(changes[1:]) < 0.25)]
    assert inside.std() == pytest.approx(0.03 * 0.3, rel=0.05)


def test_the_two_sides_show_different_clips() -> None:
    sides = [Appearance(SPLITS["video-easy"], side).source().digests() for side in ("train", "test")]  # type: ignore[arg-type]
    assert len(sides[0]) == len(sides[1]) == 10
    assert not set(sides[0]) & set(sides[1])


def test_what_shows_clips() -> None:
    shown = {name for name, split in SPLITS.items() if split.shows_clips}
    assert shown == {name for name in NAMES if name.startswith(("video", "distracting"))} | {"texture"}
    assert all(bool(split.clips) == split.shows_clips for split in SPLITS.values())
    assert not Split("none").shows_clips
