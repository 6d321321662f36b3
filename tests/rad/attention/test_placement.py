"""Placing maps on frames: sums, centers and edges."""

import numpy as np
import pytest
import torch

import encoders
from encoders import ReceptiveField
from rad.attention.maps import activation_map
from rad.attention.placement import to_pixels


def one_cell(rows: int, columns: int, row: int, column: int) -> np.ndarray:
    maps = np.zeros((1, rows, columns))
    maps[0, row, column] = 1.0
    return maps


def centroid(pixel_maps: np.ndarray) -> tuple[float, float]:
    y, x = np.mgrid[: pixel_maps.shape[0], : pixel_maps.shape[1]]
    return float((pixel_maps * y).sum() / pixel_maps.sum()), float((pixel_maps * x).sum() / pixel_maps.sum())


def test_a_cell_is_spread_bilinearly_around_its_center():
    """Jump 2, center 3: cell 1 is on pixel 5; pixels 4, 5, 6 get 1/4, 2/4, 1/4."""
    pixel_maps = to_pixels(one_cell(4, 4, 1, 0), ReceptiveField(2, 3.0, 7), 12, 12)[0]
    share = np.array([0.25, 0.5, 0.25])
    np.testing.assert_allclose(pixel_maps[4:7, 2:5], np.outer(share, share))
    assert pixel_maps.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("field", [ReceptiveField(2, 7.0, 15), ReceptiveField(8, 17.5, 36), ReceptiveField(3, 4.0, 9)])
def test_the_centroid_of_a_cell_is_its_center(field):
    for row, column in ((0, 0), (1, 2), (2, 1)):
        pixel_maps = to_pixels(one_cell(3, 3, row, column), field, 64, 84)[0]
        expected = (field.center + field.jump * row, field.center + field.jump * column)
        assert centroid(pixel_maps) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("field", "cells"),
    [(ReceptiveField(2, 7.0, 15), 35), (ReceptiveField(8, 0.0, 141), 11), (ReceptiveField(4, -6.0, 9), 25)],
)
def test_the_sum_is_kept_even_where_the_frame_cuts_a_cell(field, cells):
    maps = np.random.default_rng(0).random((2, cells, cells))
    pixel_maps = to_pixels(maps, field, 84, 84)
    assert (pixel_maps >= 0).all()
    np.testing.assert_allclose(pixel_maps.sum((1, 2)), maps.sum((1, 2)))


def test_pixels_outside_the_outermost_centres_get_nothing():
    pixel_maps = to_pixels(np.ones((1, 35, 35)), ReceptiveField(2, 7.0, 15), 84, 84)[0]
    rows = np.flatnonzero(pixel_maps.any(1))
    assert (rows[0], rows[-1]) == (6, 76)  # the last center is 7 + 2 * 34 = 75; one pixel more on both sides


def test_a_uniform_map_stays_uniform_inside():
    pixel_maps = to_pixels(np.ones((1, 35, 35)), ReceptiveField(2, 7.0, 15), 84, 84)[0]
    np.testing.assert_allclose(pixel_maps[7:76, 7:76], 0.25)  # one cell per 2 x 2 pixels


def test_height_and_width_are_not_confused():
    pixel_maps = to_pixels(one_cell(5, 9, 4, 8), ReceptiveField(2, 1.0, 3), 12, 20)
    assert pixel_maps.shape == (1, 12, 20)
    assert centroid(pixel_maps[0]) == pytest.approx((9.0, 17.0))


def test_a_bright_pixel_is_found_within_one_jump():
    """On the real encoder, with dense weights: the initial ones see only every second pixel."""
    encoder = encoders.make("pixel", (3, 48, 60), generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    for weight in encoder.parameters():
        weight.data = torch.rand(weight.shape, generator=generator) if weight.ndim == 4 else weight.data
    field = encoder.receptive_field()
    spots = [(y, x) for y in range(14, 34) for x in range(14, 46, 3)]
    images = torch.zeros(len(spots), 3, 48, 60)
    for number, (y, x) in enumerate(spots):
        images[number, :, y, x] = 1.0
    for spot, pixel_maps in zip(spots, to_pixels(activation_map(encoder, images).numpy(), field, 48, 60)):
        assert np.abs(np.subtract(centroid(pixel_maps), spot)).max() <= field.jump


def test_maps_without_three_axes_are_refused():
    with pytest.raises(ValueError, match=r"maps have shape \[35, 35\]; expected \[B, h, w\]"):
        to_pixels(np.ones((35, 35)), ReceptiveField(2, 7.0, 15), 84, 84)
