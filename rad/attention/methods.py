"""The table of methods, and each method's map laid over the frame."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders import Encoder, ReceptiveField
from rad.agents.targets import Target
from rad.attention import maps
from rad.attention.placement import to_pixels

GRID = 14  # points of the perturbations along each axis
BATCH = 32

Maps = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """How maps are made."""

    stage: int = -1  # of the encoder, for the methods that explain a stage
    power: float = 1.0  # of the activation
    norm: str = "sum"  # of the activation, one of `maps.NORMS`
    seed: int = 0  # of SmoothGrad's noise


@dataclass(frozen=True)
class Method:
    """A way to show where an encoder looks."""

    title: str  # its name on figures
    # What its cells are: pixels, cells of a stage's feature map, or points where images are perturbed.
    cells: Literal["pixels", "stage", "grid"]
    # Raw maps [B, h, w] of images float [B, 3K, H, W] in [0, 1].
    compute: Callable[[Encoder, Target, Tensor, Settings], Tensor]
    needs_logits: bool = False  # it explains discrete actions only
    is_share: bool = False  # `compute` gives maps with sum 1 already


def _smooth_grad(encoder: Encoder, target: Target, images: Tensor, how: Settings) -> Tensor:
    noise = torch.Generator().manual_seed(how.seed)
    return maps.smooth_grad(encoder, target.output, images, noise)[:, -1]


def _sarfa(encoder: Encoder, target: Target, images: Tensor, how: Settings) -> Tensor:
    if target.logits is None:
        raise ValueError(f"sarfa needs discrete actions, which target {target.name} has none of")
    return maps.sarfa_map(encoder, target.logits, images, GRID)


METHODS: dict[str, Method] = {
    "activation": Method(
        "activation",
        "stage",
        lambda encoder, _, images, how: maps.activation_map(encoder, images, how.power, how.stage, how.norm),
        is_share=True,
    ),
    "grad_cam": Method(
        "Grad-CAM", "stage", lambda encoder, to, images, how: maps.grad_cam(encoder, to.output, images, how.stage)
    ),
    "hires_cam": Method(
        "HiResCAM", "stage", lambda encoder, to, images, how: maps.hires_cam(encoder, to.output, images, how.stage)
    ),
    "gradient": Method(
        "gradient", "pixels", lambda encoder, to, images, _: maps.gradient_map(encoder, to.output, images)[:, -1]
    ),
    "smooth_grad": Method("SmoothGrad", "pixels", _smooth_grad),
    "perturbation": Method(
        "perturbation", "grid", lambda encoder, to, images, _: maps.perturbation_map(encoder, to.vector, images, GRID)
    ),
    "sarfa": Method("SARFA", "grid", _sarfa, needs_logits=True),
}


def allowed_methods(target: Target) -> tuple[str, ...]:
    """Return the names of the methods that can explain a target."""
    return tuple(name for name, method in METHODS.items() if target.logits or not method.needs_logits)


def check_methods(names: Iterable[str], target: Target) -> None:
    """Check that methods exist and can be used with a target.

    Raises:
        ValueError: a method is unknown, or needs discrete actions that the target does not have.
    """
    for name in names:
        if name not in METHODS:
            raise ValueError(f"unknown method '{name}'; known: {', '.join(METHODS)}")
        if name not in (allowed := allowed_methods(target)):
            raise ValueError(f"{name} needs discrete actions; allowed here: {', '.join(allowed)}")


def attend(method: str, encoder: Encoder, target: Target, images: Tensor, settings: Settings) -> Maps:
    """Make the maps that a method of `METHODS` gives for images float [B, 3K, H, W] in [0, 1].

    `activation` does not use the target. Where each frame has a map, that of the newest is returned.

    Returns:
        float32 [B, H, W], laid over the frame, at least 0, each with sum 1.
    """
    compute = METHODS[method].compute
    raw = torch.cat([compute(encoder, target, part, settings).double().cpu() for part in images.split(BATCH)])
    normalized = raw if METHODS[method].is_share else maps.shares(raw)
    field = field_of(method, encoder, settings.stage)
    pixel_maps = normalized.numpy() if field is None else to_pixels(normalized.numpy(), field, *images.shape[2:])
    return pixel_maps.astype(np.float32)


def field_of(method: str, encoder: Encoder, stage: int) -> ReceptiveField | None:
    """Return where the cells of a method's maps look; None where they are the pixels themselves."""
    if METHODS[method].cells == "stage":
        return encoder.receptive_field(stage)
    if METHODS[method].cells == "grid":
        jump = encoder.image_shape[1] / GRID
        return ReceptiveField(jump, jump / 2 - 0.5, round(jump))
    return None
