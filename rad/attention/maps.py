"""Methods that turn an encoder and images into maps: where its features are active, and what a number depends on.

A map of a stage has that stage's cells; maps of the input have the image's pixels. Images x are float [B, C, H, W] in
[0, 1], as the encoder takes them. `Output` is what a map explains: it takes the encoder's flat features and returns a
number y for each image. A is the feature map of a stage.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from encoders import Encoder
from rad.agents.targets import Output, Vector

AT_A_TIME = 28  # perturbed images


@torch.no_grad()
def activation_map(encoder: Encoder, images: Tensor, power: float = 1.0, stage: int = -1, norm: str = "sum") -> Tensor:
    """Average the activation of a stage over its channels.

    m_ij = mean_c |A_cij|^p, divided by its sum over the map. RAD shows a spatial softmax instead, which at
    temperature 1 is flat to four digits on this encoder and so cannot be compared.

    Larger powers p than 1, which is RAD's, weigh strong activations more; `norm` is one of `NORMS`.

    Returns:
        float32 [B, h, w], each map at least 0 with sum 1. An image that activates nothing has a uniform map.

    Raises:
        ValueError: `power` is not above 0, or there is no such stage or norm.

    Source: Zagoruyko and Komodakis 2017, eq. F_sum^p (mean for sum); Laskin et al. 2020, attention figure.
    """
    if not 0 < power < math.inf:
        raise ValueError(f"power is {power}; expected above 0 and finite")
    if norm not in NORMS:
        raise ValueError(f"unknown norm '{norm}'; known: {', '.join(NORMS)}")
    activation = encoder.feature_map(images, stage).float().abs()
    # Relative to the largest before the power, which would make small numbers vanish.
    largest = activation.amax((1, 2, 3), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    relative = (activation / largest).pow(power).mean(1)
    # The plain softmax alone depends on the unit.
    return NORMS[norm](relative * largest[:, 0].pow(power) if norm == "softmax" else relative)


def grad_cam(encoder: Encoder, output: Output, images: Tensor, stage: int = -1) -> Tensor:
    """Weigh a stage's channels by the mean gradient of a number: relu(sum_c mean_ij(dy/dA_cij) A_cij).

    Returns:
        float [B, h, w], at least 0; all 0 where no activation would raise y.

    Source: Selvaraju et al. 2017, eqs. 1 and 2.
    """
    activation, gradient = _activation_and_gradient(encoder, output, images, stage)
    return (gradient.mean((2, 3), keepdim=True) * activation).sum(1).relu()


def hires_cam(encoder: Encoder, output: Output, images: Tensor, stage: int = -1) -> Tensor:
    """Weigh each activation by its own gradient: relu(sum_c dy/dA_cij A_cij).

    Returns: as `grad_cam`. Where cells are flattened before the heads, as in all encoders here, it keeps places that
    Grad-CAM averages away.

    Source: Draelos and Carin 2020, eq. 3.
    """
    activation, gradient = _activation_and_gradient(encoder, output, images, stage)
    return (gradient * activation).sum(1).relu()


def gradient_map(encoder: Encoder, output: Output, images: Tensor) -> Tensor:
    """Sum the size of the gradient over the channels of each frame: sum_c |dy/dx_cij|.

    Returns:
        float [B, K, H, W], at least 0, a map for each of the K frames, oldest first.

    Source: Simonyan et al. 2014, section 3 (their maximum over channels, here the sum).
    """
    pixels = images.detach().clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(output(encoder(pixels)).sum(), pixels)
    return gradient.abs().unflatten(1, (-1, 3)).sum(2)


def smooth_grad(
    encoder: Encoder, output: Output, images: Tensor, generator: torch.Generator, samples: int = 8, noise: float = 0.1
) -> Tensor:
    """Average `gradient_map` over noisy copies of the images.

    The noise has the standard deviation `noise`, a share of the pixels' range, and is drawn on the CPU.

    Returns:
        float [B, K, H, W], at least 0.

    Source: Smilkov et al. 2017, section 3; the size is taken before the mean.
    """
    maps = [
        gradient_map(encoder, output, images + noise * torch.randn(images.shape, generator=generator).to(images.device))
        for _ in range(samples)
    ]
    return torch.stack(maps).mean(0)


@torch.no_grad()
def perturbation_map(
    encoder: Encoder, vector: Vector, images: Tensor, grid: int = 14, sigma_px: float = 3.0, radius_px: float = 5.0
) -> Tensor:
    """Blur the surroundings of each point in turn, in all frames, and measure how far the outputs move.

    x' = (1 - M) x + M blur(x), with M a Gaussian of standard deviation `radius_px` about the point and height 1;
    the map is |v(x) - v(x')|^2 / 2, with `vector` v of the features. The points are evenly spread, `grid` along each
    axis, each in the middle of its cell; `sigma_px` is the standard deviation of the blur.

    Returns:
        float [B, grid, grid], at least 0.

    Source: Greydanus et al. 2018, eqs. 1 and 2; they place points every 5 pixels.
    """
    before = vector(encoder(images))
    after = _perturbed(encoder, vector, images, _masks(images, grid, radius_px), sigma_px)
    return 0.5 * (after - before[:, None]).pow(2).sum(2).unflatten(1, (grid, grid))


@torch.no_grad()
def sarfa_map(
    encoder: Encoder, logits: Vector, images: Tensor, grid: int = 14, sigma_px: float = 3.0, radius_px: float = 5.0
) -> Tensor:
    """Blur as `perturbation_map` does, and measure how much that changes the most likely action and no other.

    With p and p' the probabilities before and after, a the action that is most likely before, dP = p(a) - p'(a) and
    K = 1 / (1 + KL(p_rest' || p_rest)) over the other actions, renormalized: 2 dP K / (dP + K) where dP > 0, else 0.

    Returns: as `perturbation_map`, from `logits` of discrete actions, [B, A], of the features; values in [0, 1].

    Source: Puri et al. 2020, section 3.3; p are the policy's probabilities, where they take a softmax of Q values.
    """
    before = logits(encoder(images)).float()
    after = _perturbed(encoder, logits, images, _masks(images, grid, radius_px), sigma_px).float()
    scores = _sarfa(before.repeat_interleave(grid**2, 0), after.flatten(0, 1))
    return scores.view(len(images), grid, grid)


def shares(maps: Tensor) -> Tensor:
    """Divide maps [B, h, w] by their sum; those without mass become uniform."""
    total = maps.sum((1, 2), keepdim=True)
    return torch.where(total > 0, maps / total, 1.0 / maps[0].numel())


def softmax(maps: Tensor) -> Tensor:
    """Take the spatial softmax of maps [B, h, w], as RAD's figure does: nearly flat for small activations."""
    return maps.flatten(1).softmax(1).view_as(maps)


def z_softmax(maps: Tensor) -> Tensor:
    """Take the spatial softmax of standardized maps [B, h, w]: mean 0, deviation 1, never flat whatever they show."""
    flat = maps.flatten(1)
    scaled = (flat - flat.mean(1, keepdim=True)) / flat.std(1, keepdim=True).clamp_min(torch.finfo(flat.dtype).tiny)
    return scaled.softmax(1).view_as(maps)


NORMS = {"sum": shares, "softmax": softmax, "zsoftmax": z_softmax}


def _activation_and_gradient(encoder: Encoder, output: Output, images: Tensor, stage: int) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        activation = encoder.feature_map(images, stage)
    activation.requires_grad_(True)
    (gradient,) = torch.autograd.grad(output(encoder.forward_from(activation, stage)).sum(), activation)
    return activation.detach(), gradient


def blur(images: Tensor, sigma_px: float) -> Tensor:
    """Blur float [B, C, H, W] with a Gaussian cut off at three standard deviations; the border is repeated outwards."""
    reach = max(int(3 * sigma_px + 0.5), 1)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=images.device) / sigma_px) ** 2)
    kernel = (kernel / kernel.sum()).to(images.dtype)
    channels = images.shape[1]
    padded = F.pad(images, (reach,) * 4, mode="replicate")
    across = F.conv2d(padded, kernel.expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(across, kernel[:, None].expand(channels, 1, -1, 1), groups=channels)


def _perturbed(encoder: Encoder, vector: Vector, images: Tensor, masks: Tensor, sigma_px: float) -> Tensor:
    """Return the vectors [B, M, D] of images [B, C, H, W], each blurred under each of M masks."""
    blurred = blur(images, sigma_px)
    parts = []
    # Several at a time: the heads' weights are read once for all of them.
    for some in masks.split(max(1, AT_A_TIME // len(images))):
        mixed = torch.lerp(images[:, None], blurred[:, None], some[None, :, None]).flatten(0, 1)
        vectors = vector(encoder(mixed.contiguous(memory_format=torch.channels_last)))
        parts.append(vectors.unflatten(0, (len(images), len(some))))
    return torch.cat(parts, 1)


def _masks(images: Tensor, grid: int, radius_px: float) -> Tensor:
    """Return Gaussians about the points of a grid, row by row, [grid * grid, H, W]."""
    height, width = images.shape[2:]
    rows, columns = (_bumps(side, grid, radius_px, images) for side in (height, width))
    return torch.einsum("iy,jx->ijyx", rows, columns).flatten(0, 1)


def _bumps(side: int, grid: int, radius_px: float, like: Tensor) -> Tensor:
    centers = (torch.arange(grid, device=like.device) + 0.5) * side / grid - 0.5
    distance = torch.arange(side, device=like.device)[None] - centers[:, None]
    return torch.exp(-0.5 * (distance / radius_px) ** 2).to(like.dtype)  # [grid, side]


def _sarfa(before: Tensor, after: Tensor) -> Tensor:
    """Score one perturbation from logits [B, A]."""
    action = before.argmax(1, keepdim=True)
    fall = (before.softmax(1).gather(1, action) - after.softmax(1).gather(1, action)).squeeze(1)
    rest_before, rest_after = (
        logits.scatter(1, action, -torch.inf).log_softmax(1).scatter(1, action, 0.0) for logits in (before, after)
    )
    terms = rest_after.exp() * (rest_after - rest_before)
    keeps = 1.0 / (1.0 + terms.scatter(1, action, 0.0).sum(1).clamp_min(0.0))
    return torch.where(fall > 0, 2 * fall * keeps / (fall + keeps), 0.0)
