"""What the options of every suite have in common; a suite derives its own from them."""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SuiteOptions:
    """Options that the environments of one suite have beside those of all; by default there are none."""

    def check(self, name: str) -> None:
        """Raise a ValueError that begins with an option's name if the task `name` cannot have these options."""

    def scene(self) -> dict[str, Any]:
        """Return the options that decide what is simulated, by name; runs that differ in others see the same."""
        return dataclasses.asdict(self)

    @property
    def constants(self) -> str:
        """Whose published range of returns scores are normalized with while training; "" for none."""
        return ""
