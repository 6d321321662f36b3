"""The progress of a sweep: a line for each run that is running, and a line for all."""

from collections.abc import Callable, Mapping
from typing import TextIO

from rad.runtime.clocks import running_s
from rad.runtime.progress import duration, three_digits
from rad.runtime.progress.line import Lines
from rad.sweep.status import RunProgress


class ProgressTable(Lines):
    """The lines of a sweep; `start_frames`, done before or to be done again, do not count for its rate."""

    periods_s = (1.0, 60.0)

    def __init__(self, start_frames: int, stream: TextIO | None = None, now: Callable[[], float] = running_s) -> None:
        super().__init__(stream, now)
        self.start_frames, self._start_s = start_frames, now()

    def draw(
        self, running: Mapping[str, tuple[RunProgress, int]], runs: tuple[int, int], frames: tuple[int, int]
    ) -> None:
        """Show each run by its name, with the frames at its end, and all together: so far, and at the end."""
        elapsed_s = self._now() - self._start_s
        rate = (frames[0] - self.start_frames) / elapsed_s if elapsed_s > 0 else 0.0
        total = [
            f"{runs[0]}/{runs[1]} runs",
            f"{frames[0]:,}/{frames[1]:,} frames",
            f"{three_digits(rate)} frames/s",
            f"left {duration((frames[1] - frames[0]) / rate) if rate > 0 else '-'}",
        ]
        self.show(*(run_line(name, progress, end) for name, (progress, end) in running.items()), total)


def run_line(name: str, progress: RunProgress, frames: int) -> list[str]:
    """Return the parts of a run's line."""
    return [
        f"  {name}",
        f"{progress.frames:,}/{frames:,} frames",
        f"{three_digits(progress.frames_per_s)} frames/s",
        f"return {three_digits(progress.episode_return)}",
    ]
