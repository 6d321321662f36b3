"""One line that is redrawn in place on a terminal and printed now and then elsewhere, and lines that stay."""

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import TextIO

TERMINAL_PERIOD_S, FILE_PERIOD_S = 0.2, 30.0
GAP = "  "


class Line:
    """A line of parts, the most important ones first.

    On a terminal it is redrawn in place, at most every 0.2 s, without the parts that do not fit its width: a line that
    wraps could not be redrawn. Elsewhere a line is printed at most every 30 s.

    Args:
        stream: where to print; standard output by default.
        now: a clock in seconds; tests pass their own.
    """

    def __init__(self, stream: TextIO | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stdout
        self._now = now
        self._printed: float | None = None
        self.tty = self._stream.isatty()
        self._drawn = False  # on a terminal: there is a line that can be redrawn

    @property
    def due(self) -> bool:
        """Tell whether the line is old enough to be shown again."""
        period_s = TERMINAL_PERIOD_S if self.tty else FILE_PERIOD_S
        return self._printed is None or self._now() - self._printed >= period_s

    def show(self, parts: Sequence[str]) -> None:
        """Show the line, whether it is due or not."""
        # \033[K clears what a longer line left behind
        self._write(f"\r{fitting(parts, columns())}\033[K" if self.tty else f"{GAP.join(parts)}\n")
        self._printed, self._drawn = self._now(), self.tty

    def say(self, text: str) -> None:
        """Print lines that stay, in the place of the one that is redrawn."""
        self._write(f"\r\033[K{text}\n" if self._drawn else f"{text}\n")
        self._drawn = False

    def close(self) -> None:
        """Let what is redrawn stay."""
        if self._drawn:
            self._write("\n")
        self._drawn = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def columns() -> int:
    """Return how many characters a line of the terminal may have, so that it does not wrap."""
    return shutil.get_terminal_size().columns - 1


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
