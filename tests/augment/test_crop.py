import pytest
import torch
from torch.nn.functional import pad

import augment
from augment import Crop, ResizeCrop, Shift, Translate, make
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


def test_crop_equals_kornia_and_torchvision(tv, kornia):
    images, op = pictures(8, 27, 24), Crop(20)
    params = op.draw(images.shape, seeded())
    out = op.apply(images, params)
    x, y = params["left"], params["top"]
    corners = [torch.stack([x + dx, y + dy], 1) for dx, dy in ((0, 0), (19, 0), (19, 19), (0, 19))]
    assert torch.equal(out, kornia.geometry.transform.crop_by_indices(images, torch.stack(corners, 1)))
    for image, result, top, left in zip(images, out, y.tolist(), x.tolist()):
        assert torch.equal(result, tv.crop(image, top, left, 20, 20))


def test_translate_equals_torchvision_padding(tv):
    images, op = pictures(8, 27, 24), Translate(30)
    params = op.draw(images.shape, seeded())
    for image, out, y, x in zip(images, op.apply(images, params), *(params[n].tolist() for n in ("top", "left"))):
        assert torch.equal(out, tv.pad(image, [x, y, 30 - 24 - x, 30 - 27 - y]))


@pytest.mark.parametrize("size", [16, 48, 64, 75, 84, 108])
def test_render_sizes_lead_back_to_the_output(size):
    for op in (Crop(size), Translate(size), Crop(size, ratio=1.0), Translate(size, ratio=1.0)):
        assert op.output_size(*op.input_size(size, size)) == (size, size)


def test_evaluation_takes_the_middle(tv):
    image = torch.zeros(1, 3, 101, 100)
    image[0, :, 8, 8] = 1
    out = Crop(84).evaluation()(image)
    assert torch.equal(out, tv.crop(image, 8, 8, 84, 84))
    whole = Translate(108).evaluation()(torch.ones(1, 3, 100, 101))
    assert torch.equal(whole, tv.pad(torch.ones(1, 3, 100, 101), [3, 4, 4, 4]))


def test_centered_is_an_option_that_bites():
    assert Crop(84, centered=True) == Crop(84).evaluation()
    assert Translate(108, centered=True) == Translate(108).evaluation()


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Crop(0), "crop: size must be at least 1, got 0"),
        (lambda: Crop(84, ratio=0.9), "crop: ratio must be in [1, 10], got 0.9"),
        (lambda: Translate(-3), "translate: size must be at least 1, got -3"),
        (lambda: Translate(84, ratio=11.0), "translate: ratio must be in [1, 10], got 11.0"),
        (lambda: Crop(84).draw((1, 9, 83, 100)), "crop: images must be at least 84 x 84, got 83 x 100"),
        (lambda: Crop(84).apply(torch.zeros(1, 9, 100, 83), {}), "crop: images must be at least 84 x 84, got 100 x 83"),
        (lambda: Translate(84).draw((1, 9, 84, 85)), "translate: images must be at most 84 x 84, got 84 x 85"),
        (
            lambda: Translate(84).apply(torch.zeros(1, 9, 85, 84), {}),
            "translate: images must be at most 84 x 84, got 85 x 84",
        ),
    ],
)
def test_errors(build, text):
    with pytest.raises(ValueError) as error:
        build()
    assert str(error.value) == text
