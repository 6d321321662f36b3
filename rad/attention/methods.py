"""Every method by its name, as a map that lies over the frame."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders import Encoder, ReceptiveField
from rad.attention import maps
from rad.attention.placement import place
from rad.attention.targets import Target

METHODS = ("activation", "grad_cam", "hires_cam", "gradient", "smooth_grad", "perturbation", "sarfa")
OF_STAGE = frozenset({"activation", "grad_cam", "hires_cam"})
GRID = 14  # points of the perturbations along each axis
BATCH = 32

Maps = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """How maps are made.

    Attributes:
        stage: of the encoder, for the methods in `OF_STAGE`.
        power: of the activation.
        norm: of the activation, one of `maps.NORMS`.
        seed: of SmoothGrad's noise.
    """

    stage: int = -1
    power: float = 1.0
    norm: str = "sum"
    seed: int = 0


def check_methods(names: Iterable[str], target: Target) -> None:
    """Check that methods exist and can be used with a target.

    Raises:
        ValueError: one cannot.
    """
    for name in names:
        if name not in METHODS:
            raise ValueError(f"unknown method '{name}'; known: {', '.join(METHODS)}")
        if name == "sarfa" and target.logits is None:
            raise ValueError("sarfa needs discrete actions; allowed here: " + ", ".join(METHODS[:-1]))


def attend(method: str, encoder: Encoder, target: Target, images: Tensor, settings: Settings) -> Maps:
    """Make the maps of a method.

    Args:
        method: one of `METHODS`.
        encoder: of the images.
        target: what is explained; `activation` does not use it.
        images: float [B, 3K, H, W] in [0, 1]; the newest frame's map is returned where each has its own.
        settings: how.

    Returns:
        float32 [B, H, W], laid over the frame, at least 0, each with sum 1.
    """
    found = [_raw(method, encoder, target, part, settings).double().cpu() for part in images.split(BATCH)]
    normalised = torch.cat(found)
    if method != "activation":
        normalised = maps.shares(normalised)
    field = field_of(method, encoder, settings.stage)
    placed = normalised.numpy() if field is None else place(normalised.numpy(), field, *images.shape[2:])
    return placed.astype(np.float32)


def field_of(method: str, encoder: Encoder, stage: int) -> ReceptiveField | None:
    """Return where the cells of a method's maps look; None where they are the pixels themselves."""
    if method in OF_STAGE:
        return encoder.receptive_field(stage)
    if method in ("perturbation", "sarfa"):
        jump = encoder.image_shape[1] / GRID
        return ReceptiveField(jump, jump / 2 - 0.5, round(jump))
    return None


def _raw(method: str, encoder: Encoder, target: Target, images: Tensor, how: Settings) -> Tensor:
    match method:
        case "activation":
            return maps.activation_map(encoder, images, how.power, how.stage, how.norm)
        case "grad_cam":
            return maps.grad_cam(encoder, target.output, images, how.stage)
        case "hires_cam":
            return maps.hires_cam(encoder, target.output, images, how.stage)
        case "gradient":
            return maps.gradient_map(encoder, target.output, images)[:, -1]
        case "smooth_grad":
            noise = torch.Generator().manual_seed(how.seed)
            return maps.smooth_grad(encoder, target.output, images, noise)[:, -1]
        case "perturbation":
            return maps.perturbation_map(encoder, target.vector, images, GRID)
        case "sarfa" if target.logits:
            return maps.sarfa_map(encoder, target.logits, images, GRID)
    raise ValueError(f"method '{method}' cannot be used with target {target.name}")
