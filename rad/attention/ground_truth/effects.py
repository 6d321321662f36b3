"""The ground truth of attention: how far an agent's output moves when one object of the scene is changed."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rad.agents.base import Agent
from rad.attention.states import ObjectStates

BATCH = 32

Masks = NDArray[np.bool_]


class Truth(NamedTuple):
    """What each object does to an agent's output in some states."""

    names: tuple[str, ...]  # of the objects
    masks: Masks  # bool [B, O, H, W], which pixels of the newest frame show it, each one at most
    effects: NDArray[np.float64]  # float [B, O], at least 0: how far the output moves when the object is changed

    @property
    def visible(self) -> Masks:
        """Which objects have pixels, bool [B, O]: what is hidden or out of the frame counts for nothing."""
        return self.masks.any((2, 3))

    @property
    def areas(self) -> NDArray[np.float64]:
        """The share of the frame that each object covers, float [B, O]."""
        return self.masks.mean((2, 3))


@torch.no_grad()
def ground_truth(agent: Agent, target: str, images: Tensor, objects: ObjectStates) -> Truth:
    """Measure what each object does to an output, with images float [B, C, H, W] of the unchanged states.

    The effect is the target's own distance: of `policy`, that between mean actions, or for discrete actions the
    divergence KL(unchanged || changed) of their distributions.
    """
    explained = agent.target(target)
    before = [explained.vector(agent.encoder(part)) for part in images.split(BATCH)]
    masks, effects = [], []
    for number in range(len(objects.names)):
        changed = torch.from_numpy(objects.obs[:, number]).split(BATCH)
        views = (agent.views.eval_view(part.to(agent.device)) for part in changed)
        moved = [
            explained.distance(vector, explained.vector(agent.encoder(view))) for vector, view in zip(before, views)
        ]
        effects.append(torch.cat(moved).double().cpu().numpy())
        masks.append(view_of_masks(agent, objects.masks[:, number]))
    return Truth(objects.names, np.stack(masks, axis=1), np.stack(effects, axis=1))


def view_of_masks(agent: Agent, masks: Masks) -> Masks:
    """Crop masks bool [B, H, W] as the encoder's input is cropped from the observation."""
    stack = np.repeat((masks[:, None] * np.uint8(255)), agent.encoder.image_shape[0], axis=1)
    return (agent.views.eval_view(torch.from_numpy(stack).to(agent.device))[:, -1] > 0.5).cpu().numpy()


def truth_maps(truth: Truth) -> NDArray[np.float32]:
    """Lay effects over the frame, float32 [B, H, W] with sum 1: an object's effect is spread evenly over its pixels.

    So the mass of the map on an object is its share of all effects, whatever its size. Where nothing has an effect, the
    map is uniform.
    """
    per_pixel = np.divide(truth.effects, truth.areas, out=np.zeros_like(truth.effects), where=truth.visible)
    maps = np.einsum("bo,boyx->byx", per_pixel, truth.masks)
    total = maps.sum((1, 2), keepdims=True)
    return np.where(total > 0, maps / np.where(total > 0, total, 1.0), 1.0 / maps[0].size).astype(np.float32)
