"""How far a run is, in one line of the terminal."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["Progress", "duration", "three_digits"]

TERMINAL_PERIOD_S, FILE_PERIOD_S = 0.2, 30.0


class Progress:
    """One line in the terminal that says how far a run is, how fast, how well, and how long it still takes.

    On a terminal the line is redrawn in place, at most every 0.2 s. Elsewhere a line is printed at most every
    30 s, besides the first and the last.

    Args:
        total_frames: frames at which the run ends.
        start_frames: frames already done when a run resumes; they count for the position, not for the rate.
        stream: where to print; standard output by default.
        now: a clock in seconds; tests pass their own.
    """

    def __init__(
        self,
        total_frames: int,
        start_frames: int = 0,
        stream: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total_frames = total_frames
        self._start_frames = start_frames
        self._stream = stream or sys.stdout
        self._tty = self._stream.isatty()
        self._now = now
        self._start = now()
        self._printed: float | None = None
        self._text = ""

    def update(self, frames: int, agent_steps: int, episode_return: float | None = None) -> None:
        """Tell where the run is; prints if the last line is old enough or the run is at its end.

        Args:
            frames: environment frames so far.
            agent_steps: agent steps so far.
            episode_return: the latest return, sum of rewards of one episode; None before there is one.
        """
        now = self._now()
        self._text = self._line(frames, agent_steps, episode_return, now - self._start)
        period_s = TERMINAL_PERIOD_S if self._tty else FILE_PERIOD_S
        if self._printed is None or now - self._printed >= period_s or frames >= self.total_frames:
            self._print(now)

    def close(self) -> None:
        """Print the latest line if it was held back, and end the line on a terminal."""
        if self._text:
            self._print(self._now())
        if self._tty and self._printed is not None:
            self._stream.write("\n")
            self._stream.flush()

    def _print(self, now: float) -> None:
        # \033[K clears what a longer line left behind
        self._stream.write(f"\r{self._text}\033[K" if self._tty else f"{self._text}\n")
        self._stream.flush()
        self._printed, self._text = now, ""

    def _line(self, frames: int, agent_steps: int, episode_return: float | None, elapsed_s: float) -> str:
        rate = (frames - self._start_frames) / elapsed_s if elapsed_s > 0 else 0.0
        left = duration((self.total_frames - frames) / rate) if rate > 0 else "-"
        position = f"{frames:,}/{self.total_frames:,} frames  ({agent_steps:,} agent steps)"
        return f"{position}  {three_digits(rate)} frames/s  return {three_digits(episode_return)}  left {left}"


def three_digits(value: float | None) -> str:
    """Write a number with three digits, or all in front of the point; a dash for None.

    Example:
        >>> three_digits(1234.5), three_digits(0.12345), three_digits(None)
        ('1,234', '0.123', '-')
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """Write a duration with two digits or so: 45 s, 41 min, 3 h 20 min.

    Example:
        >>> duration(45.2), duration(2460), duration(12000)
        ('45 s', '41 min', '3 h 20 min')
    """
    minutes = round(max(seconds, 0.0) / 60)
    if seconds < 60:
        return f"{max(seconds, 0.0):.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
