"""What all agents share: one encoder, a precision, random numbers, and a state that resumes exactly."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

import encoders
from rad.agents.optimizers import own_moments


class Agent:
    """Base of the agents.

    Args:
        seed: of the weights and of all that is drawn from `generator`.
        device: where the networks live.
        precision: "fp32", or "bf16" for everything but output layers and losses.

    Attributes:
        parts: names of the attributes that make up the state: networks, optimizers and what else has one.
        updates: how often `update` was called.
    """

    parts: ClassVar[tuple[str, ...]]
    encoder: encoders.Encoder

    def __init__(self, seed: int, device: torch.device | str, precision: str) -> None:
        self.device, self.precision = torch.device(device), precision
        self.generator = torch.Generator().manual_seed(seed)
        self.updates = 0

    def _make_encoder(self, spec: str, image_shape: tuple[int, int, int]) -> encoders.Encoder:
        """Make an encoder with weights from the agent's generator, on its device, channels-last."""
        encoder = encoders.make(spec, image_shape, generator=self.generator)
        return encoder.to(self.device).to(memory_format=torch.channels_last)

    def _cast(self, images: Tensor) -> Tensor:
        """Convert a view once to what the first layer takes, instead of at each of its passes through a network."""
        return images.to(torch.bfloat16) if self.precision == "bf16" else images

    def _autocast(self) -> torch.autocast:
        # Without the cache, which would go on handing out a weight's cast from before the optimizer changed it.
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16", cache_enabled=False)

    def state_dict(self) -> dict[str, Any]:
        """Return networks, optimizers, generators and counters."""
        return {name: getattr(self, name).state_dict() for name in self.parts} | {
            "generator": self.generator.get_state(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        for name in self.parts:
            part = getattr(self, name)
            part.load_state_dict(state[name])
            if isinstance(part, torch.optim.Optimizer):
                own_moments(part)
        self.generator.set_state(state["generator"])
        self.updates = state["updates"]
