"""What a check returns."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: what was looked at.
        ok: nothing to do.
        text: what is there, or what is wrong.
        remedy: what to do about it, where something is wrong.
        needed: the suite cannot run unless this is ok.
    """

    name: str
    ok: bool
    text: str
    remedy: str = ""
    needed: bool = True


Check = Callable[[], Finding]


def one_line(error: Exception) -> str:
    """Write an error as one line that begins with its kind."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
