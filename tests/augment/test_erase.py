import numpy as np
import pytest
import torch

from augment import Cutout, CutoutColor
from tests.reference import augment as reference


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(batch, height, width, seed=1):
    images = torch.randint(1, 256, (batch, 9, height, width), dtype=torch.uint8, generator=seeded(seed))
    return images.contiguous(memory_format=torch.channels_last)


def numbers(params):
    return {name: value.numpy() for name, value in params.items()}


@pytest.mark.parametrize(("op", "slow"), [(Cutout(), reference.cutout), (CutoutColor(), reference.cutout_color)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equals_the_slow_reference(op, slow, dtype, layout):
    images = pictures(20, 36, 45).contiguous(memory_format=layout)
    images = images if dtype == torch.uint8 else images / 255
    params = op.draw(images.shape, seeded())
    assert (op.apply(images, params).numpy() == slow(images.numpy(), numbers(params))).all()


def test_equals_torchvision_and_kornia(tv, kornia):
    images, op = pictures(8, 36, 45)[:, :3] / 255, CutoutColor()
    params = op.draw(images.shape, seeded())
    out = op.apply(images, params)
    for i, (image, result) in enumerate(zip(images, out)):
        box = [int(params[name][i]) for name in ("top", "left", "height", "width")]
        assert torch.equal(result, tv.erase(image, *box, params["color"][i][:, None, None]))
    eraser = kornia.augmentation.RandomErasing(p=1.0)
    names = {"xs": "left", "ys": "top", "widths": "width", "heights": "height"}
    theirs = {name: params[ours] for name, ours in names.items()} | {"values": torch.zeros(8)}
    black = eraser.apply_transform(images, theirs, {}, None)
    assert torch.equal(Cutout().apply(images, params), black)


def test_sizes_and_places_reach_every_value_and_are_separate_draws():
    count = 60000
    params = numbers(Cutout().draw((count, 9, 84, 60), seeded()))
    for name in ("height", "width"):
        values, counts = np.unique(params[name], return_counts=True)
        assert values.tolist() == list(range(10, 31))
        expected = count / 21
        assert np.abs(counts - expected).max() < 4.5 * expected**0.5
    for start, side, full in (("top", "height", 84), ("left", "width", 60)):
        room = full - params[side]
        assert params[start].min() == 0
        assert (params[start] <= room).all()
        assert (params[start] == room).any()
        place = (params[start] + 0.5) / (room + 1)
        assert abs(place.mean() - 0.5) < 4.5 / 12**0.5 / count**0.5
        assert abs(np.corrcoef(place, params[side])[0, 1]) < 4.5 / count**0.5
    for a, b in (("height", "width"), ("top", "left")):
        assert abs(np.corrcoef(params[a], params[b])[0, 1]) < 4.5 / count**0.5


def test_every_place_is_as_likely():
    count = 20000
    _, counts = np.unique(Cutout(10, 10).draw((count, 9, 20, 84), seeded())["top"].numpy(), return_counts=True)
    assert len(counts) == 11
    assert np.abs(counts - count / 11).max() < 4.5 * (count / 11) ** 0.5


def test_a_box_as_large_as_the_image_fits():
    assert (Cutout(36, 36)(pictures(4, 36, 36)) == 0).all()


def test_colors_are_real_on_bytes_and_the_same_on_all_frames():
    images = torch.zeros(400, 9, 12, 12, dtype=torch.uint8)
    op = CutoutColor(12, 12)
    params = op.draw(images.shape, seeded())
    out = op.apply(images, params)[:, :, 0, 0].view(400, 3, 3)
    assert torch.equal(out, out[:, :1].expand_as(out))
    assert torch.equal(out[:, 0], (params["color"] * 255).round().to(torch.uint8))
    assert out.min() < 5
    assert out.max() > 250
    assert len(out[:, 0].unique(dim=0)) > 390
    correlation = np.corrcoef(params["color"].T.numpy())
    assert np.abs(correlation - np.eye(3)).max() < 4.5 / 400**0.5


def test_defaults_are_the_papers():
    assert (Cutout().min_px, Cutout().max_px) == (10, 30)
    assert (CutoutColor().min_px, CutoutColor().max_px) == (10, 30)


@pytest.mark.parametrize(("kind", "name"), [(Cutout, "cutout"), (CutoutColor, "cutout_color")])
def test_errors(kind, name):
    for build, text in (
        (lambda: kind(0), f"{name}: min_px must be at least 1, got 0"),
        (lambda: kind(12, 11), f"{name}: max_px must be at least min_px = 12, got 11"),
        (lambda: kind().draw((1, 9, 29, 84)), f"{name}: max_px must fit the image, got 30 for 29 x 84"),
    ):
        with pytest.raises(ValueError) as error:
            build()
        assert str(error.value) == text
