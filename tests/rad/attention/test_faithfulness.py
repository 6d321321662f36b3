"""Scores of maps: against a slow count, cases whose answer is known, and networks that forgot what they learned."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from encoders.base import Encoder
from rad.agents.sac import SACAgent
from rad.agents.targets import Target
from rad.attention import faithfulness as module
from rad.attention.faithfulness import (
    BLUR_PX,
    COPIES,
    NOISE,
    STEPS,
    complexity,
    complexity_rise,
    controls,
    faithfulness,
    randomized,
    rank_correlation,
    smoothed,
)
from rad.attention.maps import blur
from rad.attention.methods import Settings, attend
from tests.rad.agents.small import small_agent, small_batch

SIDE = 24


class Pixels(Encoder):
    """The image itself."""

    def __init__(self) -> None:
        convolution = nn.Conv2d(3, 3, 1, bias=False)
        convolution.weight.data = torch.eye(3).view(3, 3, 1, 1)
        super().__init__((3, SIDE, SIDE), nn.Sequential(convolution.requires_grad_(False)))


def spot(features: Tensor) -> Tensor:
    """Read a square of 4 x 4 pixels: all that the output depends on."""
    return features.view(-1, SIDE, SIDE, 3)[:, 4:8, 10:14].flatten(1)


TARGET = Target("spot", lambda f: spot(f).sum(1), spot, lambda a, b: (a - b).norm(dim=1))


def images(count: int = 2) -> Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def truth(count: int = 2) -> np.ndarray:
    result = np.zeros((count, SIDE, SIDE))
    result[:, 4:8, 10:14] = 1
    return result


class TestInsertionAndDeletion:
    def test_against_a_slow_count(self) -> None:
        """One image at a time, one share of the pixels after the other, the trapezoid's area by hand."""
        encoder, given = Pixels(), images()
        pixel_maps = np.random.default_rng(3).random((2, SIDE, SIDE))
        result = faithfulness(encoder, TARGET, given, pixel_maps, np.random.default_rng(0))
        blurred = blur(given, BLUR_PX)
        whole = float(TARGET.distance(spot(encoder(given)), spot(encoder(blurred))).mean())
        for number in range(2):
            order = np.argsort(-pixel_maps[number].ravel())
            curves: dict[str, list[float]] = {"insertion": [], "deletion": []}
            for step in range(STEPS + 1):
                count = -(-step * SIDE * SIDE // STEPS)
                chosen = torch.zeros(SIDE * SIDE, dtype=torch.bool)
                chosen[torch.from_numpy(order[:count].copy())] = True
                chosen = chosen.view(SIDE, SIDE)
                for name, (inside, outside) in {"insertion": (given, blurred), "deletion": (blurred, given)}.items():
                    mixed = torch.where(chosen, inside[number], outside[number])[None]
                    gap = spot(encoder(mixed)) - spot(encoder(given[number : number + 1]))
                    curves[name].append(float(gap.norm()) / whole)
            for name, values in curves.items():
                area = sum((left + right) / 2 / STEPS for left, right in pairwise(values))
                assert getattr(result, name)[number] == pytest.approx(area, rel=1e-5)

    def test_the_truth_beats_chance_and_its_opposite(self) -> None:
        scores = {}
        for name, pixel_maps in {"truth": truth(), "opposite": 1 - truth(), **controls((2, SIDE, SIDE), rng())}.items():
            scores[name] = faithfulness(Pixels(), TARGET, images(), pixel_maps, rng())
        insertion = {name: score.insertion.mean() for name, score in scores.items()}
        deletion = {name: score.deletion.mean() for name, score in scores.items()}
        assert insertion["truth"] < insertion["random"] < insertion["opposite"]
        assert deletion["truth"] > deletion["random"] > deletion["opposite"]

    def test_an_output_that_is_constant_scores_nothing(self) -> None:
        constant = Target("", lambda f: f[:, 0], lambda f: f[:, :1] * 0, lambda a, b: (a - b).norm(dim=1))
        result = faithfulness(Pixels(), constant, images(), truth(), rng())
        assert not result.insertion.any() and not result.deletion.any()

    def test_ties_are_broken_by_chance_and_not_from_the_top(self) -> None:
        ranks = module._ranks(np.ones((1, SIDE, SIDE)), rng())
        assert sorted(ranks.ravel()) == pytest.approx(np.arange(SIDE**2) / SIDE**2)
        assert 0.4 < ranks[0, : SIDE // 2].mean() < 0.6


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_controls() -> None:
    result = controls((3, 20, 30), rng())
    assert {name: values.shape for name, values in result.items()} == {"random": (3, 20, 30), "center": (3, 20, 30)}
    row = result["center"][0, 10]
    assert row.argmax() in (14, 15) and row[0] == pytest.approx(row[-1])
    # half a side from the middle is two standard deviations
    assert result["center"][0, 0, 15] / result["center"][0, 10, 15] == pytest.approx(np.exp(-2), rel=0.02)


def given_images(agent: SACAgent) -> Tensor:
    return agent.views.eval_view(small_batch(size=2).obs)


class TestRandomized:
    def test_from_the_heads_down_to_the_first_layer(self) -> None:
        agent, fresh = small_agent(seed=1), small_agent(seed=2)
        before = {name: value.clone() for name, value in agent.encoder.state_dict().items()}
        seen, outputs = [], []
        obs = given_images(agent)
        for level, changed in randomized(agent, fresh):
            seen.append(level)
            outputs.append(changed.actor(changed.encoder(obs)).mean)
            left = [name for name, value in changed.encoder.state_dict().items() if torch.equal(value, before[name])]
        count = agent.encoder.num_stages
        assert seen == ["heads", *(f"stage {number}" for number in reversed(range(count)))]
        assert all(not before[name].any() for name in left)  # biases begin at zero everywhere
        torch.testing.assert_close(outputs[-1], fresh.actor(fresh.encoder(obs)).mean)
        assert all(torch.equal(value, before[name]) for name, value in agent.encoder.state_dict().items())

    def test_the_activation_is_blind_to_the_heads_and_what_uses_them_is_not(self) -> None:
        agent, fresh = small_agent(seed=1), small_agent(seed=2)
        given = given_images(agent)

        def result(method: str, of: SACAgent) -> np.ndarray:
            return attend(method, of.encoder, of.target("policy"), given, Settings())

        alike = {
            method: {
                level: rank_correlation(result(method, agent), result(method, changed))
                for level, changed in randomized(agent, fresh)
            }
            for method in ("activation", "hires_cam", "gradient", "perturbation")
        }
        assert alike["activation"]["heads"] == pytest.approx(1.0)
        assert all(alike[method]["heads"] < 0.999 for method in ("hires_cam", "gradient", "perturbation"))
        assert all(levels["stage 0"] < 0.99 for levels in alike.values())


def test_rank_correlation_by_hand() -> None:
    """Ranks 1 2 3 4 against 2 1 3 4: 1 - 6 * (1 + 1) / (4 * 15) = 0.8; reversed -1; the mean of both -0.1."""
    first = np.array([[[1.0, 2.0], [3.0, 9.0]]] * 2)
    second = np.array([[[2.0, 1.0], [3.0, 4.0]], [[4.0, 3.0], [2.0, 1.0]]])
    assert rank_correlation(first, second) == pytest.approx(-0.1)


def test_rank_correlation_shares_ranks_of_ties() -> None:
    """Ranks 1.5 1.5 3 4 against 1 2 3 4: products of the deviations sum to 4.5, squares to 4.5 and 5."""
    first, second = np.array([[[1.0, 1.0, 2.0, 7.0]]]), np.array([[[1.0, 2.0, 3.0, 4.0]]])
    assert rank_correlation(first, second) == pytest.approx(4.5 / np.sqrt(4.5 * 5.0))


def test_a_flat_map_has_no_rank_correlation() -> None:
    assert rank_correlation(np.ones((1, 3, 3)), np.random.default_rng(0).random((1, 3, 3))) == 0.0


class TestSmoothed:
    def test_the_mean_over_noisy_copies(self) -> None:
        """A map that is the image itself: the mean of the copies is the image, and noise that their number shrinks."""
        given = 0.5 * images(4)
        spread = (given.amax((1, 2, 3)) - given.amin((1, 2, 3))).numpy()
        result = smoothed(lambda noisy: {"red": noisy[:, 0].numpy()}, given, torch.Generator().manual_seed(0))["red"]
        deviation = (result - given[:, 0].numpy()).std((1, 2))
        assert result.shape == (4, SIDE, SIDE)
        np.testing.assert_allclose(deviation, NOISE * spread / np.sqrt(COPIES), rtol=0.1)

    def test_two_agents_see_the_same_noise(self) -> None:
        first, again = (
            smoothed(lambda noisy: {"red": noisy[:, 0].numpy()}, images(), torch.Generator().manual_seed(3))
            for _ in range(2)
        )
        np.testing.assert_array_equal(first["red"], again["red"])

    def test_noise_of_a_method_by_itself_no_longer_counts(self) -> None:
        """A map with random noise on a gradient: two such maps are less alike than their means are."""
        rng = np.random.default_rng(0)
        slope = np.linspace(0, 1, SIDE * SIDE).reshape(1, SIDE, SIDE)

        def noisy_maps(_: Tensor) -> dict[str, np.ndarray]:
            return {"": slope + rng.normal(0, 0.5, slope.shape)}

        plain = rank_correlation(noisy_maps(images())[""], noisy_maps(images())[""])
        means = [smoothed(noisy_maps, images(), torch.Generator())[""] for _ in range(2)]
        assert rank_correlation(*means) > plain + 0.2


class TestComplexity:
    def test_by_hand(self) -> None:
        """Half of the pixels at either of two values: ln 2; four values alike: ln 4; a single value: 0."""
        two = np.array([[0.0, 0.0], [1.0, 1.0]])
        four = np.array([[0.0, 1.0], [2.0, 3.0]])
        result = complexity(np.stack([two, four, np.ones((2, 2))]))
        assert result.tolist() == [pytest.approx(np.log(2)), pytest.approx(np.log(4)), 0.0]
        np.testing.assert_allclose(complexity(7.0 * four[None]), np.log(4))  # whatever its unit

    def test_the_rise_by_hand(self) -> None:
        """From ln 2 to ln 4 it is 1 of itself; the other way 1/2 is lost; what was flat before is left out."""
        two, four = np.array([[[0.0, 0.0], [1.0, 1.0]]]), np.array([[[0.0, 1.0], [2.0, 3.0]]])
        assert complexity_rise(two, four) == pytest.approx(1.0)
        assert complexity_rise(four, two) == pytest.approx(-0.5)
        both = np.concatenate([np.ones((1, 2, 2)), two]), np.concatenate([two, four])
        assert complexity_rise(*both) == pytest.approx(1.0)
        assert complexity_rise(np.ones((1, 2, 2)), four) == 0.0
