"""Losses that train an agent's encoder beside its own: objects with networks, an optimizer and a state.

A run names them by a text, options after colons, several joined by `+`: `curl:tau=0.01`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

import encoders
from encoders.registry import Registry
from rad.agents.auxiliary.curl import CURL
from rad.types import Batch, Images, Metrics

NONE = "none"


class AuxiliaryLoss(Protocol):
    """What an agent needs of an auxiliary loss.

    In each update it calls `loss`, adds the result to its losses, steps its parameters down the gradient of the sum,
    and calls `step`.

    Attributes:
        num_views: how often `loss` calls `view`: what is random in all of them is drawn before the update.
    """

    num_views: int

    def loss(self, encoder: encoders.Encoder, batch: Batch, view: Callable[[Images], Tensor]) -> tuple[Tensor, Metrics]:
        """Compute the weighted loss, float [], and metrics.

        `encoder`, the agent's, maps images [B, C, H, W] to features [B, F]; `batch` is what the agent learns from, on
        its device, images as stored, which may not be built; `view` makes one augmented view of stored images, as the
        encoder takes them, another one at each call.
        """

    def step(self, encoder: encoders.Encoder) -> None:
        """Step its own parameters, after the agent's step, and drop their gradients."""

    def state_dict(self) -> dict[str, Any]:
        """Return what an exact resume needs."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""


_REGISTRY: Registry[AuxiliaryLoss] = Registry("auxiliary loss", {"curl": CURL})
names = _REGISTRY.names
"""Return the known names, in the order of registration."""
register = _REGISTRY.register
"""Make a factory known under a name; its parameters annotated int, float or str become options. A name that is taken
or no word is a ValueError."""


def make(spec: str, encoder: encoders.Encoder, *, generator: torch.Generator) -> dict[str, AuxiliaryLoss]:
    """Make the auxiliary losses that a text describes, by name, for the agent's encoder.

    The text is none, or names and options as in `curl:tau=0.01`, several joined by `+`. The generator of the weights is
    on the CPU.

    Raises:
        ValueError: a name or an option is unknown or out of range, a name stands twice, or a loss has no `num_views`.
    """
    losses: dict[str, AuxiliaryLoss] = {}
    for text in [] if spec == NONE else spec.split("+"):
        name = re.split("[:,]", text)[0]
        if name in losses:
            raise ValueError(f"auxiliary losses must differ from each other, got {spec!r}")
        losses[name] = _REGISTRY.make(text, encoder, generator=generator)
        if not hasattr(losses[name], "num_views"):
            raise ValueError(f"auxiliary loss {name} must say by num_views how often its loss calls view")
    return losses
