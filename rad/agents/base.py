"""What all agents share: one encoder, a precision, random numbers, and a state that resumes exactly."""

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import encoders
from rad.agents.optimizers import own_moments
from rad.agents.targets import Target, Targets


@dataclass(frozen=True)
class AgentConfig:
    """Hyperparameters of an agent; each agent derives its own."""

    def check(self) -> None:
        """Raise a ValueError that begins with an option's name if it is an unknown word or contradicts another."""


class Agent(abc.ABC):
    """Base of the agents.

    Args:
        seed: of the weights and of all that is drawn from `generator`.
        device: where the networks live.
        precision: "fp32", or "bf16" for everything but output layers and losses.

    Attributes:
        views: of the images; `views.plain(images)` is what evaluation sees, float32 [B, C, H', W'] in [0, 1].
        parts: names of the attributes that make up the state: networks, optimizers and what else has one.
        updates: how often `update` was called.
    """

    parts: ClassVar[tuple[str, ...]]
    encoder: encoders.Encoder
    views: Any

    def __init__(self, seed: int, device: torch.device | str, precision: str) -> None:
        self.device, self.precision = torch.device(device), precision
        self.generator = torch.Generator().manual_seed(seed)
        self.updates = 0

    @abc.abstractmethod
    def act(self, obs: np.ndarray, *, deterministic: bool, generator: torch.Generator | None = None) -> np.ndarray:
        """Choose actions [N, ...] for observations as stored, uint8 [N, C, H, W], from the view without disturbance.

        Args:
            obs: one for each environment.
            deterministic: take the mode of the policy instead of a sample.
            generator: CPU generator of the sample: not the agent's, so that an evaluation changes no training.
        """

    @abc.abstractmethod
    def targets(self) -> Targets:
        """Return what a map can explain of the agent, by name."""

    def target(self, name: str) -> Target:
        """Return one of `targets`.

        Raises:
            ValueError: there is none of that name.
        """
        if name not in (targets := self.targets()):
            raise ValueError(f"unknown target '{name}' of {type(self).__name__}; allowed: {', '.join(targets)}")
        return targets[name]

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
