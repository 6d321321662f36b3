"""Activation maps: their normalization and what they are computed from."""

import pytest
import torch

import encoders
from rad.attention.maps import activation_map

SHAPE = (3, 32, 40)


def make_encoder() -> encoders.Encoder:
    return encoders.make("pixel", SHAPE, num_filters=4, generator=torch.Generator().manual_seed(0))


def images(batch: int = 3) -> torch.Tensor:
    return torch.rand(batch, *SHAPE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("power", [0.5, 1, 4])
def test_maps_are_the_mean_power_of_the_activation_with_sum_one(power):
    encoder = make_encoder()
    maps = activation_map(encoder, images(), power)
    expected = encoder.feature_map(images()).detach().abs() ** power
    expected = expected.mean(1) / expected.mean(1).sum((1, 2))[:, None, None]
    assert maps.shape == (3, *encoder.map_shape[1:])
    torch.testing.assert_close(maps, expected)
    torch.testing.assert_close(maps.sum((1, 2)), torch.ones(3))


def test_negative_activations_count_by_their_size():
    encoder = make_encoder()
    expected = activation_map(encoder, images())
    encoder.layers.append(torch.nn.Hardtanh(-1e9, 1e9))
    encoder.layers[-1].forward = torch.neg
    torch.testing.assert_close(activation_map(encoder, images()), expected)


def test_an_image_that_activates_nothing_has_a_uniform_map():
    encoder = make_encoder()
    batch = images()
    batch[1] = 0
    maps = activation_map(encoder, batch)
    torch.testing.assert_close(maps[1], torch.full_like(maps[1], 1 / maps[1].numel()))
    torch.testing.assert_close(maps[0], activation_map(encoder, images())[0])


def test_high_powers_of_small_activations_do_not_vanish():
    maps = activation_map(make_encoder(), images() * 1e-6, power=8)
    torch.testing.assert_close(maps, activation_map(make_encoder(), images(), power=8))


def test_no_gradient_is_kept():
    assert not activation_map(make_encoder(), images()).requires_grad


@pytest.mark.parametrize("power", [0, -1, float("nan"), float("inf")])
def test_powers_that_are_not_above_zero_and_finite_are_refused(power):
    with pytest.raises(ValueError, match=f"power is {power}; expected above 0"):
        activation_map(make_encoder(), images(), power)
