"""The base of the suites' options."""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SuiteOptions:
    """Options of one suite's environments beside those of all; by default there are none."""

    def check(self, name: str) -> None:
        """Raise a ValueError that begins with an option's name if the task `name` cannot have these options."""

    def scene(self) -> dict[str, Any]:
        """Return the options that decide what is simulated, by name."""
        return dataclasses.asdict(self)

    @property
    def constants(self) -> str:
        """Name of the published ranges of returns that scores are normalized with while training; "" for none."""
        return ""
