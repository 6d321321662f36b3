"""The result of a check."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The result of a check."""

    name: str  # what was checked
    ok: bool
    text: str  # what is there, or what is wrong
    remedy: str = ""  # what to do about it, where something is wrong
    needed: bool = True  # the suite cannot run unless this is ok


Check = Callable[[], Finding]


def one_line(error: Exception) -> str:
    """Write an error as one line that begins with its kind."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
