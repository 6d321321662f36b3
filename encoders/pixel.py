"""RAD's encoder for DeepMind Control: 3x3 convolutions, the first with stride 2, each followed by ReLU."""

import torch
from torch import nn

from encoders.base import Encoder, ImageShape, check_image_shape, convolution
from encoders.initialize import initialize_


class PixelEncoder(Encoder):
    """Stack of 3x3 convolutions without padding, stride 2 then 1, ReLU after each.

    A square image of 84 pixels gives 35 x 35 cells, 39,200 features. Images are taken in [0, 1] as they are:
    like RAD, and unlike SAC+AE's decoder, the encoder does not centre them.

    Args:
        image_shape: (C, H, W) of the images, C = 3 * frames in a stack.
        num_layers: number of convolutions.
        num_filters: channels of every convolution.
        generator: CPU generator from which the weights are drawn.

    Raises:
        ValueError: if a number is below 1 or the image is too small for the layers.

    Source: RAD (Laskin et al. 2020), appendix, "PixelEncoder"; the same as CURL's and SAC+AE's.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        *,
        num_layers: int = 4,
        num_filters: int = 32,
        generator: torch.Generator,
    ) -> None:
        for name, number in (("num_layers", num_layers), ("num_filters", num_filters)):
            if number < 1:
                raise ValueError(f"{name} is {number}; expected at least 1")
        widths = [check_image_shape(image_shape)[0], *[num_filters] * num_layers]
        layers: list[nn.Module] = []
        for number in range(num_layers):
            layers += [
                convolution(widths[number], widths[number + 1], kernel=3, stride=1 if number else 2),
                nn.ReLU(inplace=True),
            ]
        super().__init__(image_shape, nn.Sequential(*layers))
        initialize_(self, generator)
