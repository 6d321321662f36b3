"""Geometry of layers that no registered encoder has."""

import pytest
import torch
from torch import nn

from encoders.base import Encoder, ReceptiveField, geometry


def test_poolings_paddings_and_dilations_are_walked():
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.MaxPool2d(3, 2, padding=1),
        nn.Conv2d(4, 5, 3, dilation=2),
        nn.AvgPool2d(2),
    )
    encoder = Encoder((3, 40, 30), layers)
    assert encoder.map_shape == tuple(encoder.feature_map(torch.zeros(1, 3, 40, 30)).shape[1:])
    # centre: 0 + 0 + 2 * 2 + 0.5 * 2 = 5; size: 1 + 2 + 2 + 4 * 2 + 1 * 2 = 15; jump: 2 * 2
    assert encoder.receptive_field() == ReceptiveField(jump=4, center=5.0, size=15)


def test_field_of_natures_encoder():
    """Size 8, 8 + 3 * 4 = 20, 20 + 2 * 8 = 36; centre 3.5, + 1.5 * 4 = 9.5, + 1 * 8 = 17.5; jump 4 * 2."""
    layers = nn.Sequential(nn.Conv2d(3, 4, 8, 4), nn.Conv2d(4, 4, 4, 2), nn.Conv2d(4, 4, 3))
    assert Encoder((3, 84, 84), layers).receptive_field() == ReceptiveField(8, 17.5, 36)


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
