import gymnasium
import numpy as np
import pytest

from rad.envs.base import UnitRange, check_action, random_state, set_random_state


def test_unit_range_maps_ends_and_middle_of_each_entry() -> None:
    to_bounds = UnitRange([-2.0, 0.0, -1.0], [2.0, 10.0, 1.0])
    np.testing.assert_allclose(to_bounds([-1, -1, -1]), [-2, 0, -1])
    np.testing.assert_allclose(to_bounds([1, 1, 1]), [2, 10, 1])
    np.testing.assert_allclose(to_bounds([0.5, -0.5, 0.25]), [1, 2.5, 0.25])
    assert to_bounds.space == gymnasium.spaces.Box(-1, 1, (3,), np.float32)


def test_unit_range_leaves_float32_actions_as_they_are_for_unit_bounds() -> None:
    action = np.array([np.float32(0.1), np.float32(-0.7)])
    assert np.array_equal(UnitRange([-1, -1], [1, 1])(action), action.astype(np.float64))


@pytest.mark.parametrize(("low", "high"), [(-np.inf, np.inf), (-1e10, 1e10)])
def test_unit_range_passes_on_what_has_no_bounds(low: float, high: float) -> None:
    np.testing.assert_array_equal(UnitRange([low, -3], [high, 3])([0.5, 0.5]), [0.5, 1.5])


def test_unit_range_keeps_to_a_single_bound() -> None:
    np.testing.assert_array_equal(UnitRange([0, -np.inf], [np.inf, 5])([-1, -1]), [0, 3])
    np.testing.assert_array_equal(UnitRange([0, -np.inf], [np.inf, 5])([1, 1]), [2, 5])


def test_actions_outside_the_box_are_clipped_to_it() -> None:
    box = gymnasium.spaces.Box(-1, 1, (3,), np.float32)
    checked = check_action([1.5, -1e30, 0.25], box)
    assert checked.dtype == np.float32
    np.testing.assert_array_equal(checked, [1, -1, 0.25])


def test_discrete_actions_become_ints() -> None:
    checked = check_action(np.int64(2), gymnasium.spaces.Discrete(3))
    assert checked == 2 and type(checked) is int


def test_random_state_round_trip_between_draws_of_a_pair_of_normals() -> None:
    """A RandomState keeps the second of two normals back: it belongs to the state."""
    random = np.random.RandomState(3)
    random.normal()
    state = random_state(random)
    expected = random.normal(size=4), random.randint(1000, size=4)
    other = np.random.RandomState(0)
    set_random_state(other, state)
    np.testing.assert_array_equal(other.normal(size=4), expected[0])
    np.testing.assert_array_equal(other.randint(1000, size=4), expected[1])
