import pytest
import torch
from torch.nn.functional import pad

import augment
from augment import ResizeCrop, Shift, make
from tests.reference import augment as reference


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(batch, height, width, seed=1):
    return torch.rand(batch, 3, height, width, generator=seeded(seed))


def numbers(params):
    return {name: value.numpy() for name, value in params.items()}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_equals_the_slow_reference(ratio, layout):
    images, op = pictures(5, 12, 12).contiguous(memory_format=layout), ResizeCrop(ratio)
    params = op.draw(images.shape, seeded())
    expected = reference.resize_crop(images.double().numpy(), numbers(params), round(12 * ratio))
    torch.testing.assert_close(op.apply(images, params).double(), torch.from_numpy(expected), atol=1e-6, rtol=0)


def test_doubling_by_hand():
    """New pixels lie at -1/4, 1/4, 3/4 and 5/4 of the old grid: 0, 1/4, 3/4, 1 between a black and a white one."""
    image = torch.tensor([0.0, 1.0]).expand(1, 3, 2, 2)
    top, left = torch.tensor([1]), torch.tensor([2])
    out = ResizeCrop(2.0).apply(image, {"top": top, "left": left})
    assert out[0, 0].tolist() == [[0.75, 1.0], [0.75, 1.0]]


def test_ratio_of_one_changes_nothing():
    images = pictures(4, 20, 16)
    assert torch.equal(ResizeCrop(1.0)(images, seeded()), images)


def test_every_offset_is_drawn():
    """64 becomes 75, so 0 to 11 both ways."""
    params = ResizeCrop().draw((2000, 3, 64, 64), seeded())
    for offsets in params.values():
        assert sorted(offsets.unique().tolist()) == list(range(12))


def test_evaluation_takes_the_middle_of_the_same_enlargement():
    images = pictures(2, 64, 64)
    op = ResizeCrop()
    assert op.evaluation() == ResizeCrop(centered=True)
    middle = {"top": torch.full((2,), 5), "left": torch.full((2,), 5)}  # (75 - 64) // 2
    assert torch.equal(op.evaluation()(images), op.apply(images, middle))


@pytest.mark.parametrize("size", [7, 36, 64, 84])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_white_stays_white(size, layout):
    white = torch.ones(1, 3, size, size).contiguous(memory_format=layout)
    out = ResizeCrop().evaluation()(white)
    assert out.max() <= 1
    assert out.min() > 1 - 1e-6


def test_the_size_that_goes_in_comes_out():
    assert make("resize_crop", 64).input_size(64, 64) == (64, 64)
    assert ResizeCrop(2.0).output_size(30, 40) == (30, 40)


@pytest.mark.parametrize("ratio", [0.9, 11.0, float("nan")])
def test_a_ratio_out_of_range_is_refused(ratio):
    with pytest.raises(ValueError) as error:
        ResizeCrop(ratio)
    assert str(error.value) == f"resize_crop: ratio must be in [1, 10], got {ratio!r}"


def test_what_crop_means_is_an_option():
    assert make("crop", 64) == make("crop", 64, crop="render") == augment.Crop(64)
    assert make("crop", 64, crop="pad") == make("shift:pad=12", 64) == Shift(12)
    assert make("crop:pad=8+flip", 64, crop="pad").links[0] == Shift(8)
    assert make("crop", 64, crop="resize") == make("resize_crop", 64) == ResizeCrop(75 / 64)
    assert make("crop:ratio=1.5", 64, crop="resize") == ResizeCrop(1.5)
    assert make("flip", 64, crop="pad") == make("flip", 64)


@pytest.mark.parametrize(
    ("spec", "crop", "text"),
    [
        ("flip", "zoom", "unknown crop 'zoom'; known: render, pad, resize"),
        ("crop:ratio=2", "pad", "crop: unknown option 'ratio'; known: pad"),
        ("crop:pad=2", "resize", "crop: unknown option 'pad'; known: ratio, centered"),
    ],
)
def test_errors_of_crop(spec, crop, text):
    with pytest.raises(ValueError) as error:
        make(spec, 64, crop)
    assert str(error.value) == text


def test_padding_by_repetition_and_a_crop_are_a_shift():
    """Cut at (top, left) of an image padded by 12, the picture moves by 12 - top and 12 - left."""
    images, op = pictures(40, 64, 64), make("crop", 64, crop="pad")
    moves = op.draw(images.shape, seeded())
    corners = {"top": 12 - moves["down"], "left": 12 - moves["right"]}
    expected = reference.pad_crop(images.numpy(), numbers(corners), 12)
    assert torch.equal(op.apply(images, moves), torch.from_numpy(expected))
    drawn = op.draw((4000, 3, 64, 64), seeded())["down"]
    assert sorted(drawn.unique().tolist()) == list(range(-12, 13))  # 88 - 64 + 1 = 25 places, as a crop has
    center = pad(images, (12, 12, 12, 12), mode="replicate")[..., 12:-12, 12:-12]
    assert torch.equal(op.evaluation()(images), center)
