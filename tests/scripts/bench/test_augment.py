"""The sides of the comparison do the same job: each image has its own draw, equal on its frames."""

import numpy as np
import pytest
import torch

import augment
from scripts.bench import augment as bench
from tests.reference import augment_naive as naive

pytestmark = pytest.mark.slow

OPS = [name for name in augment.names() if hasattr(naive, name)]
assert len(OPS) >= 12


@pytest.fixture
def _as_it_was(monkeypatch):
    """Leave the allocator of the test process as it is."""
    monkeypatch.setattr("rad.runtime.device.tune_allocator", lambda: False)


def results(name, batch=12, frames=2):
    torch.manual_seed(0)
    return {side: torch.as_tensor(work()) for side, work in bench.sides(name, batch, frames).items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPS)
def test_all_sides_give_the_same_kind_of_images(name):
    found = results(name)
    assert {"ours", "numpy"} <= found.keys() <= set(bench.SIDES)
    assert ("kornia" in found) == (name not in ("random_conv", "cutout_color", "overlay", "resize_crop"))
    assert ("torchvision" in found) == (name not in ("random_conv", "overlay"))
    average = {side: out.float().mean() / (255 if out.dtype == torch.uint8 else 1) for side, out in found.items()}
    for side, out in found.items():
        assert out.shape == found["ours"].shape, side
        assert side == "kornia" or out.dtype == found["ours"].dtype
        assert abs(average[side] - average["ours"]) < 0.25, side


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OPS if name != "random_conv"])
def test_all_sides_draw_for_each_image_and_hold_it_on_its_frames(name, monkeypatch):
    same = torch.randint(0, 256, (1, 3, 100, 100), dtype=torch.uint8)
    make = torch.randint

    def one_frame_everywhere(low, high, size, **options):
        if len(size) == 4 and options.get("dtype") == torch.uint8:
            return same[:, :, : size[2], : size[3]].repeat(size[0], size[1] // 3, 1, 1)
        return make(low, high, size, **options)

    with monkeypatch.context() as patch:
        patch.setattr(bench.torch, "randint", one_frame_everywhere)
        works = bench.sides(name, 50, 3)  # all draw alike by chance, at flip's p = 0.2: once in 70,000
    torch.manual_seed(0)
    for side, work in works.items():
        out = torch.as_tensor(work()).float().unflatten(1, (3, 3))
        assert torch.allclose(out[:, :1].expand_as(out), out, atol=1e-5), side
        assert not torch.equal(out[:1].expand_as(out), out), side


def test_the_plain_convolution_is_the_same_sum():
    images = torch.rand(1, 9, 12, 12)
    weight = np.random.default_rng(0).standard_normal((3, 3, 3, 3)).astype(np.float32)
    ours = augment.RandomConv().apply(images, {"weight": torch.from_numpy(weight)[None]})
    theirs = naive.random_conv(images.numpy(), np.random.default_rng(0))
    assert np.abs(ours.numpy() - theirs).max() < 1e-5


@pytest.mark.usefixtures("_as_it_was")
def test_rows_have_all_columns_and_the_global_generator_is_left_alone(monkeypatch):
    monkeypatch.setattr(bench.augment, "names", lambda: ("none", "crop", "random_conv"))
    before = torch.get_rng_state()
    rows = bench.run(batch=2, frames=1, seconds=0)
    assert torch.equal(torch.get_rng_state(), before)
    assert [row["op"] for row in rows] == ["crop", "random_conv"]
    for row in rows:
        assert row.keys() == {"op", "ours_per_s", "kornia_per_s", "torchvision_per_s", "numpy_per_s", "ratio"}
        others = [row[f"{side}_per_s"] for side in bench.SIDES[1:] if row[f"{side}_per_s"] is not None]
        assert row["ratio"] == row["ours_per_s"] / max(others)
    assert rows[1]["kornia_per_s"] is None
