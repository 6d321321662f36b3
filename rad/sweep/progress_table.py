"""The progress of a sweep: a line for each run that is running, and a line for all."""

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
    """The progress of all runs together."""

    runs: int  # how many are finished
    all_runs: int  # how many there are
    frames: int  # environment frames so far, of all runs
    all_frames: int  # frames at the end


class ProgressTable:
    """Lines that are redrawn in place on a terminal each second, and printed each minute elsewhere.

    Args:
        start_frames: frames done before, which do not count for the rate; less where a run had to go back.
        stream: where to print; standard output by default.
        now: a clock in seconds.
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
        """Tell whether the lines are old enough to be drawn again."""
        period_s = TERMINAL_PERIOD_S if self._tty else FILE_PERIOD_S
        return self._now() - self._drawn_at >= period_s

    def draw(self, running: Mapping[str, tuple[RunProgress, int]], total: Total) -> None:
        """Show the progress of each run, by its name with the frames at its end, and of all together."""
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
        """Clear the lines that would be redrawn."""
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
    """Write the progress of a run."""
    return (
        f"  {name}  {progress.frames:,}/{frames:,} frames  {three_digits(progress.frames_per_s)} frames/s  "
        f"return {three_digits(progress.episode_return)}"
    )
