"""Geometry of layers that no registered encoder has."""

import pytest
import torch
from torch import nn

from encoders.base import Encoder, ReceptiveField, Residual, geometry


def test_poolings_paddings_and_dilations_are_walked():
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.MaxPool2d(3, 2, padding=1),
        nn.Conv2d(4, 5, 3, dilation=2),
        nn.AvgPool2d(2),
    )
    encoder = Encoder((3, 40, 30), layers)
    assert encoder.map_shape == tuple(encoder.feature_map(torch.zeros(1, 3, 40, 30)).shape[1:])
    # center: 0 + 0 + 2 * 2 + 0.5 * 2 = 5; size: 1 + 2 + 2 + 4 * 2 + 1 * 2 = 15; jump: 2 * 2
    assert encoder.receptive_field() == ReceptiveField(jump=4, center=5.0, size=15)


def test_field_of_natures_encoder():
    """Size 8, 8 + 3 * 4 = 20, 20 + 2 * 8 = 36; center 3.5, + 1.5 * 4 = 9.5, + 1 * 8 = 17.5; jump 4 * 2."""
    layers = nn.Sequential(nn.Conv2d(3, 4, 8, 4), nn.Conv2d(4, 4, 4, 2), nn.Conv2d(4, 4, 3))
    assert Encoder((3, 84, 84), layers).receptive_field() == ReceptiveField(8, 17.5, 36)


def block(channels: int) -> Residual:
    return Residual(nn.Conv2d(channels, 8, 3, padding=2, dilation=2), nn.ReLU(), nn.Conv2d(8, channels, 5, padding=2))


def test_residual_blocks_widen_the_field_and_keep_its_place():
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, 2), block(4), nn.MaxPool2d(2), block(4))
    encoder = Encoder((3, 41, 30), layers)
    assert encoder.map_shape == tuple(encoder.feature_map(torch.zeros(1, 3, 41, 30)).shape[1:])
    # A block sees 4 + 4 cells more. Size: 3 + 8 * 2 = 19, + 1 * 2 = 21, + 8 * 4 = 53; center: 1 + 0.5 * 2 = 2.
    assert encoder.receptive_field() == ReceptiveField(jump=4, center=2.0, size=53)


def test_a_residual_block_adds_its_input():
    images = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    layers = block(3)
    kept = images.clone()
    plain = layers[2](torch.relu(layers[0](images)))
    torch.testing.assert_close(layers(images), images + plain)
    assert torch.equal(images, kept)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "last layer"),
        ((nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()), "last layer"),
        ((nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3, padding=1)), "must not be in place"),
        ((nn.Conv2d(4, 4, 3),), "jump 1 and first center 0, got 1 and 1.0"),
        ((nn.Conv2d(4, 4, 3, 2, 1),), "jump 1 and first center 0, got 2 and 0.0"),
    ],
)
def test_residual_blocks_that_do_not_fit_their_input_are_refused(layers, message):
    with pytest.raises(ValueError, match=message):
        Residual(*layers)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.Conv2d(3, 4, (3, 5)), "kernel_size"),
        (nn.Conv2d(3, 4, 3, stride=(1, 2)), "stride"),
        (nn.Conv2d(3, 4, 3, padding="same"), "padding"),
        (nn.MaxPool2d(2, ceil_mode=True), "ceil_mode"),
    ],
)
def test_layers_without_one_size_for_both_axes_are_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        geometry(layer)
