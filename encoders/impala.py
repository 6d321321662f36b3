"""IMPALA's residual encoder, the usual one for Procgen: three sections of convolution, pooling and two blocks."""

from functools import partial
from itertools import pairwise

import torch
from torch import nn

from encoders.base import Encoder, ImageShape, Residual, check_image_shape, convolution
from encoders.initialize import glorot_uniform_, initialize_with_

MOST_WIDTH = 64  # what is more is a typo


class ImpalaEncoder(Encoder):
    """Three sections that halve the image, 16, 32 and 32 channels wide, and a ReLU.

    A section is a 3x3 convolution, a 3x3 max-pooling of stride 2 and two residual blocks of ReLU, convolution,
    ReLU, convolution; all windows are padded by 1. An image of 64 pixels gives 8 x 8 cells, 2,048 features,
    and each cell sees 141 pixels: all of it. Images are taken in [0, 1] as they are.

    The published network continues with a linear layer of 256 units and a ReLU that policy and value share. Here
    that layer is the trunk of PPO's head: projections belong to the heads, and the map that figures show
    stands before it. For images 3x64x64 the encoder has 97,600 weights, 622,144 with that trunk and 626,256
    with the logits of Procgen's 15 actions and the value.

    Args:
        image_shape: (C, H, W) of the images, C = 3 * frames in a stack.
        width: factor on the channels; Procgen's paper also trains 2 and 4.
        generator: CPU generator from which the weights are drawn.

    Raises:
        ValueError: `width` is below 1, or so large that it is a typo.

    Source: IMPALA (Espeholt et al. 2018), figure 3, without the LSTM; Procgen (Cobbe et al. 2020), appendix;
        weights Glorot-uniform and biases zero as OpenAI's train-procgen (TensorFlow's defaults) and auto-drac
        have them. Deliberate differences: poolings are padded by 1 on either side as in auto-drac and CleanRL,
        where TensorFlow pads the far side only; auto-drac's blocks work in place and so add relu(x), not x.
    """

    def __init__(self, image_shape: ImageShape, *, width: int = 1, generator: torch.Generator) -> None:
        if not 1 <= width <= MOST_WIDTH:
            raise ValueError(f"width must be from 1 to {MOST_WIDTH}, got {width}")
        widths = [check_image_shape(image_shape)[0], *(width * channels for channels in (16, 32, 32))]
        sections = [_section(*channels) for channels in pairwise(widths)]
        super().__init__(image_shape, nn.Sequential(*sections, nn.ReLU(inplace=True)))
        initialize_with_(self, partial(glorot_uniform_, generator=generator))


def _section(channels_in: int, channels_out: int) -> nn.Sequential:
    widen = convolution(channels_in, channels_out, kernel=3, padding=1)
    pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    return nn.Sequential(widen, pool, _block(channels_out), _block(channels_out))


def _block(channels: int) -> Residual:
    first, second = (convolution(channels, channels, kernel=3, padding=1) for _ in range(2))
    return Residual(nn.ReLU(), first, nn.ReLU(inplace=True), second)
