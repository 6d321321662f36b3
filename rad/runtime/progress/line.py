"""Lines that are redrawn in place on a terminal and printed now and then elsewhere, and lines that stay."""

import shutil
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from rad.runtime.clocks import running_s

FILE_PERIOD_S = 30.0
GAP = "  "


class Lines:
    """Lines of parts, the most important ones first.

    On a terminal they are redrawn in place, without the parts that do not fit its width: a line that wraps could not be
    redrawn. Elsewhere they are printed, one block below the other.

    Args:
        stream: where to print; standard output by default.
        now: a clock in seconds; tests pass their own.
    """

    periods_s = (0.2, FILE_PERIOD_S)  # between two times that they are due, on a terminal and elsewhere

    def __init__(self, stream: TextIO | None = None, now: Callable[[], float] = running_s) -> None:
        self._stream, self._now = stream or sys.stdout, now
        self.tty = self._stream.isatty()
        self._shown_s: float | None = None
        self._drawn = 0  # lines that can be redrawn, in the last of which the cursor stands

    @property
    def due(self) -> bool:
        """Tell whether the lines are old enough to be shown again."""
        return self._shown_s is None or self._now() - self._shown_s >= self.periods_s[not self.tty]

    def show(self, *lines: Sequence[str]) -> None:
        """Show the lines, whether they are due or not."""
        if self.tty:
            width = shutil.get_terminal_size().columns - 1
            self._replace("\n".join(fitting(parts, width) for parts in lines), len(lines))
        else:
            self._replace("".join(f"{GAP.join(parts)}\n" for parts in lines))
        self._shown_s = self._now()

    def show_if_due(self, text: str) -> None:
        """Show a line of a single part, unless the last is not old enough."""
        if self.due:
            self.show([text])

    def say(self, text: str) -> None:
        """Print lines that stay, in the place of those that are redrawn."""
        self._replace(f"{text}\n")

    def clear(self) -> None:
        """Remove what is redrawn."""
        self._replace("")

    def close(self) -> None:
        """Let what is redrawn stay."""
        if self._drawn:
            self._drawn = 0
            self._replace("\n")

    def _replace(self, text: str, drawn: int = 0) -> None:
        """Write a text over what is redrawn; its last lines, as many as `drawn`, are redrawn from now on."""
        up = f"\033[{self._drawn - 1}A" if self._drawn > 1 else ""
        self._stream.write(f"\r{up}\033[J{text}" if self._drawn else text)
        self._stream.flush()
        self._drawn = drawn


def fitting(parts: Sequence[str], width: int) -> str:
    """Return as many whole parts, from the first on, as fit; of the first what fits.

    Example:
        >>> fitting(["1/9 frames", "4 min left", "35 frames/s"], 23)
        '1/9 frames  4 min left'
    """
    text = ""
    for part in parts:
        longer = f"{text}{GAP}{part}" if text else part
        if len(longer) > width:
            break
        text = longer
    return text or "".join(parts[:1])[:width]
