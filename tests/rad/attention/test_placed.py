"""Methods by name lie over the frame where they should; masses and margins by hand."""

import numpy as np
import pytest
import torch

from rad.attention.lift import area_of, dilate, mass_on, relevance_rank_accuracy, where_seen
from rad.attention.methods import METHODS, Settings, allowed_methods, attend, check_methods
from tests.rad.agents import small_ppo

AGENT = small_ppo.small_agent(discrete=True)
TARGET = AGENT.target("policy")


def images(count: int = 3) -> torch.Tensor:
    return torch.rand(count, *AGENT.encoder.image_shape, generator=torch.Generator().manual_seed(1))


class TestMethods:
    @pytest.mark.parametrize("method", METHODS)
    def test_each_gives_a_share_of_one_for_every_pixel(self, method: str) -> None:
        result = attend(method, AGENT.encoder, TARGET, images(), Settings())
        assert result.shape == (3, small_ppo.IMAGE, small_ppo.IMAGE) and result.dtype == np.float32
        assert result.min() >= 0
        np.testing.assert_allclose(result.sum((1, 2)), 1.0, rtol=1e-5)
        np.testing.assert_array_equal(result, attend(method, AGENT.encoder, TARGET, images(), Settings()))

    # The noise of smooth_grad is drawn for the batch.
    @pytest.mark.parametrize("method", [method for method in METHODS if method != "smooth_grad"])
    def test_an_image_has_the_map_that_it_has_alone(self, method: str) -> None:
        both = attend(method, AGENT.encoder, TARGET, images(), Settings())
        alone = attend(method, AGENT.encoder, TARGET, images()[1:2], Settings())
        np.testing.assert_allclose(both[1:2], alone, atol=1e-6)

    @pytest.mark.parametrize(
        "other", [Settings(stage=0), Settings(power=4.0), Settings(norm="softmax"), Settings(norm="zsoftmax")]
    )
    def test_settings_bite(self, other: Settings) -> None:
        plain, changed = (attend("activation", AGENT.encoder, TARGET, images(), how) for how in (Settings(), other))
        assert np.abs(plain - changed).max() > 1e-6

    def test_noise_depends_on_the_seed(self) -> None:
        one, two = (attend("smooth_grad", AGENT.encoder, TARGET, images(), Settings(seed=seed)) for seed in (1, 2))
        assert np.abs(one - two).max() > 1e-6

    def test_methods_that_are_unknown_or_do_not_fit(self) -> None:
        check_methods(METHODS, TARGET)
        with pytest.raises(ValueError, match="unknown method 'lime'; known: activation"):
            check_methods(["lime"], TARGET)
        with pytest.raises(ValueError, match="sarfa needs discrete actions"):
            check_methods(["sarfa"], small_ppo.small_agent(discrete=False).target("policy"))

    def test_a_method_that_is_added_is_allowed_wherever_it_fits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(METHODS, "own", METHODS["gradient"])
        continuous = small_ppo.small_agent(discrete=False).target("policy")
        assert set(allowed_methods(TARGET)) - set(allowed_methods(continuous)) == {"sarfa"}
        assert "own" in allowed_methods(continuous)


class TestLift:
    def test_mass_and_area_by_hand(self) -> None:
        pixel_maps = np.array([[[1.0, 2.0], [3.0, 4.0]]])
        mask = np.array([[[True, False], [False, True]]])
        assert mass_on(pixel_maps, mask).tolist() == [0.5]  # (1 + 4) / 10
        assert area_of(mask).tolist() == [0.5]
        assert mass_on(np.ones((1, 2, 2)), mask) == area_of(mask)

    def test_relevance_rank_accuracy_by_hand(self) -> None:
        """The two highest of 4 3 2 1 are on one of two pixels; where three share a value, 1 of them is drawn in 3."""
        mask = np.array([[[True, False], [False, True]]] * 3)
        pixel_maps = np.array([[[4.0, 3.0], [2.0, 1.0]], [[5.0, 1.0], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])
        assert relevance_rank_accuracy(pixel_maps, mask).tolist() == [0.5, pytest.approx((1 + 1 / 3) / 2), 0.5]
        assert relevance_rank_accuracy(mask.astype(float), mask).tolist() == [1.0, 1.0, 1.0]
        assert relevance_rank_accuracy(-mask.astype(float), mask).tolist() == [0.0, 0.0, 0.0]

    def test_a_margin_by_hand(self) -> None:
        mask = np.zeros((2, 7, 7), bool)
        mask[0, 3, 3] = mask[1, 0, 6] = True
        wide = dilate(mask, 2)
        assert wide[0].sum() == 25 and wide[0, 1:6, 1:6].all()
        assert wide[1].sum() == 9 and wide[1, :3, 4:].all()  # cut by the frame
        np.testing.assert_array_equal(dilate(mask, 0), mask)

    def test_shapes_must_agree(self) -> None:
        with pytest.raises(ValueError, match=r"maps have shape \[1, 2, 2\] and masks \[1, 3, 3\]"):
            mass_on(np.ones((1, 2, 2)), np.ones((1, 3, 3), bool))


@pytest.mark.parametrize(
    ("covered", "seen"),
    [([4, 4, 2, 1, 0], [0, 1, 2, 3]), ([0, 5, 4, 6, 1], [1, 2, 3]), ([0, 0], [0, 1]), ([3], [0])],
    ids=["half of the usual counts", "out of sight", "never seen", "one"],
)
def test_where_the_robot_is_seen(covered: list[int], seen: list[int]) -> None:
    masks = np.arange(9).reshape(1, 3, 3) < np.array(covered).reshape(-1, 1, 1)
    assert where_seen(masks).tolist() == seen
