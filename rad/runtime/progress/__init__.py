"""How far a run is, in one line of the terminal."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from rad.runtime.clocks import running_s
from rad.runtime.progress.line import FILE_PERIOD_S, Lines
from rad.runtime.progress.remaining import Part, Remaining, duration

__all__ = ["Part", "Progress", "duration", "three_digits"]


class Progress(Lines):
    """One line in the terminal with a run's progress, time left, speed and latest return.

    Work besides training, such as evaluations, is a phase: shown in the same line, counted in the time left and not in
    the speed. In a file a line is printed at most every 30 s, besides the first and the last of training and those at
    the beginning of phases that may take that long.

    Args:
        total_frames: frames at which the run ends.
        every: frames between the phases of each kind, evaluations and checkpoints; see `Remaining`.
        figures: how many figures are made at the end.
        stream: where to print; standard output by default.
        now: a clock in seconds; tests pass their own.
    """

    def __init__(
        self,
        total_frames: int,
        every: Mapping[Part, int] | None = None,
        figures: int = 0,
        stream: TextIO | None = None,
        now: Callable[[], float] = running_s,
    ) -> None:
        super().__init__(stream, now)
        self.total_frames = total_frames
        self.remaining = Remaining(total_frames, every or {}, figures, now)
        self._frames = self._agent_steps = 0
        self._episode_return: float | None = None
        self._held_back = self._began = self._rate_shown = False

    def begin(self, frames: int, agent_steps: int) -> None:
        """Set where the run begins or resumes; prints nothing."""
        self._frames, self._agent_steps = frames, agent_steps

    def update(
        self, frames: int, agent_steps: int, episode_return: float | None = None, *, learned: bool = False
    ) -> None:
        """Set the progress of training; prints if the last line is old enough or training begins or ends.

        Speed is measured from update to update: between steps in which the agent has `learned`.
        """
        self._frames, self._agent_steps, self._episode_return = frames, agent_steps, episode_return
        if learned:
            self.remaining.rate.mark(frames)
        if not self._rate_shown and self.remaining.rate.per_second:
            self._rate_shown = True
            self.say_plan()
        self._held_back = True
        if self.due or not self._began or frames >= self.total_frames:
            self._show()
        self._began = True

    @contextmanager
    def phase(self, name: str, kind: Part, episodes: int = 0) -> Iterator[Callable[[int], None]]:
        """Show work besides training, which plays so many episodes; yields a function that sets how many were played.

        The next phase of the same kind is expected to take as long.
        """
        with self.remaining.during(kind, episodes, self._frames) as phase:

            def show() -> None:
                self._show(f"{name} {phase.done}/{episodes} episodes" if episodes else name)

            def played(count: int) -> None:
                phase.done = count
                if self.due:
                    show()

            if self.tty or self.remaining.costs_s.get(kind, FILE_PERIOD_S) >= FILE_PERIOD_S:
                show()
            yield played

    def waiting(self, what: str) -> None:
        """Show that training waits for what is done beside it."""
        self._show(f"waiting for {what}")

    def say_plan(self) -> None:
        """Print how long the measured parts of the run take; `update` does it once training has been measured."""
        parts = self.remaining.parts_s(self._frames)
        if measured := [self._part(kind, seconds) for kind, seconds in parts.items() if seconds]:
            self.say(f"{self.remaining.left(self._frames)}: {', '.join(measured)}")

    def close(self) -> None:
        """Print the latest line if it was held back, and end the line on a terminal."""
        if self._held_back:
            self._show()
        super().close()

    def _show(self, phase: str = "") -> None:
        parts = [f"{self._frames:,}/{self.total_frames:,} frames", phase, self.remaining.left(self._frames)]
        if not phase:
            rate, episode_return = self.remaining.rate.per_second, self._episode_return
            parts += [
                f"{three_digits(rate)} frames/s" if rate else "",
                f"episode return {three_digits(episode_return)}" if episode_return is not None else "",
                f"{self._agent_steps:,} agent steps",
            ]
        self.show([part for part in parts if part])
        self._held_back = False

    def _part(self, kind: Part, seconds: float) -> str:
        if kind is Part.TRAINING:
            return f"training {duration(seconds)} at {three_digits(self.remaining.rate.per_second)} frames/s"
        count = self.remaining.count(kind, self._frames)
        return f"{count} {kind if count > 1 else kind.removesuffix('s')} {duration(max(1.0, seconds))}"


def three_digits(value: float | None) -> str:
    """Write a number with three digits, or all in front of the point; a dash for None.

    Example:
        >>> three_digits(1234.5), three_digits(0.12345), three_digits(None)
        ('1,234', '0.123', '-')
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
