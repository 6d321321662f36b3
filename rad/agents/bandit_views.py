"""One augmentation, or a choice among several that is learned from the returns: UCB-DrAC's."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

import augment
from rad.agents.views import PerEnvViews
from rad.types import Metrics


class BanditViews:
    """Views by one of several augmentations at a time, each an arm of a bandit.

    The caller repeats: `choose`, use the views, `update` with the returns, which must depend on the use of the views.

    Args:
        candidates: augmentations by name; a single one is always chosen.
        image_shape: (C, H, W) of the stored images.
        generator: CPU generator of all draws.

    Raises:
        ValueError: there is none, or their `eval_view`s differ: acting and evaluation would depend on the choice.

    Attributes:
        index: number of the candidate in use; None before the first choice.
    """

    def __init__(
        self,
        candidates: Mapping[str, augment.Augmentation],
        image_shape: tuple[int, int, int],
        generator: torch.Generator,
    ) -> None:
        self.names, self._views = list(candidates), [PerEnvViews(op, generator) for op in candidates.values()]
        self.generator, self.bandit = generator, augment.UCB(len(candidates))
        self.index = None if len(candidates) > 1 else 0
        self._check_alike(image_shape)

    @property
    def views(self) -> PerEnvViews:
        """The views of the candidate in use; of the first before there is a choice."""
        return self._views[self.index or 0]

    def choose(self) -> None:
        """Choose the candidate to use next."""
        self.index = self.bandit.choose()

    def update(self, mean_return: float) -> None:
        """Give the bandit the return of the candidate in use; nothing happens before the first choice."""
        if self.index is not None and len(self.names) > 1:
            self.bandit.update(self.index, mean_return)

    def metrics(self) -> Metrics:
        """Return, if there is a choice, 1 for the candidate in use and 0 for the others: averages are shares."""
        if len(self.names) == 1:
            return {}
        return {f"augment/{name}": torch.tensor(float(i == self.index)) for i, name in enumerate(self.names)}

    def __call__(self, images: Tensor) -> Tensor:
        """Draw one view: uint8 [B, C, H, W] to float32 [B, C, H', W'] in [0, 1]."""
        return self.views(images)

    def eval_view(self, images: Tensor) -> Tensor:
        """Return the view that evaluation sees, equal for all candidates."""
        return self.views.eval_view(images)

    def sample_params(self, shape: tuple[int, int, int, int], device: torch.device) -> None:
        """Draw parameters for N environments with images of `shape` = (N, C, H, W), in place of the last ones."""
        self.views.sample_params(shape, device)

    def apply_params(self, images: Tensor, env: Tensor) -> Tensor:
        """Apply to each image the parameters of its environment, as `PerEnvViews.apply_params`."""
        return self.views.apply_params(images, env)

    def state_dict(self) -> dict[str, Any]:
        """Return generator, parameters, bandit and choice."""
        arms = {name: views.state_dict() for name, views in zip(self.names, self._views)}
        return {"arms": arms, "bandit": self.bandit.state_dict(), "chosen": self.index}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave; a single candidate may have had another name."""
        arms = state["arms"]
        for name, views in zip(self.names if len(self.names) > 1 else arms, self._views):
            views.load_state_dict(arms[name])
        self.bandit.load_state_dict(state["bandit"])
        self.index = state["chosen"]

    def _check_alike(self, image_shape: tuple[int, int, int]) -> None:
        """Compare the unaugmented views of one image with a different byte in each neighboring place."""
        image = (torch.arange(torch.Size(image_shape).numel()) * 37 % 251).to(torch.uint8).view(1, *image_shape)
        reference, *others = [views.eval_view(image) for views in self._views]
        for name, view in zip(self.names[1:], others):
            if view.shape != reference.shape or not torch.equal(view, reference):
                pair = f"{self.names[0]} and {name}"
                raise ValueError(f"candidates must have the same eval view, as with --crop pad, got {pair}")
