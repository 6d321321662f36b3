"""The linear layer of all heads: orthogonal weights that come from a given generator."""

import torch
from torch import nn


def linear(in_dim: int, out_dim: int, generator: torch.Generator, gain: float = 1.0) -> nn.Linear:
    """Make a linear layer with `gain` times an orthogonal weight and bias 0; nothing is drawn from the global state."""
    with torch.random.fork_rng(devices=[]):  # for the weights of torch, which are replaced
        layer = nn.Linear(in_dim, out_dim)
    nn.init.orthogonal_(layer.weight, gain, generator)
    nn.init.zeros_(layer.bias)
    return layer
