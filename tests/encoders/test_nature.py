"""DQN's encoder: its sizes, its weights and a plain forward pass."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import encoders
from encoders import NatureEncoder, ReceptiveField


def make(shape=(9, 84, 84)) -> NatureEncoder:
    return NatureEncoder(shape, generator=torch.Generator().manual_seed(0))


def convolutions(encoder) -> list[nn.Conv2d]:
    return [layer for layer in encoder.layers if isinstance(layer, nn.Conv2d)]


# 84: (84 - 8) // 4 + 1 = 20, (20 - 4) // 2 + 1 = 9, 9 - 2 = 7; 64: 15, 6, 4; 36, all that a cell sees: 8, 3, 1.
@pytest.mark.parametrize(("size", "side"), [(84, 7), (64, 4), (36, 1)])
def test_sizes(size, side):
    encoder = make((9, size, size))
    assert encoder.map_shape == (64, side, side)
    assert encoder.feature_dim == 64 * side * side
    assert encoder(torch.zeros(1, 9, size, size)).shape == (1, 64 * side * side)


def test_number_of_weights():
    """Of the paper's stack of 4 gray frames: 64 * 4 * 32 + 32 = 8,224, 16 * 32 * 64 + 64 = 32,832 and
    9 * 64 * 64 + 64 = 36,928.
    """
    encoder = encoders.make("nature", (4, 84, 84), generator=torch.Generator())
    assert sum(weight.numel() for weight in encoder.parameters()) == 8_224 + 32_832 + 36_928


def test_equals_the_plain_forward_pass():
    encoder, images = make(), torch.rand(2, 9, 84, 84, generator=torch.Generator().manual_seed(1))
    x = images
    for conv, stride in zip(convolutions(encoder), (4, 2, 1), strict=True):
        x = torch.relu(functional.conv2d(x, conv.weight, conv.bias, stride))
    torch.testing.assert_close(encoder.feature_map(images), x)


def test_weights_are_orthogonal_with_the_gain_of_relu():
    for conv in convolutions(make()):
        weight = conv.weight.flatten(1)
        torch.testing.assert_close(weight @ weight.T, 2.0 * torch.eye(conv.out_channels), atol=1e-5, rtol=0)
        assert not conv.bias.any()


def test_receptive_field():
    """Size 8, 8 + 3 * 4 = 20, 20 + 2 * 8 = 36; center 3.5, + 1.5 * 4 = 9.5, + 1 * 8 = 17.5; jump 4 * 2."""
    assert make().receptive_field() == ReceptiveField(jump=8, center=17.5, size=36)


def test_images_are_not_centered():
    assert not make()(torch.zeros(1, 9, 84, 84)).any()


def test_smallest_image():
    message = r"image_shape \(3, 35, 35\) is too small: layer 3 gets 2 x 2 pixels and needs 3"
    with pytest.raises(ValueError, match=message):
        make((3, 35, 35))
