"""Whether a map depends on the agent: perturbations in the map's order, and layers without what they learned."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders import Encoder
from rad.agents.base import Agent
from rad.agents.targets import Target
from rad.attention.maps import blur
from rad.report.stats.correlation import spearman

AgentT = TypeVar("AgentT", bound=Agent)
BLUR_PX = 5.0
STEPS = 12  # shares of the pixels at which the output is measured
BATCH = 32
COPIES, NOISE = 8, 0.1  # of the smooth randomization test
BINS = 100  # of the efficient one


class Faithfulness(NamedTuple):
    """How the output moves when pixels are blurred in the order of a map."""

    # The mean distance from the output while a blurred image is made sharp, the most important pixels first, in parts
    # of the distance when all is blurred; float [B], lower is better.
    insertion: NDArray[np.float64]
    # The same while the sharp image is blurred; higher is better. An image that is half blurred is like none the
    # agent has seen, which moves the output by itself: trust insertion more.
    deletion: NDArray[np.float64]


@torch.no_grad()
def faithfulness(
    encoder: Encoder, target: Target, images: Tensor, pixel_maps: NDArray[np.floating], generator: np.random.Generator
) -> Faithfulness:
    """Score maps by insertion and deletion, the area under each curve.

    Images are float [B, C, H, W] in [0, 1]. Of the maps, float [B, H, W], only the order of the pixels counts; the
    generator breaks ties. The unit is the mean, over the images, of the distance when all is blurred.

    Source: Petsiuk et al. 2018 (RISE, arXiv 1806.07421), section 4.3, with a blur in place of gray, and a distance
    between outputs in place of a class's probability.
    """
    ranks = _ranks(pixel_maps, generator)
    parts = [_curves(encoder, target, *both) for both in zip(images.split(BATCH), torch.from_numpy(ranks).split(BATCH))]
    inserted, deleted = (torch.cat([part[i] for part in parts]).double().cpu() for i in range(2))
    whole = float(inserted[:, 0].mean()) or 1.0  # nothing moves an output that is constant
    return Faithfulness(*((torch.trapezoid(c, dx=1 / STEPS) / whole).numpy() for c in (inserted, deleted)))


def controls(shape: tuple[int, int, int], generator: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Return maps that know nothing of the agent, [B, H, W] each: random pixels, and a Gaussian about the center."""
    _, height, width = shape
    rows, columns = (np.linspace(-1.0, 1.0, side) for side in (height, width))
    center = np.exp(-2.0 * (rows[:, None] ** 2 + columns[None] ** 2))  # standard deviation: a quarter of the side
    return {"random": generator.random(shape), "center": np.broadcast_to(center, shape)}


def randomized(agent: AgentT, untrained: AgentT) -> Iterator[tuple[str, AgentT]]:
    """Yield the agent with ever more layers of an untrained one, from the heads down to the first layer.

    A map that hardly changes does not depend on what those layers have learned. The agent itself is left as it is; the
    untrained one has its shape, best with other weights than it began with.

    Yields:
        What was replaced last, and the agent with all that was replaced so far.

    Source: Adebayo et al. 2018 (arXiv 1810.03292), section 4, the cascading test.
    """
    changed = copy.copy(agent)
    changed.encoder = copy.deepcopy(agent.encoder)
    for name in agent.heads:
        setattr(changed, name, getattr(untrained, name))
    yield "heads", changed
    for stage in reversed(range(agent.encoder.num_stages)):
        changed.encoder.stage(stage).load_state_dict(untrained.encoder.stage(stage).state_dict())
        yield f"stage {stage}", changed


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Return Spearman's rank correlation of two maps [B, h, w], the mean over B; in -1..1.

    A map that is equal everywhere has no ranks and counts as 0. Ties share the mean of their ranks.
    """
    pairs = zip(first.reshape(len(first), -1), second.reshape(len(second), -1), strict=True)
    return float(np.mean([spearman(a, b) for a, b in pairs]))


def smoothed(
    make: Callable[[Tensor], Mapping[str, NDArray[np.float32]]], images: Tensor, generator: torch.Generator
) -> dict[str, NDArray[np.float32]]:
    """Average the maps that `make` gives, by method, over noisy copies of images float [B, C, H, W] in [0, 1].

    Compared by `rank_correlation` before and after the layers are randomized, they are the smooth randomization test:
    noise that a method has by itself no longer counts as a change. The noise has a deviation of `NOISE` of each image's
    range and is drawn on the CPU.

    Source: Hedström et al. 2023 (arXiv 2401.06465), section 4.1; they average 50 copies of photographs.
    """
    spread = NOISE * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
    noise = (torch.randn(images.shape, generator=generator).to(images.device) for _ in range(COPIES))
    maps = [make(images + spread * drawn) for drawn in noise]
    return {name: np.mean([of_copy[name] for of_copy in maps], axis=0) for name in maps[0]}


def complexity(pixel_maps: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the entropy of the histogram of each map's values, float [B] in nats: 0 for a map equal everywhere.

    The histogram has `BINS` bins between the map's lowest and highest value.
    """
    counts = np.stack([np.histogram(values, BINS)[0] for values in pixel_maps])
    shares = counts / counts.sum(1, keepdims=True)
    return -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(1) + 0.0


def complexity_rise(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Return by how much of itself the complexity of maps [B, H, W] rises as layers are randomized, the mean over B.

    A map that shows what was learned is simpler than that of a random network: higher is better. Maps that are equal
    everywhere before are left out; where all are, the rise is 0.

    Source: Hedström et al. 2023, section 4.2, the efficient randomization test.
    """
    first, last = complexity(before), complexity(after)
    varied = first > 0
    return float(np.mean((last[varied] - first[varied]) / first[varied])) if varied.any() else 0.0


def _curves(encoder: Encoder, target: Target, images: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distances [B, STEPS + 1] while the images are made sharp, and while they are blurred."""
    ranks = ranks.to(images.device)[:, None]
    blurred, sharp_vector = blur(images, BLUR_PX), target.vector(encoder(images))
    inserted: list[Tensor] = []
    deleted: list[Tensor] = []
    for step in range(STEPS + 1):
        first = ranks < step / STEPS
        for curve, inside, outside in ((inserted, images, blurred), (deleted, blurred, images)):
            mixed = torch.where(first, inside, outside)
            curve.append(target.distance(sharp_vector, target.vector(encoder(mixed))))
    return torch.stack(inserted, 1), torch.stack(deleted, 1)


def _ranks(pixel_maps: NDArray[np.floating], generator: np.random.Generator) -> NDArray[np.float64]:
    """Return the place of each pixel in the order of its map, in [0, 1): 0 for the highest; ties are shuffled."""
    flat = pixel_maps.reshape(len(pixel_maps), -1)
    order = np.lexsort((generator.random(flat.shape), -flat))
    ranks = np.empty(flat.shape)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(flat.shape[1]) / flat.shape[1], flat.shape), 1)
    return ranks.reshape(pixel_maps.shape)
