"""Maps that explain a number: against hand-computed cases, slow references and, where it is installed, captum."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import encoders
from encoders.base import Encoder
from rad.attention import maps
from rad.attention.maps import (
    grad_cam,
    gradient_map,
    hires_cam,
    perturbation_map,
    sarfa_map,
    shares,
    smooth_grad,
    softmax,
    z_softmax,
)

SIZES = {"pixel": (9, 28, 28), "impala": (3, 32, 32), "nature": (6, 40, 40)}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(name: str) -> tuple[Encoder, Tensor, nn.Module]:
    """Return an encoder, two images and a head with three outputs, in float64 so that numbers agree closely."""
    encoder = encoders.make(name, SIZES[name], generator=seeded(1)).double()
    torch.manual_seed(2)
    head = nn.Sequential(nn.Linear(encoder.feature_dim, 16), nn.Tanh(), nn.Linear(16, 3)).double()
    return encoder, torch.rand(2, *SIZES[name], generator=seeded(3), dtype=torch.float64), head


class Plain(Encoder):
    """One 1x1 convolution that sums red and green into one channel and takes blue as the other."""

    def __init__(self, side: int) -> None:
        convolution = nn.Conv2d(3, 2, 1, bias=False)
        convolution.weight.data = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).view(2, 3, 1, 1)
        super().__init__((3, side, side), nn.Sequential(convolution))


class TestStages:
    @pytest.mark.parametrize(("name", "count"), [("pixel", 4), ("impala", 3), ("nature", 3)])
    def test_number_and_maps(self, name: str, count: int) -> None:
        encoder, images, _ = make(name)
        assert encoder.num_stages == count
        for stage in range(-count, count):
            result = encoder.feature_map(images, stage)
            torch.testing.assert_close(encoder.forward_from(result, stage), encoder(images))
            torch.testing.assert_close(result, encoder.feature_map(images, stage % count))

    def test_a_stage_ends_after_its_activation(self) -> None:
        encoder, images, _ = make("pixel")
        assert all(encoder.feature_map(images, stage).min() == 0 for stage in range(4))

    def test_the_field_grows_with_the_stages(self) -> None:
        # 3x3 windows with strides 2, 1, 1, 1: sizes 3, 7, 11, 15 and first centers 1, 3, 5, 7, a jump of 2
        encoder, _, _ = make("pixel")
        fields = [encoder.receptive_field(stage) for stage in range(4)]
        assert [(field.jump, field.center, field.size) for field in fields] == [
            (2, 1, 3),
            (2, 3, 7),
            (2, 5, 11),
            (2, 7, 15),
        ]
        assert encoder.receptive_field() == fields[3]

    @pytest.mark.parametrize("stage", [4, -5, 99])
    def test_unknown_stages(self, stage: int) -> None:
        encoder, images, _ = make("pixel")
        with pytest.raises(ValueError, match=rf"^stage must be 0 to 3, or -1 to -4 from the end, got {stage}"):
            encoder.feature_map(images, stage)


class TestCams:
    def test_by_hand(self) -> None:
        # Two pixels side by side in a 1 x 2 image of [red+green, blue]: A = [[1, 2], [3, 4]] by channel.
        encoder = Plain(2)
        images = torch.zeros(1, 3, 2, 2)
        images[0, 0, 0], images[0, 2, 0] = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
        # y = 1 * A_0(left) + 2 * A_0(right) - 1 * A_1(left): features lie cell by cell, channels together.
        weights = torch.tensor([1.0, -1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        # HiResCAM: left 1*1 - 1*3 = -2 -> 0, right 2*2 = 4.
        result = hires_cam(encoder, lambda features: features @ weights, images)
        assert result[0].tolist() == [[0.0, 4.0], [0.0, 0.0]]
        # Grad-CAM: channel weights (1 + 2) / 4 = 0.75 and -1 / 4: left 0.75 - 0.75 = 0, right 1.5 - 1 = 0.5.
        result = grad_cam(encoder, lambda features: features @ weights, images)
        assert result[0].tolist() == [[0.0, 0.5], [0.0, 0.0]]

    @pytest.mark.parametrize("method", [grad_cam, hires_cam])
    @pytest.mark.parametrize("name", SIZES)
    def test_images_do_not_see_each_other_and_nothing_is_left_behind(
        self, name: str, method: Callable[..., Tensor]
    ) -> None:
        encoder, images, head = make(name)
        both = method(encoder, lambda f: head(f)[:, 1], images)
        alone = method(encoder, lambda f: head(f)[:, 1], images[1:])
        torch.testing.assert_close(both[1:], alone)
        assert both.min() >= 0 and not both.requires_grad
        against = method(encoder, lambda f: -head(f)[:, 1], images)
        assert max(both.max(), against.max()) > 0
        assert all(p.grad is None for p in [*encoder.parameters(), *head.parameters()])


class TestGradients:
    def test_by_finite_differences(self) -> None:
        encoder, images, head = make("nature")
        result = gradient_map(encoder, lambda f: head(f)[:, 0], images)
        assert result.shape == (2, 2, 40, 40)
        step = 1e-6
        for frame, y, x in ((0, 20, 20), (1, 10, 33)):
            sizes = 0.0
            for channel in range(3 * frame, 3 * frame + 3):
                moved = images.clone()
                moved[0, channel, y, x] += step
                with torch.no_grad():
                    sizes += abs(float(head(encoder(moved))[0, 0] - head(encoder(images))[0, 0])) / step
            assert float(result[0, frame, y, x]) == pytest.approx(sizes, rel=1e-3)

    def test_without_noise_smoothing_changes_nothing(self) -> None:
        encoder, images, head = make("pixel")
        plain = gradient_map(encoder, lambda f: head(f)[:, 0], images)
        still = smooth_grad(encoder, lambda f: head(f)[:, 0], images, seeded(), samples=3, noise=0.0)
        torch.testing.assert_close(still, plain)

    def test_it_is_the_mean_over_noisy_copies_and_reproduces(self) -> None:
        encoder, images, head = make("pixel")
        result = smooth_grad(encoder, lambda f: head(f)[:, 0], images, seeded(7), samples=2, noise=0.3)
        rng = seeded(7)
        copies = [images + 0.3 * torch.randn(images.shape, generator=rng) for _ in range(2)]
        expected = sum(gradient_map(encoder, lambda f: head(f)[:, 0], copy) for copy in copies) / 2
        torch.testing.assert_close(result, expected)


class TestPerturbation:
    def test_against_a_slow_reference(self) -> None:
        encoder, images, head = make("pixel")
        result = perturbation_map(encoder, head, images, grid=4, sigma_px=2.0, radius_px=3.0)
        blurred = maps.blur(images, 2.0)
        for i, j in ((0, 0), (1, 2), (3, 3)):
            cy, cx = (i + 0.5) * 28 / 4 - 0.5, (j + 0.5) * 28 / 4 - 0.5
            mask = torch.zeros(28, 28, dtype=torch.float64)
            for y in range(28):
                for x in range(28):
                    mask[y, x] = torch.exp(torch.tensor(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 3.0**2)))
            moved = head(encoder(images * (1 - mask) + blurred * mask)) - head(encoder(images))
            torch.testing.assert_close(result[:, i, j], 0.5 * moved.pow(2).sum(1), rtol=1e-4, atol=1e-12)

    def test_the_blur_is_a_gaussian(self) -> None:
        dot = torch.zeros(1, 1, 41, 41)
        dot[..., 20, 20] = 1
        result = maps.blur(dot, 3.0)[0, 0]
        assert float(result.sum()) == pytest.approx(1.0, abs=1e-5)
        assert float(result[20, 23] / result[20, 20]) == pytest.approx(2.718281828**-0.5, rel=1e-5)
        torch.testing.assert_close(result, result.T)
        torch.testing.assert_close(maps.blur(torch.full((1, 2, 9, 9), 0.3), 3.0), torch.full((1, 2, 9, 9), 0.3))

    def test_what_is_blurred_counts_where_it_is_looked_at(self) -> None:
        encoder = Plain(32)
        images = torch.rand(1, 3, 32, 32, generator=seeded())
        seen = torch.zeros(32, 32)
        seen[20:26, 4:10] = 1  # the only place that the output depends on

        def vector(features: Tensor) -> Tensor:
            return features.view(-1, 32, 32, 2)[:, 20:26, 4:10].flatten(1)

        result = perturbation_map(encoder, vector, images, grid=8)[0]
        row, column = divmod(int(result.argmax()), 8)
        assert seen[4 * row + 2, 4 * column + 2] == 1


class TestSarfa:
    def test_by_hand(self) -> None:
        # before (0.5, 0.25, 0.25), after (0.25, 0.25, 0.5): dP 0.25; rest before (.5, .5), after (1/3, 2/3):
        # KL(after || before) = ln 2 - H(1/3) = 0.693147 - 0.636514 = 0.056633; K = 0.946402
        before = torch.tensor([[0.5, 0.25, 0.25]]).log()
        after = torch.tensor([[0.25, 0.25, 0.5]]).log()
        expected = 2 * 0.25 * 0.946402 / (0.25 + 0.946402)
        assert float(maps._sarfa(before, after)) == pytest.approx(expected, abs=1e-5)
        # The action became more likely: nothing spoke for it here.
        assert float(maps._sarfa(after, torch.tensor([[0.1, 0.1, 0.8]]).log())) == 0.0

    def test_maps(self) -> None:
        encoder, images, head = make("impala")
        result = sarfa_map(encoder, lambda f: 20 * head(f), images, grid=5)
        assert result.shape == (2, 5, 5) and result.min() >= 0 and 0 < result.max() <= 1


def test_normalizations() -> None:
    values = torch.tensor([[[0.0, 1.0], [1.0, 2.0]]])
    assert shares(values)[0].tolist() == [[0.0, 0.25], [0.25, 0.5]]
    assert shares(torch.zeros(1, 2, 2))[0].tolist() == [[0.25, 0.25], [0.25, 0.25]]
    torch.testing.assert_close(softmax(values).sum(), torch.tensor(1.0))
    assert float(softmax(values)[0, 1, 1] / softmax(values)[0, 0, 0]) == pytest.approx(2.718281828**2, rel=1e-5)
    torch.testing.assert_close(z_softmax(values), z_softmax(100 * values + 3))


class TestCaptum:
    """The same numbers from another library."""

    @pytest.fixture(autouse=True)
    def _captum(self) -> None:
        pytest.importorskip("captum", reason="optional: pip install captum")

    @pytest.mark.parametrize("name", SIZES)
    def test_saliency(self, name: str) -> None:
        from captum.attr import Saliency

        encoder, images, head = make(name)
        expected = Saliency(lambda x: head(encoder(x))[:, 1]).attribute(images.clone().requires_grad_(True))
        result = gradient_map(encoder, lambda f: head(f)[:, 1], images)
        torch.testing.assert_close(result.double(), expected.unflatten(1, (-1, 3)).sum(2), atol=1e-5, rtol=0)

    @pytest.mark.parametrize("name", SIZES)
    def test_cams(self, name: str) -> None:
        from captum.attr import LayerGradCam, LayerGradientXActivation

        encoder, images, head = make(name)
        model: Any = nn.Sequential(encoder, head)
        given = images.clone().requires_grad_(True)
        expected = LayerGradCam(model, encoder.layers).attribute(given, target=1, relu_attributions=True)
        result = grad_cam(encoder, lambda f: head(f)[:, 1], images)
        torch.testing.assert_close(result.double(), expected[:, 0], atol=1e-5, rtol=0)
        expected = LayerGradientXActivation(model, encoder.layers).attribute(given, target=1).sum(1).relu()
        result = hires_cam(encoder, lambda f: head(f)[:, 1], images)
        torch.testing.assert_close(result.double(), expected, atol=1e-5, rtol=0)
