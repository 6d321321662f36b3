"""How long a run still takes, by measurements in it; what was not measured yet is named, not guessed."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from rad.runtime.clocks import Every, Rate, running_s


class Part(StrEnum):
    """The parts of a run."""

    TRAINING = "training"
    EVALUATIONS = "evaluations"
    CHECKPOINTS = "checkpoints"
    FIGURES = "figures"


@dataclass
class Phase:
    """Work besides training."""

    kind: Part  # the next phase of the same kind is expected to take as long
    total: int  # number of its episodes; 0 if it has none
    began_s: float  # time of its start
    done: int = 0  # how many episodes were played


class Remaining:
    """The parts of a run that are still to come, with the seconds of each.

    Training goes on at its recent rate, measured alone; an evaluation or a checkpoint takes as long as the last one.

    Args:
        total_frames: frames at which the run ends.
        every: frames between the phases of each kind; the last of each comes at the end.
        figures: how many phases of this kind follow at the end.
        now: a clock in seconds; tests pass their own.
    """

    def __init__(
        self, total_frames: int, every: Mapping[Part, int], figures: int = 0, now: Callable[[], float] = running_s
    ) -> None:
        self._total_frames, self._now = total_frames, now
        self._every = {kind: Every(interval) for kind, interval in every.items()}
        self._last = dict.fromkeys(every, 1) | {Part.FIGURES: figures}  # phases that come at the end
        self.rate = Rate(now)
        self.phase: Phase | None = None  # the current one; None while the run trains
        self.costs_s: dict[Part, float] = {}  # of the last phase of each kind

    @contextmanager
    def during(self, kind: Part, total: int, frames: int) -> Iterator[Phase]:
        """Measure a phase, whose time does not count as training."""
        if frames >= self._total_frames:
            self._last[kind] -= 1
        self.phase = phase = Phase(kind, total, self._now())
        with self.rate.paused():
            yield phase
        if kind in self._every:  # the others come once each
            self.costs_s[kind] = self._now() - phase.began_s
        self.phase = None

    def count(self, kind: Part, frames: int) -> int:
        """Return how many phases of a kind begin after `frames`."""
        every = self._every.get(kind)
        return self._last.get(kind, 0) + (every.to_come(frames, self._total_frames) if every else 0)

    def parts_s(self, frames: int) -> dict[Part, float | None]:
        """Return the seconds of each part that is still to come, by its kind; None where nothing was measured yet."""
        parts: dict[Part, float | None] = {}
        if frames < self._total_frames:
            rate = self.rate.per_second
            parts[Part.TRAINING] = (self._total_frames - frames) / rate if rate else None
        for kind in (Part.EVALUATIONS, Part.CHECKPOINTS, Part.FIGURES):
            if count := self.count(kind, frames):
                parts[kind] = count * self.costs_s[kind] if kind in self.costs_s else None
        if parts.get(Part.CHECKPOINTS, 0.0) is None:  # too short to be waited for
            del parts[Part.CHECKPOINTS]
        return parts

    def left(self, frames: int) -> str:
        """Say how long the run still takes, and which parts were not measured; an empty text at its end.

        Example:
            >>> Remaining(100, {Part.EVALUATIONS: 10}, figures=1).left(0)
            'training, evaluations, figures left'
        """
        parts = self.parts_s(frames)
        measured = [value for value in (*parts.values(), self._of_phase_s()) if value]
        words = [duration(max(1.0, math.ceil(sum(measured))))] if measured else []
        unknown = ", ".join(kind for kind, value in parts.items() if value is None)
        return f"{' + '.join([*words, unknown] if unknown else words)} left" if words or unknown else ""

    def _of_phase_s(self) -> float | None:
        """Return the seconds that the current phase still takes, by its episodes or by the last phase of its kind."""
        phase = self.phase
        if phase is None:
            return None
        spent_s, usual_s = self._now() - phase.began_s, self.costs_s.get(phase.kind, 0.0)
        if phase.done:
            return spent_s * (phase.total - phase.done) / phase.done
        return usual_s - spent_s if spent_s < usual_s else None


def duration(seconds: float) -> str:
    """Write a duration, rounded: 45 s, 41 min, 3 h 20 min.

    Example:
        >>> duration(45.2), duration(2460), duration(12000)
        ('45 s', '41 min', '3 h 20 min')
    """
    minutes = round(max(seconds, 0.0) / 60)
    if seconds < 60:
        return f"{max(seconds, 0.0):.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
