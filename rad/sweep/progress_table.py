"""How far a sweep is: one line for each run at work, and one for all."""

import math
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from rad.runtime.progress import duration, three_digits
from rad.sweep.status import RunProgress

TERMINAL_PERIOD_S, FILE_PERIOD_S = 1.0, 60.0


@dataclass(frozen=True)
class Total:
    """How far all runs are together."""

    runs: int  # how many are finished
    all_runs: int  # how many there are
    frames: int  # environment frames so far, of all runs
    all_frames: int  # frames at the end


class ProgressTable:
    """Lines that are redrawn in place on a terminal each second, and printed each minute elsewhere.

    Args:
        start_frames: frames done before; they count for the position, not for the rate.
        stream: where to print; standard output by default.
        now: a clock in seconds; tests pass their own.

    Attributes:
        start_frames: as given; less where a run had to go back.
    """

    def __init__(
        self, start_frames: int, stream: TextIO | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.start_frames = start_frames
        self._stream = stream or sys.stdout
        self._tty = self._stream.isatty()
        self._now = now
        self._start = now()
        self._drawn_at = -math.inf if self._tty else self._start
        self._drawn = 0  # lines that can be redrawn

    @property
    def due(self) -> bool:
        """Tell whether the lines are old enough to be drawn anew."""
        period_s = TERMINAL_PERIOD_S if self._tty else FILE_PERIOD_S
        return self._now() - self._drawn_at >= period_s

    def draw(self, running: Mapping[str, tuple[RunProgress, int]], total: Total) -> None:
        """Show where each run is, by its name with the frames at its end, and where all are."""
        self._clear()
        lines = [run_line(name, progress, frames) for name, (progress, frames) in running.items()]
        self._print([*lines, self._total_line(total)])
        self._drawn = len(lines) + 1 if self._tty else 0
        self._drawn_at = self._now()

    def print(self, text: str) -> None:
        """Print a line that stays."""
        self._clear()
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Take away what would be redrawn."""
        self._clear()
        self._stream.flush()

    def _clear(self) -> None:
        if self._drawn:
            self._stream.write(f"\033[{self._drawn}F\033[J")  # up to the first line, and clear below
        self._drawn = 0

    def _print(self, lines: Sequence[str]) -> None:
        width = shutil.get_terminal_size().columns - 1 if self._tty else None  # a line that wraps could not be redrawn
        self._stream.write("".join(f"{line[:width]}\n" for line in lines))
        self._stream.flush()

    def _total_line(self, total: Total) -> str:
        elapsed_s = self._now() - self._start
        rate = (total.frames - self.start_frames) / elapsed_s if elapsed_s > 0 else 0.0
        left = duration((total.all_frames - total.frames) / rate) if rate > 0 else "-"
        return (
            f"{total.runs}/{total.all_runs} runs  {total.frames:,}/{total.all_frames:,} frames  "
            f"{three_digits(rate)} frames/s  left {left}"
        )


def run_line(name: str, progress: RunProgress, frames: int) -> str:
    """Write where one run is."""
    return (
        f"  {name}  {progress.frames:,}/{frames:,} frames  {three_digits(progress.frames_per_s)} frames/s  "
        f"return {three_digits(progress.episode_return)}"
    )
