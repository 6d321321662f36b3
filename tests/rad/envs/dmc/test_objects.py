"""Objects by name, each drawn changed, and a simulation that knows nothing of it."""

from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import pytest

from rad.attention.lift import dilate
from rad.envs.dmc import objects
from rad.envs.dmc.appearances import SPLITS, Appearance
from rad.envs.dmc.task import DMCSimulator

pytestmark = pytest.mark.slow

pytest.importorskip("dm_control")

SIZE = 48
NAMES = {
    "cartpole-swingup": ["floor", "rail", "cart", "pole_1", "sky"],
    "cheetah-run": ["ground", "torso", "bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot", "sky"],
    "reacher-easy": [
        *("ground", "wall_x", "wall_y", "wall_neg_x", "wall_neg_y", "root", "target", "arm", "hand", "finger", "sky")
    ],
}
THIN = ("rail", "pole_1")  # less than a pixel wide: without multisampling drawn in part, or not at all


@pytest.fixture
def simulate() -> Iterator[Any]:
    made = []

    def make(name: str, quality: str = "fast", split: str = "") -> DMCSimulator:
        appearance = Appearance(SPLITS[split]) if split else None
        made.append(DMCSimulator(name, SIZE, 3, render_quality=quality, split=appearance))
        made[-1].begin()
        return made[-1]

    yield make
    for simulator in made:
        simulator.close()


def about(mask: np.ndarray) -> np.ndarray:
    """Widen a mask by a pixel: at an edge it may show another object than the pixel's center does."""
    return dilate(mask[None], 1)[0]


def arrays_of(simulator: DMCSimulator) -> dict[str, bytes]:
    physics, result = simulator._physics, {}
    for part in (physics.model.ptr, physics.data.ptr):
        values = {name: getattr(part, name) for name in dir(part) if not name.startswith("_")}
        result |= {name: value.tobytes() for name, value in values.items() if isinstance(value, np.ndarray)}
    return result


@pytest.mark.parametrize("name", NAMES)
def test_names(simulate: Any, name: str) -> None:
    drawn = simulate(name).object_frames()
    assert sorted(drawn.names) == sorted(NAMES[name]) and drawn.names[-1] == "sky"
    assert drawn.frames.shape == (len(NAMES[name]), 3, SIZE, SIZE) and drawn.masks.shape == (
        len(NAMES[name]),
        SIZE,
        SIZE,
    )
    assert (drawn.masks.sum(0) == 1).all()  # every pixel shows one


@pytest.mark.parametrize(("name", "thing"), [("ball_in_cup-catch", "string"), ("dog-stand", "dog")])
def test_tendons_and_skins_are_objects_too(simulate: Any, name: str, thing: str) -> None:
    simulator = simulate(name)
    drawn, plain = simulator.object_frames(), simulator.frame()
    number = next(n for n, found in enumerate(drawn.names) if thing in found.lower() or "skin" in found.lower())
    changed = (drawn.frames[number] != plain).any(0)
    assert changed.any() and not changed[~about(drawn.masks[number])].any()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_removed_is_gone_and_the_rest_stays(simulate: Any, name: str) -> None:
    """Without shadows and multisampling a pixel that does not show the object is what it was."""
    simulator = simulate(name)
    drawn, plain = simulator.object_frames(), simulator.frame()
    for number, thing in enumerate(drawn.names):
        changed, seen = (drawn.frames[number] != plain).any(0), drawn.masks[number]
        assert not changed[~about(seen)].any(), thing
        assert not seen.any() or thing in THIN or changed[seen].mean() > 0.5, thing
    black = drawn.frames[-1][:, ~about(~drawn.masks[-1])]
    assert not black.any() and bool(black.size) == (name != "reacher-easy")  # whose camera sees no sky


