"""Where augmentation acts: stored bytes in, augmented float views out."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

import augment
from rad.agents.device.draws import Draw, upload
from rad.types import FrameStacks, Images, images_to_float


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
        self._frozen_params: Draw = []  # of one image, once they are drawn

    def __call__(self, images: Images) -> Tensor:
        """Draw one view: stored images [B, C, H, W] to float32 [B, C, H', W'] in [0, 1]."""
        return self.apply(images, upload(self.draw(images.shape), images.device))

    def eval_view(self, images: Tensor) -> Tensor:
        """Return the view of acting and evaluation: the same geometry, nothing drawn."""
        on_bytes, on_floats = self._eval_stages
        return on_floats(images_to_float(on_bytes(images)))

    def draw(self, shape: Sequence[int]) -> Draw:
        """Draw, on the CPU, what a view of images of `shape` [B, C, H, W] is made by."""
        if not self.frozen:
            return self._draw_anew(shape)
        if not self._frozen_params:
            self._frozen_params = self._draw_anew((1, *shape[1:]))
        return [
            {name: value.expand(shape[0], *value.shape[1:]) for name, value in params.items()}
            for params in self._frozen_params
        ]

    def _draw_anew(self, shape: Sequence[int]) -> Draw:
        on_bytes, on_floats = self._stages
        float_shape = (*shape[:2], *on_bytes.output_size(*shape[2:]))
        return [dict(op.draw(size, self.generator)) for op, size in ((on_bytes, shape), (on_floats, float_shape))]

    def apply(self, images: Images, params: Draw, dtype: torch.dtype = torch.float32) -> Tensor:
        """Make the view that was drawn, converted once to `dtype`; the parameters are on the device of the images."""
        on_bytes, on_floats = self._stages
        if isinstance(images, FrameStacks):
            pixels = on_bytes.apply_to_stacks(images, params[0])
        else:
            pixels = on_bytes.apply(images, params[0])
        if isinstance(on_floats, augment.Identity):
            return images_to_float(pixels, dtype)
        return on_floats.apply(images_to_float(pixels), params[1]).to(dtype)

    def state_dict(self) -> dict[str, Any]:
        """Return the generator's state and, when frozen, the parameters drawn."""
        return {"generator": self.generator.get_state(), "frozen_params": self._frozen_params}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.generator.set_state(state["generator"])
        self._frozen_params = state["frozen_params"]
