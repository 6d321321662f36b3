"""Maps against effects: cases whose answer is known, and maps that know nothing."""

import numpy as np
import pytest

from rad.attention.ground_truth.agreement import agreement, area_controls
from rad.attention.ground_truth.effects import Truth, truth_maps

NAMES = ("a", "b", "c", "d")


def stripes(effects: list[float], widths: tuple[int, ...] = (1, 2, 3, 4), count: int = 1) -> Truth:
    """Return objects that are stripes of some widths beside each other, in frames of 10 x 10 pixels."""
    ends = np.cumsum((0, *widths))
    masks = np.zeros((count, len(widths), 10, 10), bool)
    for number in range(len(widths)):
        masks[:, number, :, ends[number] : ends[number + 1]] = True
    return Truth(NAMES, masks, np.tile(np.array(effects), (count, 1)))


def test_by_hand() -> None:
    """Masses in the order of the areas 1 2 3 4 against effects 3 1 2 4: ranks differ by 2 1 1 0, 1 - 6 * 6 / 60."""
    scores = agreement(np.full((1, 10, 10), 0.01), stripes([3.0, 1.0, 2.0, 4.0]))
    assert scores["rank_accuracy"] == pytest.approx(0.4)
    assert scores["rank_accuracy_per_pixel"] == 0.0  # the same everywhere
    assert scores["top_mass"] == pytest.approx(0.4) and scores["top_area"] == pytest.approx(0.4)


def test_the_truth_and_its_negative() -> None:
    truth = stripes([3.0, 0.0, 2.0, 7.0])
    maps = truth_maps(truth)
    for name in ("rank_accuracy", "rank_accuracy_per_pixel"):
        assert agreement(maps, truth)[name] == pytest.approx(1.0)
        assert agreement(-maps, truth)[name] == pytest.approx(-1.0)
    assert agreement(maps, truth)["top_mass"] == pytest.approx(7 / 12)


def test_the_size_of_a_map_does_not_count() -> None:
    truth, rng = stripes([3.0, 1.0, 2.0, 4.0]), np.random.default_rng(0)
    maps = rng.random((1, 10, 10))
    for name, values in agreement(maps, truth).items():
        assert agreement(1000 * maps, truth)[name] == pytest.approx(values), name


def test_controls_know_the_areas_alone() -> None:
    """`uniform` ranks masses by area; where each object has as much, means are ranked the other way, and masses tie."""
    truth = stripes([3.0, 1.0, 2.0, 4.0])
    controls = {name: agreement(maps, truth) for name, maps in area_controls(truth).items()}
    assert controls["uniform"]["rank_accuracy"] == pytest.approx(0.4)
    assert controls["uniform"]["rank_accuracy_per_pixel"] == 0.0
    assert controls["each object alike"]["rank_accuracy"] == 0.0
    # effects per pixel 3, 1/2, 2/3, 1, ranks 4 1 2 3 against 4 3 2 1 of the smallest: 1 - 6 * 8 / 60
    assert controls["each object alike"]["rank_accuracy_per_pixel"] == pytest.approx(0.2)
    assert all(maps.sum() == pytest.approx(1.0) for maps in area_controls(truth).values())


def test_random_maps_are_near_zero() -> None:
    """Objects of one size whose effects are random: neither per object nor per pixel does chance know them."""
    rng, count = np.random.default_rng(0), 400
    truth = stripes([0.0] * 4, (2, 2, 2, 4), count)._replace(effects=rng.random((count, 4)))
    scores = agreement(rng.random((count, 10, 10)), truth)
    assert abs(scores["rank_accuracy"].mean()) < 0.1 and abs(scores["rank_accuracy_per_pixel"].mean()) < 0.1


def test_hidden_objects_and_states_that_cannot_be_ranked_are_left_out() -> None:
    truth = stripes([3.0, 1.0, 2.0, 4.0], count=3)
    truth.masks[0, 3] = False  # the largest effect is not seen
    truth.masks[1, 1:] = False  # a single object is
    truth.effects[2] = 5.0  # all the same
    scores = agreement(np.full((3, 10, 10), 0.01), truth)
    # areas 1 2 3 against effects 3 1 2: 1 - 6 * (4 + 1 + 1) / 24
    assert scores["rank_accuracy"].tolist() == [pytest.approx(-0.5)]
    assert scores["top_area"].tolist() == [pytest.approx(0.1)]


def test_none_can_be_ranked() -> None:
    scores = agreement(np.full((1, 10, 10), 0.01), stripes([1.0, 1.0, 1.0, 1.0]))
    assert [values.size for values in scores.values()] == [0, 0, 0, 0]
