"""Initialization of convolutions and linear layers, drawn from a given generator.

Each function fills its argument in place and returns it. A `weight` is float [out, in] of a linear layer or
[out, in, kh, kw] of a convolution, in any memory format; weights are drawn into a fresh contiguous matrix and copied,
so a seed gives the same values in every memory format and on every device. A `generator` is on the CPU; where it may
be None, torch's global state is drawn from then.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def orthogonal_(weight: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Fill a matrix [out, in] with `gain` times rows or columns of unit length that are orthogonal to each other.

    Raises:
        ValueError: `weight` has not two axes, or one of them is empty.

    Source: Saxe, McClelland and Ganguli 2014, section 3.
    """
    _check_rank("weight of a linear layer", weight, 2, "[out, in]")
    drawn = torch.empty(weight.shape, dtype=torch.float32)
    nn.init.orthogonal_(drawn, gain, generator)
    with torch.no_grad():
        return weight.copy_(drawn)


def delta_orthogonal_(weight: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Fill a kernel [out, in, kh, kw] with zeros and `gain` times an orthogonal matrix at its center tap, k // 2.

    Raises:
        ValueError: `weight` has not four axes, or one of them is empty.

    Source: Xiao et al. 2018, algorithm 1. The paper wants in <= out; like RAD's encoder, this takes either.
    """
    _check_rank("weight of a convolution", weight, 4, "[out, in, kh, kw]")
    with torch.no_grad():
        weight.zero_()
        orthogonal_(weight[:, :, weight.shape[2] // 2, weight.shape[3] // 2], gain, generator)
    return weight


def flat_orthogonal_(weight: Tensor, gain: float = 1.0, *, generator: torch.Generator) -> Tensor:
    """Fill a kernel [out, in, kh, kw], read as a matrix [out, in * kh * kw], with `gain` times an orthogonal one.

    Raises:
        ValueError: `weight` has not four axes, or one of them is empty.

    Source: Saxe, McClelland and Ganguli 2014, section 3; on kernels so read, OpenAI baselines, `ortho_init`.
    """
    _check_rank("weight of a convolution", weight, 4, "[out, in, kh, kw]")
    drawn = orthogonal_(torch.empty(weight.shape).flatten(1), gain, generator)
    with torch.no_grad():
        return weight.copy_(drawn.view(weight.shape))


def glorot_uniform_(weight: Tensor, *, generator: torch.Generator) -> Tensor:
    """Fill with numbers uniform over [-a, a], a = sqrt(6 / (fan_in + fan_out)).

    The fans of a convolution count the taps of its kernel: fan_in = in * kh * kw, fan_out = out * kh * kw.

    Raises:
        ValueError: `weight` has fewer than two axes.

    Source: Glorot and Bengio 2010, eq. 16.
    """
    drawn = nn.init.xavier_uniform_(torch.empty(weight.shape), generator=generator)
    with torch.no_grad():
        return weight.copy_(drawn)


def initialize_(module: nn.Module, generator: torch.Generator | None = None) -> nn.Module:
    """Initialize every layer of `module` in order: delta-orthogonal convolutions, orthogonal linear layers.

    Convolutions get the gain of ReLU (sqrt 2), linear layers gain 1; all biases become 0, other layers stay.

    Source: RAD, appendix on the DMControl encoder; prior to it SAC+AE (Yarats et al. 2019), appendix B.
    """

    def fill(weight: Tensor) -> Tensor:
        """Fill a weight by its number of axes."""
        if weight.ndim == 4:
            return delta_orthogonal_(weight, nn.init.calculate_gain("relu"), generator)
        return orthogonal_(weight, 1.0, generator)

    return initialize_with_(module, fill)


def initialize_with_(module: nn.Module, fill: Callable[[Tensor], Tensor]) -> nn.Module:
    """Initialize every Conv2d and Linear of `module` in order: weights by `fill`, in place, biases 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fill(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return module


def _check_rank(what: str, weight: Tensor, rank: int, layout: str) -> None:
    if weight.ndim != rank or weight.numel() == 0:
        raise ValueError(f"{what} must have shape {layout}, no axis empty, got {list(weight.shape)}")
