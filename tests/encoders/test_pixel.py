"""RAD's encoder: its sizes and its layers."""

import pytest
import torch
from torch import nn

import encoders
from encoders import PixelEncoder, ReceptiveField


def make(shape=(9, 84, 84), **options) -> PixelEncoder:
    return PixelEncoder(shape, generator=torch.Generator().manual_seed(0), **options)


# 84: (84 - 3) // 2 + 1 = 41, then 39, 37, 35; 108: 53, 51, 49, 47; 64: 31, 29, 27, 25.
@pytest.mark.parametrize(("size", "side"), [(64, 25), (84, 35), (108, 47)])
def test_sizes_of_the_published_encoder(size, side):
    encoder = make((9, size, size))
    assert encoder.map_shape == (32, side, side)
    assert encoder.feature_dim == 32 * side * side
    assert encoder(torch.zeros(1, 9, size, size)).shape == (1, 32 * side * side)


def test_the_published_encoder_has_39200_features():
    assert encoders.make("pixel", (9, 84, 84), generator=torch.Generator()).feature_dim == 39_200


def test_layers_of_the_published_encoder():
    convs = [layer for layer in make().layers if isinstance(layer, nn.Conv2d)]
    assert [conv.stride for conv in convs] == [(2, 2), (1, 1), (1, 1), (1, 1)]
    assert [conv.in_channels for conv in convs] == [9, 32, 32, 32]
    assert all(conv.kernel_size == (3, 3) and conv.padding == (0, 0) for conv in convs)
    assert [type(layer) for layer in make().layers] == [nn.Conv2d, nn.ReLU] * 4


def test_receptive_field_of_the_published_encoder():
    assert make().receptive_field() == ReceptiveField(jump=2, center=7.0, size=15)


@pytest.mark.parametrize("num_layers", [1, 2, 6])
def test_depth_is_an_option(num_layers):
    encoder = make(num_layers=num_layers)
    side = 41 - 2 * (num_layers - 1)
    assert encoder.map_shape == (32, side, side)
    assert encoder(torch.zeros(2, 9, 84, 84)).shape == (2, encoder.feature_dim)


# 84: 41, 20, 9, 7; 64: 31, 15, 7, 5. A cell sees 3 + 2 * 2 + 2 * 4 + 2 * 8 = 31 pixels, the first one pixels 0 to 30.
@pytest.mark.parametrize(("size", "side"), [(64, 5), (84, 7)])
def test_strides_are_an_option(size, side):
    encoder = make((9, size, size), strides="2-2-2-1")
    assert encoder.map_shape == (32, side, side)
    assert encoder(torch.zeros(1, 9, size, size)).shape == (1, 32 * side * side)
    assert encoder.receptive_field() == ReceptiveField(jump=8, center=15.0, size=31)
    assert encoder.receptive_field(0) == ReceptiveField(jump=2, center=1.0, size=3)


@pytest.mark.parametrize("strides", ["2", "2-1", "2-1-1-1"])
def test_strides_that_are_not_named_are_1(strides):
    assert make(strides=strides).map_shape == (32, 35, 35)


@pytest.mark.parametrize("strides", ["", "0", "2-", "2-x", "2--1", "-2", "1-1-1-1-1"])
def test_wrong_strides_are_refused(strides):
    with pytest.raises(ValueError, match="must be at most 4 numbers from 1, such as 2-2-2-1"):
        make(strides=strides)


def test_width_is_an_option():
    assert make(num_filters=16).map_shape == (16, 35, 35)


def test_images_are_not_centered():
    """With zero biases a black image has no features, which it would have if 0.5 were taken off."""
    assert not make()(torch.zeros(1, 9, 84, 84)).any()
    assert make()(torch.full((1, 9, 84, 84), 0.5)).any()


@pytest.mark.parametrize(("size", "fits"), [(15, True), (14, False)])
def test_smallest_image(size, fits):
    """Four layers see 15 pixels, so 15 give one cell."""
    if fits:
        assert make((3, size, size)).map_shape == (32, 1, 1)
        return
    message = r"image_shape \(3, 14, 14\) is too small: layer 4 gets 2 x 2 pixels and needs 3"
    with pytest.raises(ValueError, match=message):
        make((3, size, size))


@pytest.mark.parametrize(("option", "most", "words"), [("num_layers", 100, "100"), ("num_filters", 4096, "4,096")])
def test_counts_that_cannot_be_meant_are_refused(option, most, words):
    for count in (0, most + 1):
        with pytest.raises(ValueError, match=f"{option} must be from 1 to {words}, got {count}"):
            make(**{option: count})


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="depth"):
        make(depth=3)


def test_a_generator_is_advanced_by_the_draw():
    generator = torch.Generator().manual_seed(0)
    first = PixelEncoder((9, 84, 84), generator=generator)
    second = PixelEncoder((9, 84, 84), generator=generator)
    assert not torch.equal(first.layers[0].weight, second.layers[0].weight)
