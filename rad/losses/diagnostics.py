"""Diagnostics of learning: numbers to log, not to learn from."""

import torch
from torch import Tensor


def explained_variance(value: Tensor, target: Tensor) -> Tensor:
    """Compute 1 - Var(y - V) / Var(y): 1 is a perfect value function, 0 no better than a constant, below 0 worse.

    V and the returns or targets y that it learns are float of one shape; the result, float [] without gradient, is 0
    where all targets are alike.

    Source: OpenAI baselines, `explained_variance`.
    """
    residual = (target - value.detach()).var(correction=0) / target.var(correction=0)
    return torch.nan_to_num(1.0 - residual, nan=0.0, neginf=0.0)


def inactive_units(features: Tensor) -> Tensor:
    """Compute the share of units, float [] without gradient, that no input activates: ReLU outputs 0 in every row.

    `features`, float [B, F], are an encoder's output, which is that of a ReLU; without one the share is near 0.

    Source: Sokar et al. 2023 (arXiv 2302.12902), definition 3.1 with threshold 0.
    """
    return (features.detach().amax(0) <= 0).float().mean()
