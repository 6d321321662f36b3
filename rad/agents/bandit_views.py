"""One augmentation, or a choice among several that is learned from the returns: UCB-DrAC's."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

import augment
from rad.agents.views import HeldViews
from rad.types import Metrics


class ArmViews:
    """Views by one of several augmentations at a time, each an arm of a bandit.

    Whoever uses it goes round: `choose`, use the views, `credit`. What the views are used for must be able to
    show in the returns that are credited.

    Args:
        arms: augmentations by name; a single one is always chosen.
        image_shape: (C, H, W) of the stored images.
        generator: CPU generator of all draws.

    Raises:
        ValueError: there is none, or the arms show undisturbed images differently: acting and evaluation
            would depend on the choice.

    Attributes:
        chosen: number of the arm in use; None before the first choice.
    """

    def __init__(
        self, arms: Mapping[str, augment.Augmentation], image_shape: tuple[int, int, int], generator: torch.Generator
    ) -> None:
        if not arms:
            raise ValueError("augmentations are needed, got none; expected one or more")
        self._arms = {name: HeldViews(op, generator) for name, op in arms.items()}
        self._names = list(arms)
        self.generator, self.bandit, self.chosen = generator, augment.UCB(len(arms)), None if len(arms) > 1 else 0
        _check_alike(self._arms, image_shape)

    @property
    def views(self) -> HeldViews:
        """The views of the arm in use; of the first before there is a choice."""
        return self._arms[self._names[self.chosen or 0]]

    def choose(self) -> None:
        """Choose the arm to use next."""
        self.chosen = self.bandit.choose()

    def credit(self, mean_return: float) -> None:
        """Tell what the arm in use has brought; nothing happens before the first choice."""
        if self.chosen is not None and len(self._arms) > 1:
            self.bandit.update(self.chosen, mean_return)

    def metrics(self) -> Metrics:
        """Return, if there is a choice, 1 for the arm in use and 0 for the others: averages are shares."""
        if len(self._arms) == 1:
            return {}
        return {f"augment/{name}": torch.tensor(float(i == self.chosen)) for i, name in enumerate(self._names)}

    def __call__(self, images: Tensor) -> Tensor:
        """Draw one view: uint8 [B, C, H, W] to float32 [B, C, H', W'] in [0, 1]."""
        return self.views(images)

    def plain(self, images: Tensor) -> Tensor:
        """Return the view that evaluation sees, equal for all arms."""
        return self.views.plain(images)

    def hold(self, shape: tuple[int, int, int, int], device: torch.device) -> None:
        """Draw for N environments with images of `shape` = (N, C, H, W) in place of what was held."""
        self.views.hold(shape, device)

    def held(self, images: Tensor, env: Tensor) -> Tensor:
        """Apply what is held for each image's environment, as `HeldViews.held`."""
        return self.views.held(images, env)

    def state_dict(self) -> dict[str, Any]:
        """Return generator, draws held, bandit and choice."""
        arms = {name: views.state_dict() for name, views in self._arms.items()}
        return {"arms": arms, "bandit": self.bandit.state_dict(), "chosen": self.chosen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        for name, views in self._arms.items():
            views.load_state_dict(state["arms"][name])
        self.bandit.load_state_dict(state["bandit"])
        self.chosen = state["chosen"]


def _check_alike(arms: Mapping[str, HeldViews], image_shape: tuple[int, int, int]) -> None:
    """Compare the undisturbed views of one image with a different byte in each neighbouring place."""
    image = (torch.arange(torch.Size(image_shape).numel()) * 37 % 251).to(torch.uint8).view(1, *image_shape)
    (first, reference), *others = [(name, views.plain(image)) for name, views in arms.items()]
    for name, view in others:
        if view.shape != reference.shape or not torch.equal(view, reference):
            raise ValueError(
                f"augmentations to choose among must show undisturbed images alike, as --crop pad does; {first} and "
                f"{name} differ"
            )
