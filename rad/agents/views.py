"""Where augmentation acts: stored bytes in, augmented float views out."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

import augment
from rad.types import images_to_float


class Views:
    """Make augmented views of stored images: geometry on the bytes, then float, then colour.

    Args:
        op: the augmentation; its leading links that take uint8 run before the conversion.
        generator: CPU generator of all draws.
        frozen: draw the parameters once and use them in every update: the transformation without its
            randomness, an ablation. Needs a constant batch size.
    """

    def __init__(self, op: augment.Augmentation, generator: torch.Generator, *, frozen: bool = False) -> None:
        self._stages = augment.split_at_float(op)
        self._plain_stages = augment.split_at_float(op.evaluation())
        self.generator, self.frozen = generator, frozen
        self._drawn: dict[int, Sequence[Mapping[str, Any]]] = {}

    def __call__(self, images: Tensor) -> Tensor:
        """Draw one view: uint8 [B, C, H, W] to float32 [B, C, H', W'] in [0, 1]."""
        return self.shared(images)[0]

    def shared(self, *stacks: Tensor) -> tuple[Tensor, ...]:
        """Draw one set of parameters and apply it to several batches of the same shape."""
        params = self._draw(stacks[0])
        return tuple(self._apply(images, params) for images in stacks)

    def plain(self, images: Tensor) -> Tensor:
        """Return the view that acting and evaluation see: the same geometry, nothing drawn."""
        on_bytes, on_floats = self._plain_stages
        return on_floats(images_to_float(on_bytes(images)))

    def _draw(self, images: Tensor) -> Sequence[Mapping[str, Any]]:
        batch, channels, height, width = images.shape
        if self.frozen and batch in self._drawn:
            return self._drawn[batch]
        on_bytes, on_floats = self._stages
        float_shape = (batch, channels, *on_bytes.output_size(height, width))
        params = (
            on_bytes.draw((batch, channels, height, width), self.generator, images.device),
            on_floats.draw(float_shape, self.generator, images.device),
        )
        if self.frozen:
            self._drawn[batch] = params
        return params

    def _apply(self, images: Tensor, params: Sequence[Mapping[str, Any]]) -> Tensor:
        on_bytes, on_floats = self._stages
        return on_floats.apply(images_to_float(on_bytes.apply(images, params[0])), params[1])

    def state_dict(self) -> dict[str, Any]:
        """Return the generator's state and, when frozen, the parameters drawn."""
        return {"generator": self.generator.get_state(), "drawn": dict(self._drawn)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.generator.set_state(state["generator"])
        self._drawn = dict(state["drawn"])
