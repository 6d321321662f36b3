import math

import pytest
import torch

from augment import ColorJitter, Grayscale, RandomConv
from augment.color import turn_hue
from tests.reference import augment as reference

OFF = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(batch, height, width, seed=1):
    """Noise, with some colors that are easy to get wrong: grays, primaries, black and white."""
    images = torch.rand(batch, 9, height, width, generator=seeded(seed))
    colors = torch.tensor(
        [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1]]
    )
    images[:, :3, 0, : len(colors)] = colors.T.to(images.dtype)
    return images.contiguous(memory_format=torch.channels_last)


def frames(images):
    """[B, 3 * K, H, W] to [B * K, 3, H, W], as kornia and torchvision want it."""
    return images.reshape(-1, 3, *images.shape[2:])


def numbers(params):
    return {name: value.numpy() for name, value in params.items()}


def jitter_params(batch, **values):
    params = {name: torch.full((batch,), value) for name, value in {**OFF, **values}.items()}
    return {"jitter": torch.ones(batch, dtype=torch.bool), **params}


@pytest.mark.parametrize(
    ("op", "slow"),
    [
        (Grayscale(0.5), reference.grayscale),
        (ColorJitter(p=0.7), reference.color_jitter),
        (ColorJitter(), reference.color_jitter),
        (RandomConv(), reference.random_conv),
    ],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equals_the_slow_reference(op, slow, layout):
    images = pictures(11, 12, 9).contiguous(memory_format=layout)  # 11 images: a chunk and a rest
    params = op.draw(images.shape, seeded())
    expected = torch.from_numpy(slow(images.double().numpy(), numbers(params)))
    assert torch.allclose(op.apply(images, params).double(), expected, atol=3e-6)


@pytest.mark.slow
def test_gray_has_kornias_weights(tv, kornia):
    images = pictures(4, 12, 9)
    gray = kornia.color.rgb_to_grayscale(frames(images)).expand(-1, 3, -1, -1)
    assert torch.allclose(frames(Grayscale(1.0)(images)), gray, atol=1e-6)
    # torchvision rounds the weight of red to 0.2989.
    assert torch.allclose(frames(Grayscale(1.0)(images)), tv.rgb_to_grayscale(frames(images), 3), atol=1.1e-4)


@pytest.mark.parametrize("factor", [0.0, 0.6, 1.0, 1.4, 3.0])
@pytest.mark.parametrize("step", ["brightness", "contrast", "saturation"])
def test_steps_equal_torchvision(step, factor, tv):
    images = pictures(4, 12, 9)
    out = ColorJitter().apply(images, jitter_params(4, **{step: factor}))
    theirs = getattr(tv, f"adjust_{step}")(frames(images), factor)
    assert torch.allclose(frames(out), theirs, atol=5e-4)  # its weight of red times a factor of 3


@pytest.mark.parametrize("factor", [0.6, 1.4])
def test_steps_equal_kornia(factor, kornia):
    images, factors = pictures(4, 12, 9), torch.full((12,), factor)
    for step, theirs in {
        "brightness": kornia.enhance.adjust_brightness_accumulative,
        "contrast": kornia.enhance.adjust_contrast_with_mean_subtraction,
        "saturation": kornia.enhance.adjust_saturation_with_gray_subtraction,
    }.items():
        out = ColorJitter().apply(images, jitter_params(4, **{step: factor}))
        assert torch.allclose(frames(out), theirs(frames(images), factors), atol=2e-6), step


@pytest.mark.parametrize("turn", [-0.5, -0.31, -0.05, 0.0, 0.2, 0.5])
def test_hue_equals_torchvision_and_kornia(turn, tv, kornia):
    images = pictures(4, 12, 9)
    out = frames(ColorJitter().apply(images, jitter_params(4, hue=turn)))
    assert torch.allclose(out, tv.adjust_hue(frames(images), turn), atol=2e-5)
    assert torch.allclose(out, kornia.enhance.adjust_hue(frames(images), turn * 2 * math.pi), atol=2e-5)


def test_a_third_of_a_turn_takes_red_to_green_to_blue():
    red, green, blue = torch.eye(3).view(3, 3, 1, 1, 1).unbind(0)
    third = torch.tensor(1 / 3)
    assert torch.allclose(turn_hue(red, third), green, atol=1e-6)
    assert torch.allclose(turn_hue(green, third), blue, atol=1e-6)
    assert torch.allclose(turn_hue(blue, third), red, atol=1e-6)


def test_contrast_of_a_frame_does_not_depend_on_the_other_frames():
    images = pictures(2, 12, 9)
    changed = images.clone()
    changed[:, 3:] = 0
    params = ColorJitter().draw(images.shape, seeded())
    op = ColorJitter()
    assert torch.equal(op.apply(images, params)[:, :3], op.apply(changed, params)[:, :3])


def test_jitter_reaches_its_ranges_and_no_further():
    op = ColorJitter(0.4, 0.3, 1.5, 0.2)
    params = op.draw((20000, 9, 8, 8), seeded())
    for name, (low, high) in {
        "brightness": (0.6, 1.4),
        "contrast": (0.7, 1.3),
        "saturation": (0.0, 2.5),
        "hue": (-0.2, 0.2),
    }.items():
        values, width = params[name], high - low
        assert low <= values.min() < low + width / 1000
        assert high - width / 1000 < values.max() <= high
        assert abs(values.mean() - (low + high) / 2) < 4.5 * width / 12**0.5 / 20000**0.5
    assert params["jitter"].all()


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_grayscale_and_jitter_honor_p(p):
    spread = 4.5 * (p * (1 - p) / 8000) ** 0.5
    assert abs(Grayscale(p).draw((8000, 3, 8, 8), seeded())["gray"].float().mean() - p) <= spread
    assert abs(ColorJitter(p=p).draw((8000, 3, 8, 8), seeded())["jitter"].float().mean() - p) <= spread


@pytest.mark.parametrize("step", ["brightness", "contrast", "saturation", "hue"])
def test_every_jitter_option_bites_alone(step):
    images = pictures(4, 12, 9)
    off = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), 0.0)
    assert torch.allclose(ColorJitter(**off)(images, seeded()), images, atol=1e-6)
    assert (ColorJitter(**{**off, step: 0.3})(images, seeded()) - images).abs().max() > 0.01


