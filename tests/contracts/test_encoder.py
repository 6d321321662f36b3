"""What every registered encoder promises: shapes, geometry, seeds, independence of images."""

import re

import pytest
import torch
from torch import nn

import encoders
from encoders import Encoder, PixelEncoder
from encoders.base import geometry, windows

SHAPES = [(9, 64, 64), (9, 84, 84), (9, 108, 108), (3, 64, 96)]


def make(name: str, shape: tuple[int, int, int] = (9, 64, 64), seed: int = 0) -> Encoder:
    return encoders.make(name, shape, generator=torch.Generator().manual_seed(seed))


def images(shape: tuple[int, int, int], batch: int = 3) -> torch.Tensor:
    return torch.rand(batch, *shape, generator=torch.Generator().manual_seed(7))


@pytest.fixture(params=encoders.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("shape", SHAPES)
def test_forward_is_the_flat_feature_map_of_the_promised_size(name, shape):
    encoder = make(name, shape)
    features, maps = encoder(images(shape)), encoder.feature_map(images(shape))
    assert features.shape == (3, encoder.feature_dim)
    assert maps.shape == (3, *encoder.map_shape)
    assert torch.equal(features.view(3, *maps.shape[2:], -1), maps.permute(0, 2, 3, 1))
    assert encoder.image_shape == shape


def test_features_are_finite_and_differ_between_images(name):
    features = make(name)(images((9, 64, 64)))
    assert features.isfinite().all()
    assert not torch.allclose(features[0], features[1])


def test_features_of_an_image_depend_on_that_image_only(name):
    encoder, batch = make(name), images((9, 64, 64))
    alone = encoder(batch[1:2])
    torch.testing.assert_close(encoder(batch)[1:2], alone)


def test_memory_format_of_the_input_is_kept_and_changes_nothing(name):
    encoder, batch = make(name), images((9, 64, 64))
    plain = encoder.feature_map(batch)
    encoder = encoder.to(memory_format=torch.channels_last)
    last = encoder.feature_map(batch.contiguous(memory_format=torch.channels_last))
    assert last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last, plain)


def test_a_seed_gives_the_weights(name):
    same, again, other = (list(make(name, seed=seed).parameters()) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(same, again, strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(same, other, strict=True))


def test_the_global_random_state_is_neither_read_nor_moved(name):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = list(make(name).parameters())
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    second = list(make(name).parameters())
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_generator_is_required(name):
    with pytest.raises(TypeError, match="generator"):
        encoders.make(name, (9, 64, 64))


def test_gradients_reach_every_weight(name):
    encoder = make(name)
    encoder(images((9, 64, 64))).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in encoder.parameters())


def test_bytes_are_refused(name):
    with pytest.raises(TypeError, match=r"\[0, 1\], got torch\.uint8"):
        make(name)(torch.zeros(1, 9, 64, 64, dtype=torch.uint8))


@pytest.mark.parametrize("shape", [(1, 9, 64, 65), (1, 3, 64, 64), (9, 64, 64)])
def test_images_of_another_shape_are_refused(name, shape):
    with pytest.raises(ValueError, match=r"images must have shape \[B, 9, 64, 64\], got"):
        make(name)(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(9, 64), (0, 64, 64), (9, 64, -1)])
def test_impossible_image_shapes_are_refused(name, shape):
    with pytest.raises(ValueError, match="image_shape"):
        make(name, shape)


@pytest.mark.parametrize("side", [1, 2])
def test_a_small_image_is_refused_unless_every_window_is_padded(name, side):
    sizes = [geometry(window) for window in windows(make(name).layers)]
    if all(kernel <= 2 * padding + 1 for kernel, _, padding in sizes):
        assert make(name, (9, side, 64))(images((9, side, 64))).isfinite().all()
        return
    with pytest.raises(ValueError, match="too small: layer 1 gets"):
        make(name, (9, side, 64))


