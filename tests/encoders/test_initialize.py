"""Orthogonal and delta-orthogonal weights."""

import math

import pytest
import torch
from torch import nn

from encoders import (
    delta_orthogonal_,
    flat_orthogonal_,
    glorot_uniform_,
    initialize_,
    initialize_with_,
    orthogonal_,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("out", "inputs"), [(32, 9), (32, 32), (8, 20)])
def test_the_center_is_orthogonal_and_the_rest_zero(out, inputs):
    weight = delta_orthogonal_(torch.full((out, inputs, 3, 3), 5.0), 2.0, generator())
    center = weight[:, :, 1, 1]
    gram = center.T @ center if inputs <= out else center @ center.T
    torch.testing.assert_close(gram, 4.0 * torch.eye(min(out, inputs)), atol=1e-5, rtol=0)
    weight[:, :, 1, 1] = 0
    assert not weight.any()


def test_a_delta_orthogonal_layer_keeps_norms():
    conv = nn.Conv2d(9, 32, 3, bias=False)
    delta_orthogonal_(conv.weight, 1.0, generator())
    images = torch.rand(2, 9, 12, 12, generator=generator())
    norms = conv(images).square().sum(1)
    torch.testing.assert_close(norms, images[:, :, 1:-1, 1:-1].square().sum(1))


@pytest.mark.parametrize(("kernel", "tap"), [((1, 1), (0, 0)), ((5, 5), (2, 2)), ((8, 4), (4, 2))])
def test_the_center_tap(kernel, tap):
    weight = delta_orthogonal_(torch.ones(4, 4, *kernel), generator=generator())
    assert weight[:, :, tap[0], tap[1]].any()
    assert weight.abs().sum((0, 1)).count_nonzero() == 1


@pytest.mark.parametrize(("out", "inputs"), [(5, 3), (3, 5), (4, 4)])
def test_linear_weights_are_orthogonal(out, inputs):
    weight = orthogonal_(torch.zeros(out, inputs), 3.0, generator())
    gram = weight.T @ weight if inputs <= out else weight @ weight.T
    torch.testing.assert_close(gram, 9.0 * torch.eye(min(out, inputs)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(32, 3, 8, 8), (64, 2, 3, 3)])
def test_kernels_read_as_matrices_are_orthogonal(shape):
    weight = flat_orthogonal_(torch.zeros(shape), 2.0, generator=generator()).flatten(1)
    gram = weight @ weight.T if weight.shape[0] <= weight.shape[1] else weight.T @ weight
    torch.testing.assert_close(gram, 4.0 * torch.eye(min(weight.shape)), atol=1e-5, rtol=0)


# (96 + 64) kernel taps of a 3x3 convolution with 96 inputs, 64 outputs: 6 / (9 * 160) = 1 / 240.
@pytest.mark.parametrize(("shape", "bound"), [((64, 96, 3, 3), 240**-0.5), ((90, 60), 0.2)])
def test_glorot_weights_fill_their_range_evenly(shape, bound):
    weight = glorot_uniform_(torch.zeros(shape), generator=generator())
    assert 0.999 * bound < weight.abs().max() <= bound
    spread = bound / 3**0.5  # of a uniform distribution
    assert weight.std().item() == pytest.approx(spread, rel=0.02)
    assert abs(weight.mean().item()) < 4.5 * spread / weight.numel() ** 0.5


@pytest.mark.parametrize("fill", [flat_orthogonal_, glorot_uniform_])
def test_other_fillings_follow_the_seed_in_every_memory_format(fill):
    state = torch.get_rng_state()
    plain = torch.zeros(32, 9, 3, 3)
    last = plain.clone().contiguous(memory_format=torch.channels_last)
    assert torch.equal(fill(plain, generator=generator(1)), fill(last, generator=generator(1)))
    assert not torch.equal(plain, fill(last, generator=generator(2)))
    assert torch.equal(torch.get_rng_state(), state)


def test_layers_are_filled_as_asked():
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.LayerNorm(8), nn.Linear(8, 8), nn.Linear(8, 2, bias=False))
    assert initialize_with_(module, lambda weight: nn.init.constant_(weight, 3.0)) is module
    assert all((module[i].weight == 3).all() for i in (0, 2, 3))
    assert not module[0].bias.any() and not module[2].bias.any()
    assert torch.equal(module[1].weight, torch.ones(8))


def test_a_seed_gives_the_weights_in_every_memory_format():
    plain = torch.zeros(32, 9, 3, 3)
    last = plain.clone().contiguous(memory_format=torch.channels_last)
    assert torch.equal(delta_orthogonal_(plain, 1.0, generator(1)), delta_orthogonal_(last, 1.0, generator(1)))
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert not torch.equal(plain, delta_orthogonal_(last, 1.0, generator(2)))


def test_the_global_random_state_is_untouched_with_a_generator():
    state = torch.get_rng_state()
    delta_orthogonal_(torch.zeros(4, 4, 3, 3), 1.0, generator())
    orthogonal_(torch.zeros(4, 4), 1.0, generator())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("fill", [delta_orthogonal_, flat_orthogonal_])
@pytest.mark.parametrize("shape", [(3,), (3, 3), (3, 3, 3), (3, 0, 3, 3)])
def test_what_is_no_convolution_is_refused(shape, fill):
    with pytest.raises(ValueError, match=r"convolution must have shape \[out, in, kh, kw\]"):
        fill(torch.zeros(shape), generator=generator())


@pytest.mark.parametrize("shape", [(3,), (3, 3, 3, 3), (0, 3)])
def test_what_is_no_matrix_is_refused(shape):
    with pytest.raises(ValueError, match=r"linear layer must have shape \[out, in\]"):
        orthogonal_(torch.zeros(shape))


def test_every_layer_of_a_module_is_initialized():
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 8), nn.LayerNorm(8))
    assert initialize_(module, generator()) is module
    conv, linear, norm = module[0], module[3], module[4]
    gain = math.sqrt(2.0)  # of ReLU
    center = conv.weight[:, :, 1, 1]
    torch.testing.assert_close(center.T @ center, gain**2 * torch.eye(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(linear.weight @ linear.weight.T, torch.eye(8), atol=1e-5, rtol=0)
    assert not conv.bias.any() and not linear.bias.any()
    assert torch.equal(norm.weight, torch.ones(8))


def test_layers_without_bias_are_initialized_too():
    conv = nn.Conv2d(3, 8, 3, bias=False)
    initialize_(conv, generator())
    assert not conv.weight[:, :, 0, 0].any()


def test_layers_get_different_draws():
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    initialize_(module, generator())
    assert not torch.equal(module[0].weight, module[1].weight)
