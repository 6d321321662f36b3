"""RAD's encoder for DeepMind Control, 3x3 convolutions with ReLU, and its cheaper kin with more strides."""

import torch
from torch import nn

from encoders.base import Encoder, ImageShape, check_image_shape, convolution
from encoders.initialize import initialize_

MOST_LAYERS, MOST_FILTERS = 100, 4096  # what is more is a typo


class PixelEncoder(Encoder):
    """Stack of 3x3 convolutions without padding, ReLU after each; the first has stride 2, the others 1.

    A square image of 84 pixels gives 35 x 35 cells, 39,200 features; strides `2-2-2-1` give 7 x 7 cells, 1,568
    features, in 4.7 times fewer operations. Images are taken in [0, 1] as they are: like RAD, and unlike SAC+AE's
    decoder, the encoder does not center them.

    Args:
        image_shape: (C, H, W) of the images, C = 3 * frames in a stack.
        num_layers: number of convolutions.
        num_filters: channels of every convolution.
        strides: of the first convolutions, joined by -; those not named have stride 1.
        generator: CPU generator from which the weights are drawn.

    Raises:
        ValueError: a number is below 1 or so large that it is a typo, there are more strides than convolutions or the
            image is too small for the layers.

    Source: RAD (Laskin et al. 2020), appendix, "PixelEncoder"; the same as CURL's and SAC+AE's. Strides 2-2-2-1:
        MR.Q (Fujimoto et al. 2025, arXiv 2501.16142), whose activations are ELU and whose images are centered.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        *,
        num_layers: int = 4,
        num_filters: int = 32,
        strides: str = "2",
        generator: torch.Generator,
    ) -> None:
        for name, number, most in (("num_layers", num_layers, MOST_LAYERS), ("num_filters", num_filters, MOST_FILTERS)):
            if not 1 <= number <= most:
                raise ValueError(f"{name} must be from 1 to {most:,}, got {number}")
        widths = [check_image_shape(image_shape)[0], *[num_filters] * num_layers]
        layers: list[nn.Module] = []
        for channels_in, channels_out, stride in zip(widths, widths[1:], _strides(strides, num_layers)):
            layers += [convolution(channels_in, channels_out, kernel=3, stride=stride), nn.ReLU(inplace=True)]
        super().__init__(image_shape, nn.Sequential(*layers))
        initialize_(self, generator)


def _strides(text: str, num_layers: int) -> list[int]:
    """Read the strides of all convolutions."""
    named = text.split("-")
    if not all(stride.isdecimal() and int(stride) for stride in named) or len(named) > num_layers:
        raise ValueError(f"strides must be at most {num_layers} numbers from 1, such as 2-2-2-1, got '{text}'")
    return [int(stride) for stride in named] + [1] * (num_layers - len(named))
