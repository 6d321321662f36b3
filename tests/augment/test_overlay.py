import cv2
import numpy as np
import pytest
import torch

from augment import Overlay, make
from augment.overlay import generate_pictures, read_picture, resize
from tests.reference import augment as reference


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(batch, height, width, channels=3, seed=2):
    return torch.randint(0, 256, (batch, channels, height, width), dtype=torch.uint8, generator=seeded(seed))


@pytest.fixture
def folder(tmp_path):
    """Ten flat pictures of different sizes in subfolders, red = 20 * number, and a file that is none."""
    for number in range(10):
        place = tmp_path / f"class{number % 2}"
        place.mkdir(exist_ok=True)
        pixels = np.full((40 + number, 60, 3), (0, 7, 20 * number), np.uint8)  # OpenCV's order: blue first
        assert cv2.imwrite(str(place / f"{number}.{'png' if number % 2 else 'PNG'}"), pixels)
    (tmp_path / "labels.txt").write_text("no picture")
    return tmp_path


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 1.0])
def test_equals_the_slow_reference(layout, alpha):
    images = (pictures(12, 16, 21, 9) / 255).contiguous(memory_format=layout)
    distractors = pictures(5, 16, 21)
    op = Overlay(alpha=alpha, images=distractors)
    params = op.draw(images.shape, seeded())
    numbers = {name: value.numpy() for name, value in params.items()}
    expected = reference.overlay(images.double().numpy(), numbers, distractors.numpy(), alpha)
    assert torch.allclose(op.apply(images, params).double(), torch.from_numpy(expected), atol=1e-6)


@pytest.mark.parametrize("alpha", [0.1, 0.3, 0.5, 0.7, 1.0])
def test_white_on_white_stays_within_one(alpha):
    white = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8)
    images = torch.linspace(0.9, 1, 3 * 64).view(1, 3, 8, 8)
    for dtype in (torch.float32, torch.bfloat16):
        assert Overlay(alpha=alpha, images=white)(images.to(dtype)).max() <= 1


def test_draws_reach_every_distractor_and_flip_half():
    params = Overlay(images=pictures(7, 4, 4)).draw((7000, 9, 8, 8), seeded())
    values, counts = params["index"].unique(return_counts=True)
    assert values.tolist() == list(range(7))
    assert (counts - 1000).abs().max() < 4.5 * 1000**0.5
    assert abs(params["flip"].float().mean() - 0.5) < 4.5 * 0.5 / 7000**0.5


def test_distractors_are_resized_once_per_size():
    op = Overlay(count=3)
    for size in (16, 20, 16):
        op(torch.rand(2, 9, size, size))
    assert sorted(key[1:3] for key in op._laid_out) == [(16, 16), (20, 20)]
    assert all(value.shape[:2] == (6, 9) for value in op._laid_out.values())


def test_generated_pictures_are_seeded_and_varied():
    some = generate_pictures(6, seed=3)
    assert some.shape == (6, 3, 128, 128)
    assert some.dtype == torch.uint8
    assert torch.equal(some, generate_pictures.__wrapped__(6, seed=3))
    assert not torch.equal(some, generate_pictures(6, seed=4))
    assert (some.amin((2, 3)) == 0).all()
    assert (some.amax((2, 3)) == 255).all()
    areas = [len(picture.unique()) for picture in some[1::2]]
    assert max(areas) <= 12  # at most five levels a channel
    assert min(len(picture.unique()) for picture in some[::2]) > 100


def test_neighboring_pixels_are_alike_in_generated_pictures():
    smooth = generate_pictures(8, seed=0)[::2].float()
    step = (smooth[..., 1:] - smooth[..., :-1]).std()
    assert step < smooth.std() / 2


def test_folder_is_searched_and_read_in_rgb(folder):
    op = Overlay(folder=str(folder))
    assert op.distractors.shape == (10, 3, 128, 128)
    assert sorted(op.distractors[:, 0, 0, 0].tolist()) == [20 * number for number in range(10)]
    assert (op.distractors[:, 1] == 7).all()
    assert (op.distractors[:, 2] == 0).all()


def test_count_and_seed_choose_from_the_folder(folder):
    def indices(seed):
        return Overlay(folder=str(folder), count=4, seed=seed).distractors[:, 0, 0, 0].tolist()

    assert len(set(indices(0))) == 4
    assert indices(0) == indices(0)
    assert indices(0) != indices(1)


def test_folder_in_a_chain_is_quoted(folder):
    op = make(f"shift+overlay:folder='{folder}':count=2:alpha=0.25", 84)
    assert op.links[1] == Overlay(folder=str(folder), count=2, alpha=0.25)


def test_the_center_of_a_picture_is_read(tmp_path):
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = 255
    cv2.imwrite(str(tmp_path / "wide.png"), pixels)
    assert (read_picture(tmp_path / "wide.png", side=50) == 255).all()


def test_resize_averages():
    checkers = torch.tensor([[0, 255], [255, 0]], dtype=torch.uint8).repeat(1, 3, 32, 32)
    small = resize(checkers, 16, 16)
    assert small.shape == (1, 3, 16, 16)
    assert ((small.float() - 127.5).abs() < 2).all()
    assert resize(checkers, 64, 64) is checkers


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"alpha": 1.5}, "overlay: alpha must be in [0, 1], got 1.5"),
        ({"count": 0}, "overlay: count must be at least 1, got 0"),
        (
            {"images": torch.zeros(2, 3, 4, 4)},
            "overlay: images must be uint8 [M, 3, h, w], got 'torch.float32 [2, 3, 4, 4]'",
        ),
        (
            {"images": torch.zeros(0, 3, 4, 4, dtype=torch.uint8)},
            "overlay: images must be uint8 [M, 3, h, w], got 'torch.uint8 [0, 3, 4, 4]'",
        ),
        (
            {"folder": "/nowhere"},
            "overlay: folder must be one with .bmp, .jpeg, .jpg, .png, .webp files, got '/nowhere'",
        ),
    ],
)
def test_errors(options, text):
    with pytest.raises(ValueError) as error:
        Overlay(**options)
    assert str(error.value) == text


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "broken.png").write_text("no picture")
    with pytest.raises(ValueError) as error:
        _ = Overlay(folder=str(tmp_path)).distractors
    assert str(error.value) == (
        f"overlay: folder must hold pictures only, got {tmp_path / 'broken.png'}, which cannot be read"
    )


def test_given_distractors_replace_the_generated_ones(tmp_path):
    given = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 3, 4, 4)
    op = make("overlay:count=3:seed=4", distractors=given)
    assert isinstance(op, Overlay) and op.images is not None
    indices = [int(picture[0, 0, 0]) for picture in op.images]
    assert len(set(indices)) == 3 and set(indices) <= set(range(5))
    with pytest.raises(ValueError, match=r"^overlay: count must be at most 5, got 128"):
        make("overlay", distractors=given)
    with pytest.raises(ValueError, match="overlay: folder must be one with"):
        make(f"overlay:folder='{tmp_path}'", distractors=given)
