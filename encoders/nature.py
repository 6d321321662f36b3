"""The encoder of DQN's Nature paper: three wide-stepping convolutions."""

from functools import partial

import torch
from torch import nn

from encoders.base import Encoder, ImageShape, check_image_shape, convolution
from encoders.initialize import flat_orthogonal_, initialize_with_


class NatureEncoder(Encoder):
    """Convolutions of 32 8x8, 64 4x4 and 64 3x3 filters with strides 4, 2 and 1, ReLU after each, no padding.

    A square image of 84 pixels gives 7 x 7 cells, 3,136 features; one of 64 gives 4 x 4, 1,024. Images are
    taken in [0, 1] as they are. The paper's linear layer of 512 units belongs to the heads.

    Args:
        image_shape: (C, H, W) of the images, C = 3 * frames in a stack.
        generator: CPU generator from which the weights are drawn.

    Raises:
        ValueError: the image is smaller than 36 pixels along an axis.

    Source: Mnih et al. 2015, methods, "Model architecture"; weights orthogonal with gain sqrt 2 and biases zero as in
        OpenAI baselines' PPO, `nature_cnn`.
    """

    def __init__(self, image_shape: ImageShape, *, generator: torch.Generator) -> None:
        layers = nn.Sequential(
            convolution(check_image_shape(image_shape)[0], 32, kernel=8, stride=4),
            nn.ReLU(inplace=True),
            convolution(32, 64, kernel=4, stride=2),
            nn.ReLU(inplace=True),
            convolution(64, 64, kernel=3),
            nn.ReLU(inplace=True),
        )
        super().__init__(image_shape, layers)
        fill = partial(flat_orthogonal_, gain=nn.init.calculate_gain("relu"), generator=generator)
        initialize_with_(self, fill)