def test_kernels_are_standard_normal_and_differ_between_images():
    weight = RandomConv().draw((3000, 9, 8, 8), seeded())["weight"]
    assert weight.shape == (3000, 3, 3, 3, 3)
    assert abs(weight.mean()) < 4.5 / weight.numel() ** 0.5
    assert abs(weight.std() - 1) < 4.5 / (2 * weight.numel()) ** 0.5
    assert len(weight[:, 0, 0, 0, 0].unique()) > 2990


def test_random_conv_uses_one_kernel_per_image_on_all_its_frames():
    images = pictures(1, 12, 9)[:, :3].repeat(3, 3, 1, 1)
    out = RandomConv()(images, seeded()).view(3, 3, 3, 12, 9)
    assert torch.allclose(out, out[:, :1].expand_as(out), atol=1e-6)
    assert (out[0] - out[1]).abs().max() > 0.1
    assert (out[1] - out[2]).abs().max() > 0.1


def test_defaults_are_the_papers():
    assert ColorJitter() == ColorJitter(0.4, 0.4, 0.4, 0.5, 1.0)
    assert Grayscale().p == 0.3


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Grayscale(1.1), "grayscale: p must be in [0, 1], got 1.1"),
        (lambda: ColorJitter(brightness=-0.1), "color_jitter: brightness must be in [0, 10], got -0.1"),
        (lambda: ColorJitter(contrast=11), "color_jitter: contrast must be in [0, 10], got 11"),
        (lambda: ColorJitter(saturation=-1), "color_jitter: saturation must be in [0, 10], got -1"),
        (lambda: ColorJitter(hue=0.6), "color_jitter: hue must be in [0, 0.5], got 0.6"),
        (lambda: ColorJitter(p=2), "color_jitter: p must be in [0, 1], got 2"),
    ],
)
def test_errors(build, text):
    with pytest.raises(ValueError) as error:
        build()
    assert str(error.value) == text
