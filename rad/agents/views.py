"""Where augmentation acts: stored bytes in, augmented float views out."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

import augment
from rad.types import images_to_float

Params = dict[str, Tensor]
"""Drawn parameters by name, first axis B."""


class Views:
    """Make augmented views of stored images: geometry on the bytes, then float, then color.

    Args:
        op: the augmentation; its leading links that take uint8 run before the conversion.
        generator: CPU generator of all draws.
        frozen: draw the parameters of one image once, and use them for every image in every update: an ablation.
    """

    def __init__(self, op: augment.Augmentation, generator: torch.Generator, *, frozen: bool = False) -> None:
        self._stages = augment.split_at_float(op)
        self._eval_stages = augment.split_at_float(op.evaluation())
        self.generator, self.frozen = generator, frozen
        self._frozen_params: list[Params] = []  # of one image, once they are drawn

    def __call__(self, images: Tensor) -> Tensor:
        """Draw one view: uint8 [B, C, H, W] to float32 [B, C, H', W'] in [0, 1]."""
        return self.shared(images)[0]

    def shared(self, *stacks: Tensor) -> tuple[Tensor, ...]:
        """Draw one set of parameters and apply it to several batches of the same shape."""
        params = self._draw(stacks[0])
        return tuple(self._apply(images, params) for images in stacks)

    def eval_view(self, images: Tensor) -> Tensor:
        """Return the view of acting and evaluation: the same geometry, nothing drawn."""
        on_bytes, on_floats = self._eval_stages
        return on_floats(images_to_float(on_bytes(images)))

    def _draw(self, images: Tensor) -> list[Params]:
        if not self.frozen:
            return self._draw_for(tuple(images.shape), images.device)
        if not self._frozen_params:
            self._frozen_params = self._draw_for((1, *images.shape[1:]), images.device)
        return [
            {name: value.to(images.device).expand(len(images), *value.shape[1:]) for name, value in params.items()}
            for params in self._frozen_params
        ]

    def _draw_for(self, shape: tuple[int, ...], device: torch.device) -> list[Params]:
        on_bytes, on_floats = self._stages
        float_shape = (*shape[:2], *on_bytes.output_size(*shape[2:]))
        stages = ((on_bytes, shape), (on_floats, float_shape))
        return [dict(op.draw(op_shape, self.generator, device)) for op, op_shape in stages]

    def _apply(self, images: Tensor, params: list[Params]) -> Tensor:
        on_bytes, on_floats = self._stages
        return on_floats.apply(images_to_float(on_bytes.apply(images, params[0])), params[1])

    def state_dict(self) -> dict[str, Any]:
        """Return the generator's state and, when frozen, the parameters drawn."""
        return {"generator": self.generator.get_state(), "frozen_params": self._frozen_params}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.generator.set_state(state["generator"])
        self._frozen_params = state["frozen_params"]
