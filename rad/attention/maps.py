"""Methods that turn an encoder and images into maps of where its features are active."""

import torch
from torch import Tensor

from encoders import Encoder


@torch.no_grad()
def activation_map(encoder: Encoder, images: Tensor, power: float = 1.0) -> Tensor:
    """Average the activation of the last convolution over its channels.

    m_ij = mean_c |A_cij|^p, divided by its sum over the map. RAD shows a spatial softmax instead: at temperature 1
    that is flat to four digits on this encoder, so it is no number to compare with.

    Args:
        encoder: gives the feature map A.
        images: float [B, C, H, W] in [0, 1], as the encoder takes them.
        power: p; 1 is RAD's, larger ones weigh strong activations more.

    Returns:
        float32 [B, h, w], each map at least 0 with sum 1. An image that activates nothing has a uniform map.

    Raises:
        ValueError: `power` is not above 0.

    Source: Zagoruyko and Komodakis 2017, eq. F_sum^p (mean for sum); Laskin et al. 2020, attention figure.
    """
    if power <= 0:
        raise ValueError(f"power is {power}; expected above 0")
    activation = encoder.feature_map(images).float().abs()
    # Relative to the largest before the power, which would make small numbers vanish.
    largest = activation.amax((1, 2, 3), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    maps = (activation / largest).pow(power).mean(1)  # [B, h, w]
    total = maps.sum((1, 2), keepdim=True)
    return torch.where(total > 0, maps / total, 1.0 / maps[0].numel())
