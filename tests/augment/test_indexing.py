import pytest
import torch

from augment.indexing import change_some, take_images, take_pixels, take_windows

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def numbered(batch, channels, height, width, layout):
    count = batch * channels * height * width
    return torch.arange(count).view(batch, channels, height, width).contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_take_windows(layout):
    images = numbered(2, 3, 5, 7, layout)
    rows, left = torch.tensor([[4, 0, 0], [1, 2, 3]]), torch.tensor([3, 0])
    out = take_windows(images, rows, left, 4)
    assert torch.equal(out[0], images[0][:, [4, 0, 0], 3:7])
    assert torch.equal(out[1], images[1][:, 1:4, :4])
    assert out.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_take_pixels(layout):
    images = numbered(2, 3, 5, 7, layout)
    index = torch.tensor([[[34, 0]], [[7, 8]]])
    out = take_pixels(images, index)
    assert out.shape == (2, 3, 1, 2)
    assert torch.equal(out[0, :, 0], torch.stack([images[0, :, 4, 6], images[0, :, 0, 0]], 1))
    assert torch.equal(out[1, :, 0], images[1, :, 1, :2])
    assert out.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_take_images(layout):
    images = numbered(3, 3, 5, 7, layout)
    out = take_images(images, torch.tensor([2, 0, 2]))
    assert torch.equal(out, images[[2, 0, 2]])
    assert out.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("mask", [[False, False, False], [True, False, True], [True, True, True]])
def test_change_some_sees_the_chosen_images_only(mask):
    images = numbered(3, 3, 5, 7, torch.channels_last)
    seen = []

    def negate(some, params):
        seen.append((some.clone(), params["number"].tolist()))
        return -some

    mask = torch.tensor(mask)
    out = change_some(images, mask, negate, {"number": torch.arange(3)})
    assert torch.equal(out, torch.where(mask[:, None, None, None], -images, images))
    if mask.any():
        assert torch.equal(seen[0][0], images[mask])
        assert seen[0][1] == mask.nonzero()[:, 0].tolist()
    else:
        assert not seen
