"""rad doctor: what is installed, what is missing and how to get it."""

from dataclasses import dataclass

from rad.commands import flags
from rad.settings import setting


@dataclass(frozen=True)
class Doctor:
    """Say what is installed, what is missing and how to get it."""

    suite: str = "dmc"
    """The suite that has to work, such as dmc or procgen; the exit status is 1 if it does not."""


def main(arguments: list[str]) -> int:
    """Examine the installation."""
    options = flags.parse(Doctor, "rad doctor", arguments)
    from rad.doctor import examine

    with setting("suite"):
        return examine(options.suite)
