import numpy as np
import pytest
import torch

from augment import Crop, Flip, Rotate, Shift, Translate
from tests.reference import augment as reference


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(batch, height, width, dtype=torch.uint8, seed=1):
    images = torch.randint(0, 256, (batch, 9, height, width), dtype=torch.uint8, generator=seeded(seed))
    images = images.contiguous(memory_format=torch.channels_last)
    return images if dtype == torch.uint8 else images.to(dtype) / 255


def numbers(params):
    return {name: value.numpy() for name, value in params.items()}


CASES = [
    (Crop(20), reference.crop, {"size": 20}, (27, 24)),
    (Translate(30), reference.translate, {"size": 30}, (27, 24)),
    (Shift(4), reference.shift, {"pad": 4}, (16, 21)),
    (Shift(1), reference.shift, {"pad": 1}, (16, 21)),
    (Shift(0), reference.shift, {"pad": 0}, (16, 21)),
    (Shift(7), reference.shift, {"pad": 7}, (9, 13)),
    (Shift(20), reference.shift, {"pad": 20}, (9, 13)),
    (Flip(0.5), reference.flip, {}, (16, 21)),
    (Rotate(0.9), reference.rotate, {}, (16, 16)),
    (Rotate(0.9), reference.rotate, {}, (16, 21)),
]


@pytest.mark.parametrize(("op", "slow", "options", "size"), CASES)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equals_the_slow_reference(op, slow, options, size, dtype, layout):
    images = pictures(40, *size, dtype).contiguous(memory_format=layout)
    params = op.draw(images.shape, seeded())
    assert (op.apply(images, params).numpy() == slow(images.numpy(), numbers(params), **options)).all()


def test_shift_equals_torchvision_padding_and_crop(tv):
    images, op = pictures(8, 27, 24), Shift(4)
    params = op.draw(images.shape, seeded())
    moves = zip(params["down"].tolist(), params["right"].tolist())
    for image, out, (down, right) in zip(images, op.apply(images, params), moves):
        padded = tv.pad(image, 4, padding_mode="edge")
        assert torch.equal(out, tv.crop(padded, 4 - down, 4 - right, 27, 24))


def test_shift_moves_down_and_right():
    image = torch.zeros(1, 3, 9, 9)
    image[0, :, 4, 4] = 1
    out = Shift(3).apply(image, {"down": torch.tensor([2]), "right": torch.tensor([-1])})
    assert out[0, 0].nonzero().tolist() == [[6, 3]]


def test_flip_equals_kornia_and_torchvision(tv, kornia):
    images = pictures(8, 27, 24, torch.float32)
    out = Flip(1).apply(images, {"flip": torch.ones(8, dtype=torch.bool)})
    assert torch.equal(out, kornia.geometry.transform.hflip(images))
    assert torch.equal(out, tv.horizontal_flip(images))


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_rotate_equals_torchvision(quarters, tv):
    images = pictures(4, 16, 16, torch.float32)
    out = Rotate(1).apply(images, {"quarters": torch.full((4,), quarters)})
    assert torch.equal(out, tv.rotate(images, 90.0 * quarters))


def test_half_a_turn_equals_kornia(kornia):
    images = pictures(4, 16, 21, torch.float32)
    out = Rotate(1).apply(images, {"quarters": torch.full((4,), 2)})
    assert torch.equal(out, kornia.geometry.transform.rot180(images))


@pytest.mark.parametrize(
    ("op", "size", "spans"),
    [
        (Crop(84), (100, 94), {"top": (0, 16), "left": (0, 10)}),
        (Translate(108), (100, 104), {"top": (0, 8), "left": (0, 4)}),
        (Shift(4), (84, 84), {"down": (-4, 4), "right": (-4, 4)}),
    ],
)
def test_every_offset_is_drawn_as_often_as_the_others(op, size, spans):
    count = 8000
    params = op.draw((count, 9, *size), seeded())
    assert params.keys() == spans.keys()
    for name, (low, high) in spans.items():
        values, counts = np.unique(params[name].numpy(), return_counts=True)
        assert values.tolist() == list(range(low, high + 1))
        expected = count / (high - low + 1)
        assert np.abs(counts - expected).max() < 4.5 * expected**0.5  # 4.5 standard deviations
    pair = np.corrcoef(*(params[name].numpy() for name in spans))
    assert abs(pair[0, 1]) < 4.5 / count**0.5


@pytest.mark.parametrize("p", [0.0, 0.2, 0.7, 1.0])
def test_flip_and_rotate_honor_p(p):
    count = 8000
    spread = 4.5 * (p * (1 - p) / count) ** 0.5
    assert abs(Flip(p).draw((count, 9, 8, 8), seeded())["flip"].float().mean() - p) <= spread
    quarters = Rotate(p).draw((count, 9, 8, 8), seeded())["quarters"]
    assert abs((quarters > 0).float().mean() - p) <= spread
    for quarter in (1, 2, 3):
        share = p / 3
        spread = 4.5 * (share * (1 - share) / count) ** 0.5
        assert abs((quarters == quarter).float().mean() - share) <= spread


def test_defaults_are_the_papers():
    assert Crop().size == 84
    assert Crop().input_size(84, 84) == (100, 100)
    assert Translate().size == 108
    assert Translate().input_size(108, 108) == (100, 100)
    assert (Shift().pad, Flip().p, Rotate().p) == (4, 0.2, 0.3)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Shift(-1), "shift: pad must be at least 0, got -1"),
        (lambda: Flip(1.5), "flip: p must be in [0, 1], got 1.5"),
        (lambda: Rotate(-0.1), "rotate: p must be in [0, 1], got -0.1"),
        (lambda: Flip(float("nan")), "flip: p must be in [0, 1], got nan"),
    ],
)
def test_errors(build, text):
    with pytest.raises(ValueError) as error:
        build()
    assert str(error.value) == text
