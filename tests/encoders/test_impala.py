"""IMPALA's encoder: its sizes, its weights and a plain forward pass."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import encoders
from encoders import ImpalaEncoder, ReceptiveField


def make(shape=(3, 64, 64), **options) -> ImpalaEncoder:
    return ImpalaEncoder(shape, generator=torch.Generator().manual_seed(0), **options)


def convolutions(encoder) -> list[nn.Conv2d]:
    return [layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]


def plain_forward(encoder, images):
    """Write the paper's figure out, one operation after the other, nothing in place, channels first."""
    convs = iter(convolutions(encoder))

    def conv(x):
        layer = next(convs)
        return functional.conv2d(x, layer.weight, layer.bias, padding=1)

    x = images
    for _ in range(3):
        x = functional.max_pool2d(conv(x), 3, stride=2, padding=1)
        for _ in range(2):
            inside = conv(torch.relu(x))
            inside = conv(torch.relu(inside))
            x = x + inside
    return torch.relu(x)


# Padded by 1, a pooling of 3 with stride 2 gives (side - 1) // 2 + 1: 84, 42, 21, 11 and 65, 33, 17, 9.
@pytest.mark.parametrize(("size", "side"), [(64, 8), (84, 11), (65, 9), (1, 1)])
def test_sizes(size, side):
    encoder = make((3, size, size))
    assert encoder.map_shape == (32, side, side)
    assert encoder.feature_dim == 32 * side * side
    assert encoder(torch.zeros(1, 3, size, size)).shape == (1, 32 * side * side)


def test_number_of_weights():
    """First section: (27 + 1) * 16 = 448 and 4 * (144 + 1) * 16 = 9,280; second: (144 + 1) * 32 = 4,640 and
    4 * (288 + 1) * 32 = 36,992; third: 5 * 9,248 = 46,240. In all 97,600.
    """
    encoder = encoders.make("impala", (3, 64, 64), generator=torch.Generator())
    count = sum(weight.numel() for weight in encoder.parameters())
    assert count == 97_600
    trunk = (encoder.feature_dim + 1) * 256  # of PPO's head: 2,049 * 256 = 524,544
    assert count + trunk == 622_144
    assert count + trunk + 257 * 15 + 257 == 626_256  # Procgen's 15 actions and the value


@pytest.mark.parametrize("width", [1, 2, 4])
def test_width_multiplies_all_channels(width):
    encoder = make(width=width)
    outs = [conv.out_channels for conv in convolutions(encoder)]
    assert outs == [16 * width] * 5 + [32 * width] * 10
    assert encoder.map_shape == (32 * width, 8, 8)


def test_equals_the_plain_forward_pass_and_its_gradients():
    """In channels-last, as images arrive; the plain one in channels-first."""
    encoder, images = make((9, 24, 32)), torch.rand(4, 9, 24, 32, generator=torch.Generator().manual_seed(1))
    expected = plain_forward(encoder, images)
    expected_grads = torch.autograd.grad(expected.square().sum(), list(encoder.parameters()))
    encoder = encoder.to(memory_format=torch.channels_last)
    maps = encoder.feature_map(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(maps, expected)
    grads = torch.autograd.grad(maps.square().sum(), list(encoder.parameters()))
    for ours, theirs in zip(grads, expected_grads, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4 * theirs.abs().max().item())


def test_features_are_not_negative_and_images_are_not_centered():
    """With zero biases a black image has no features, which it would have if 0.5 were taken off."""
    encoder = make()
    features = encoder(torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    assert features.min() == 0 < features.max()
    assert not encoder(torch.zeros(1, 3, 64, 64)).any()


def test_weights_are_glorots():
    for conv in convolutions(make()):
        bound = (6 / (9 * (conv.in_channels + conv.out_channels))) ** 0.5
        assert 0.97 * bound < conv.weight.abs().max() <= bound
        assert not conv.bias.any()


def test_receptive_field():
    """Sections with jump 1, 2 and 4 before their pooling: (2 + 2) * jump for convolution and pooling and
    8 * 2 * jump for the blocks, so 20 * jump each: 1 + 20 + 40 + 80 = 141. All windows are centered.
    """
    assert make().receptive_field() == ReceptiveField(jump=8, center=0.0, size=141)


@pytest.mark.slow
def test_a_cell_sees_the_corners_of_its_field_and_no_further():
    """Cell (10, 11) is centered on pixel (80, 88) and sees 70 more each way; positive weights lose no light."""
    encoder = make((3, 168, 176))
    for conv in convolutions(encoder):
        conv.weight.data.fill_(1.0)
    for (row, column), seen in (((10, 18), True), ((9, 18), False), ((150, 158), True), ((150, 159), False)):
        images = torch.zeros(1, 3, 168, 176)
        images[:, :, row, column] = 1
        assert bool(encoder.feature_map(images)[0, :, 10, 11].any()) == seen


@pytest.mark.parametrize("width", [0, 65])
def test_a_width_that_cannot_be_meant_is_refused(width):
    with pytest.raises(ValueError, match=f"width must be from 1 to 64, got {width}"):
        make(width=width)
