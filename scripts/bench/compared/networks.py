"""The encoders as plain torch modules, for the eager version and for libraries that take modules."""

import importlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from torch import nn

# Filters, width of the window and stride of each convolution.
LAYERS = {
    "pixel": ((32, 3, 2), (32, 3, 1), (32, 3, 1), (32, 3, 1)),
    "pixel:strides=2-2-2-1": ((32, 3, 2), (32, 3, 2), (32, 3, 2), (32, 3, 1)),
    "nature": ((32, 8, 4), (64, 4, 2), (64, 3, 1)),
}


def convolutions(encoder: str) -> Callable[[int], nn.ModuleList]:
    """Return what makes, from the channels of an image, the layers of an encoder, each to be followed by a ReLU."""
    if encoder not in LAYERS:  # impala, whose layers come in sections
        ppo: Any = importlib.import_module("tests.reference.ppo_eager")
        return lambda channels: nn.ModuleList([ppo.sections(channels)])
    layers = LAYERS[encoder]

    def make(channels: int) -> nn.ModuleList:
        widths = [channels, *(filters for filters, _, _ in layers)]
        return nn.ModuleList(
            nn.Conv2d(*ends, kernel, stride) for ends, (_, kernel, stride) in zip(pairwise(widths), layers)
        )

    return make


def projected(image_shape: tuple[int, ...], encoder: str) -> Any:
    """Return a module of convolutions, a linear layer of 50 units and LayerNorm, as every network of RAD begins."""
    sac: Any = importlib.import_module("tests.reference.sac_eager")
    return sac.PixelNet(image_shape, 50, convolutions(encoder))
