"""State composed of the states of parts, for an exact resume."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from rad.agents.optimizers import copy_optimizer_state


class Stateful:
    """An object whose state is that of some of its attributes.

    Attributes:
        parts: names of the attributes that have a state: networks, optimizers and others.
        tensors: names of the attributes that are tensors, loaded in place.
    """

    parts: ClassVar[tuple[str, ...]]
    tensors: ClassVar[tuple[str, ...]] = ()

    def state_dict(self) -> dict[str, Any]:
        """Return the states of the parts, and the tensors, by name."""
        states = {name: getattr(self, name).state_dict() for name in self.parts}
        return states | {name: getattr(self, name).detach() for name in self.tensors}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        for name in self.parts:
            part = getattr(self, name)
            part.load_state_dict(state[name])
            if isinstance(part, torch.optim.Optimizer):
                copy_optimizer_state(part)
        with torch.no_grad():
            for name in self.tensors:
                getattr(self, name).copy_(state[name])