@pytest.mark.slow
def test_receptive_field_is_what_a_gradient_sees(name):
    """With positive weights, and poolings that average, every pixel that a cell sees has a positive gradient."""
    field = make(name).receptive_field()
    sides = (2 * field.size + margin * field.jump for margin in (4, 7))
    encoder = _averaging(make(name, (3, *sides)))
    for weight in encoder.parameters():
        weight.data = torch.full_like(weight, 0.1)
    rows, columns = (side // 2 for side in encoder.map_shape[1:])
    for row, column in ((rows, columns), (rows + 1, columns), (rows, columns + 2)):
        top, bottom, left, right = _seen(encoder, row, column)
        assert (bottom - top + 1, right - left + 1) == (field.size, field.size)
        assert (top + bottom) / 2 == field.center + field.jump * row
        assert (left + right) / 2 == field.center + field.jump * column


def _averaging(encoder: Encoder) -> Encoder:
    """Put an average in the place of every maximum, whose gradient goes to one pixel of its window only."""
    for module in list(encoder.modules()):
        for key, layer in module.named_children():
            if isinstance(layer, nn.MaxPool2d):
                setattr(module, key, nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding))
    return encoder


def _seen(encoder: Encoder, row: int, column: int) -> tuple[int, int, int, int]:
    pixels = torch.ones(1, *encoder.image_shape, requires_grad=True)
    encoder.feature_map(pixels)[0, :, row, column].sum().backward()
    assert pixels.grad is not None
    seen = pixels.grad[0].sum(0).nonzero()
    (top, left), (bottom, right) = seen.min(0).values.tolist(), seen.max(0).values.tolist()
    return top, bottom, left, right


def test_unknown_names_are_refused():
    known = ", ".join(encoders.names())
    with pytest.raises(ValueError, match=f"unknown encoder 'pixl'; known: {known}"):
        encoders.make("pixl", (9, 64, 64), generator=torch.Generator())


def test_options_stand_behind_the_name():
    made = encoders.make("pixel:num_filters=8:strides=2-2", (9, 64, 64), generator=torch.Generator())
    same = PixelEncoder((9, 64, 64), num_filters=8, strides="2-2", generator=torch.Generator())
    assert made.map_shape == same.map_shape
    assert encoders.make("impala:width=2", (3, 64, 64), generator=torch.Generator()).map_shape[0] == 64
    with_commas = encoders.make("pixel:num_filters=8,strides=2-2", (9, 64, 64), generator=torch.Generator())
    assert with_commas.map_shape == made.map_shape


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (
            "pixel:depth=3",
            "num_layers=..., num_filters=..., strides=... once, got 'depth=3'",
        ),
        ("pixel:num_filters", "once, got 'num_filters'"),
        ("pixel:num_filters=8:num_filters=9", "once, got 'num_filters=9'"),
        ("pixel:generator=1", "once, got 'generator=1'"),
        ("pixel:num_filters=many", "encoder pixel: option num_filters must be of type int, got 'many'"),
        ("nature:width=2", "encoder nature takes each of the options none once, got 'width=2'"),
    ],
)
def test_wrong_options_are_refused(spec, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        encoders.make(spec, (9, 64, 64), generator=torch.Generator())


def test_register_makes_an_encoder_from_outside_known(monkeypatch):
    monkeypatch.setattr(encoders._REGISTRY, "factories", dict(encoders._REGISTRY.factories))

    def small(image_shape, *, filters: int = 4, generator):
        return PixelEncoder(image_shape, num_layers=1, num_filters=filters, generator=generator)

    encoders.register("small", small)
    assert "small" in encoders.names()
    assert encoders.make("small:filters=5", (3, 16, 16), generator=torch.Generator()).map_shape == (5, 7, 7)
    with pytest.raises(ValueError, match="encoder 'small' is already registered"):
        encoders.register("small", small)
    with pytest.raises(ValueError, match="a word of letters, digits and underscores, got 'a:b'"):
        encoders.register("a:b", small)
