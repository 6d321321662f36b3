"""What objects do to an output: by hand on painted squares, and to a policy that looks at the pole alone."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import augment
from encoders.base import Encoder
from rad import envs
from rad.agents.targets import Target
from rad.agents.views import Views
from rad.attention.ground_truth.agreement import agreement
from rad.attention.ground_truth.effects import Truth, ground_truth, truth_maps
from rad.attention.states import ObjectStates

SIDE = 12


class Pixels(Encoder):
    """The image itself, C x H x W features."""

    def __init__(self, channels: int, side: int) -> None:
        convolution = nn.Conv2d(channels, channels, 1, bias=False)
        convolution.weight.data = torch.eye(channels).view(channels, channels, 1, 1)
        super().__init__((channels, side, side), nn.Sequential(convolution.requires_grad_(False)))

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)


def linear_agent(weights: Tensor, op: str = "none") -> Any:
    """Return an agent whose action is a weighted sum of its pixels, weights [C, H, W]."""
    channels, side, _ = weights.shape

    def action(features: Tensor) -> Tensor:
        return features @ weights.flatten()[:, None]

    target = Target("policy", lambda f: action(f)[:, 0], action, lambda a, b: (a - b).norm(dim=1))
    views = Views(augment.make(op, size=side), torch.Generator())
    return SimpleNamespace(
        encoder=Pixels(channels, side), views=views, device=torch.device("cpu"), target=lambda name: target
    )


def painted() -> tuple[np.ndarray, ObjectStates]:
    """Return two states and their objects: a red square of 4 pixels, a green one of 9, one that is hidden, a floor."""
    labels = np.full((2, SIDE, SIDE), 3, np.int16)
    labels[:, 1:3, 1:3], labels[:, 5:8, 5:8] = 0, 1
    obs = np.zeros((2, 3, SIDE, SIDE), np.uint8)
    for number, channel in ((0, 0), (1, 1), (3, 2)):
        obs[:, channel][labels == number] = 255
    changed = np.repeat(obs[:, None], 4, axis=1)
    for number in (0, 1, 3):
        changed[:, number] *= (labels != number)[:, None].astype(np.uint8)
    masks = np.stack([labels == number for number in range(4)], axis=1)
    return obs, ObjectStates(("red", "green", "hidden", "floor"), masks, changed)


def looking_at(channel: int) -> Any:
    weights = torch.zeros(3, SIDE, SIDE)
    weights[channel] = 1.0
    return linear_agent(weights)


def measured(agent: Any) -> Truth:
    obs, objects = painted()
    return ground_truth(agent, "policy", agent.views.eval_view(torch.from_numpy(obs)), objects)


@pytest.mark.parametrize(("channel", "effects"), [(0, [4, 0, 0, 0]), (1, [0, 9, 0, 0]), (2, [0, 0, 0, 131])])
def test_a_policy_that_looks_at_one_color(channel: int, effects: list[float]) -> None:
    """By hand: a square of n pixels that vanishes takes n from the sum of its color."""
    truth = measured(looking_at(channel))
    assert truth.effects.tolist() == [effects] * 2
    assert truth.visible.tolist() == [[True, True, False, True]] * 2
    assert truth.masks.sum((2, 3)).tolist() == [[4, 9, 0, 131]] * 2


def test_the_map_of_the_truth_lies_on_what_matters() -> None:
    truth = measured(looking_at(0))
    maps = truth_maps(truth)
    assert maps.sum((1, 2)) == pytest.approx(1.0) and maps.dtype == np.float32
    assert maps[:, 1:3, 1:3] == pytest.approx(0.25) and maps[:, 5:8, 5:8].max() == 0


def test_each_pixel_has_its_share_of_the_effect() -> None:
    """Effects 4 and 2 x 9 of 22: a pixel of the red square has 1/22, one of the green 2/22."""
    weights = torch.zeros(3, SIDE, SIDE)
    weights[0], weights[1] = 1.0, 2.0
    maps = truth_maps(measured(linear_agent(weights)))
    assert maps[0, 1, 1] == pytest.approx(1 / 22) and maps[0, 5, 5] == pytest.approx(2 / 22)


def test_where_nothing_matters_the_map_is_uniform() -> None:
    maps = truth_maps(measured(linear_agent(torch.zeros(3, SIDE, SIDE))))
    assert maps == pytest.approx(1 / SIDE**2)


def test_masks_are_cropped_as_the_image_is() -> None:
    """A center crop from 12 to 8 pixels leaves 2 at each edge away: one of the red square's four pixels is left."""
    agent = linear_agent(torch.ones(3, 8, 8), op="crop")
    obs, objects = painted()
    truth = ground_truth(agent, "policy", agent.views.eval_view(torch.from_numpy(obs)), objects)
    assert truth.masks.shape == (2, 4, 8, 8) and truth.masks[0, 0].sum() == 1 and truth.masks[0, 0, 0, 0]
    assert truth.effects[0, 0] == 1.0


@pytest.mark.slow
def test_in_the_simulator_a_policy_that_looks_at_the_pole() -> None:
    """Its weights are 1 where the pole is drawn, in all frames of the stack: no other object has an effect."""
    pytest.importorskip("dm_control")
    env: Any = envs.make("dmc/cartpole-swingup", image_size=48, frame_stack=2, render_quality="fast")
    obs, _ = env.reset(seed=1)
    drawn = env.call("object_frames", "removed")[0]
    env.close()
    pole = drawn.names.index("pole_1")
    objects = ObjectStates(drawn.names, drawn.masks[None], np.concatenate([drawn.frames] * 2, 1)[None])
    shows_pole = (drawn.frames[pole] != obs[0, -3:]).any(0)
    weights = torch.from_numpy(shows_pole.astype(np.float32)).expand(6, 48, 48)
    agent = linear_agent(weights.contiguous())
    truth = ground_truth(agent, "policy", agent.views.eval_view(torch.from_numpy(obs)), objects)
    shares = truth.effects[0] / truth.effects[0].sum()
    assert shares.tolist() == [float(number == pole) for number in range(len(drawn.names))]
    assert agreement(truth_maps(truth), truth)["rank_accuracy"].tolist() == [pytest.approx(1.0)]