@pytest.mark.parametrize("quality", ["paper", "fast"])
@pytest.mark.parametrize("change", objects.CHANGES)
def test_nothing_is_left_of_a_change(simulate: Any, quality: str, change: str) -> None:
    """Model and data to the bit, the next frames, and the steps of a simulator that was never asked."""
    asked, never = simulate("cheetah-run", quality), simulate("cheetah-run", quality)
    actions = np.random.default_rng(0).uniform(-1, 1, (6, 6))
    for action in actions:
        before, frame = arrays_of(asked), asked.frame()
        random = asked.random.get_state()
        asked.object_frames(change)
        after = arrays_of(asked)
        assert [name for name in before if before[name] != after[name]] == []
        assert str(asked.random.get_state()) == str(random)
        np.testing.assert_array_equal(asked.frame(), frame)
        assert asked.advance(action) == never.advance(action)
    np.testing.assert_array_equal(asked.frame(), never.frame())
    assert arrays_of(asked)["qpos"] == arrays_of(never)["qpos"]


def test_a_change_that_fails_is_undone(simulate: Any) -> None:
    simulator = simulate("cartpole-swingup")
    camera, before = simulator._camera(SIZE).plain, arrays_of(simulator)
    cart = next(item for item in objects.objects_of(simulator._physics.model.ptr) if item.name == "cart")
    with pytest.raises(KeyError), objects.changed(simulator._physics, camera, cart, "removed"):
        raise KeyError
    assert arrays_of(simulator) == before


def test_recolored_is_magenta(simulate: Any) -> None:
    simulator = simulate("cartpole-swingup")
    drawn, plain = simulator.object_frames("recolored"), simulator.frame()
    for number, thing in enumerate(drawn.names):
        seen = drawn.masks[number] & (drawn.frames[number] != plain).any(0)
        red, green, blue = drawn.frames[number].astype(int)
        assert not seen.any() or ((red > green) & (blue > green))[seen].mean() > 0.9, thing
        assert not (drawn.frames[number] != plain).any(0)[~about(drawn.masks[number])].any()


def test_moved_is_to_the_right_by_a_tenth_of_the_frame(simulate: Any) -> None:
    simulator = simulate("cartpole-swingup")
    drawn, plain = simulator.object_frames("moved"), simulator.frame()
    assert set(drawn.names) == {"cart", "pole_1", "rail"}  # neither the floor nor the sky
    number = drawn.names.index("pole_1")
    seen, gone = drawn.masks[number], (drawn.frames[number] != plain).any(0)
    new = gone & ~seen
    columns = np.arange(SIZE)
    shift = columns[new.any(0)].mean() - columns[seen.any(0)].mean()
    assert shift == pytest.approx(objects.SHIFT * SIZE, abs=1.5)


def test_the_background_of_a_split_is_the_sky(simulate: Any) -> None:
    simulator = simulate("cartpole-swingup", "paper", "video-easy")
    simulator.show(0, 0, 0)
    drawn = simulator.object_frames()
    sky = ~about(~drawn.masks[-1])
    assert simulator.frame()[:, sky].mean() > 20 and drawn.frames[-1][:, sky].mean() < 5
    cart = drawn.names.index("cart")
    assert np.abs(drawn.frames[cart].astype(int) - simulator.frame())[:, sky].mean() < 0.1


def test_what_is_thinner_than_a_pixel_is_seen(simulate: Any) -> None:
    """The rails of the cart pole are half a pixel wide at this size: a plain segmentation misses them in places."""
    drawn = simulate("cartpole-swingup", "paper").object_frames()
    assert drawn.masks[drawn.names.index("rail")].any(0).mean() > 0.8  # of the columns: the cart hides the others


def test_an_unknown_change(simulate: Any) -> None:
    with pytest.raises(ValueError, match="unknown change 'gone'; known: removed, recolored, moved"):
        simulate("cartpole-swingup").object_frames("gone")


def test_the_flag_has_all_changes() -> None:
    from rad.commands.attention import Attention

    assert get_args(Attention.__dataclass_fields__["change"].type) == tuple(objects.CHANGES)
