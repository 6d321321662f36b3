import subprocess
import sys

import pytest
import torch

from augment import Augmentation, Crop, Identity
from augment.base import coins, integers, is_channels_last, uniform


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_identity_returns_the_same_tensor():
    images = torch.rand(2, 9, 4, 4)
    assert Identity()(images) is images
    assert Identity().draw(images.shape) == {}


def test_an_op_of_ones_own_needs_two_methods():
    class Darken(Augmentation):
        takes_bytes = False

        def _draw(self, shape, generator):
            return {"light": uniform(shape[0], 0, 1, generator)}

        def _apply(self, images, params):
            return images * params["light"][:, None, None, None]

    out = Darken()(torch.ones(4, 3, 2, 2), seeded())
    assert len(out.unique()) == 4
    with pytest.raises(TypeError) as error:
        Darken()(torch.ones(4, 3, 2, 2, dtype=torch.uint8))
    assert str(error.value) == "Darken takes float images in [0, 1], got torch.uint8"


def test_generator_must_be_on_the_cpu(monkeypatch):
    class Elsewhere:
        device = torch.device("cuda:0")

    with pytest.raises(ValueError) as error:
        Crop(4).draw((1, 3, 8, 8), Elsewhere())
    assert str(error.value) == "generator must be on the cpu, got one on cuda:0"


def test_integers_include_both_ends():
    assert sorted(integers(500, -2, 3, seeded()).unique().tolist()) == [-2, -1, 0, 1, 2, 3]
    assert integers(3, 5, 5, seeded()).tolist() == [5, 5, 5]


def test_uniform_and_coins():
    values = uniform(5000, -1, 3, seeded())
    assert -1 <= values.min() < -0.99
    assert 2.99 < values.max() <= 3
    assert not coins(100, 0.0, seeded()).any()
    assert coins(100, 1.0, seeded()).all()


def test_is_channels_last():
    images = torch.rand(2, 9, 4, 4)
    assert not is_channels_last(images)
    assert is_channels_last(images.contiguous(memory_format=torch.channels_last))
    assert is_channels_last(images.contiguous(memory_format=torch.channels_last)[:, :, 1:3, 1:3])


@pytest.mark.slow
def test_import_needs_torch_alone():
    heavy = ("kornia", "torchvision", "cv2", "gymnasium", "dm_control", "matplotlib", "rad", "encoders")
    script = f"import sys, augment; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
