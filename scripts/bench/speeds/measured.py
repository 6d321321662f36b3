"""What parts of the page measure: rows with labels, and the numbers of each round."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from scripts.bench import Row


class Measured(NamedTuple):
    """One row: what it is about, and its numbers in each round, by side or by name."""

    labels: dict[str, Any]  # `missing` where it could not be measured, with the reason
    rounds: list[dict[str, float]]

    @property
    def missing(self) -> str:
        """Why there are no rounds; empty where there are."""
        return self.labels.get("missing", "")

    def values(self, name: str) -> list[float]:
        """Return a number of all rounds; none where it was not measured."""
        return [numbers[name] for numbers in self.rounds if numbers.get(name) is not None]

    def ratios(self, numerator: str, denominator: str) -> list[float]:
        """Return one number over another, round by round; none where either was not measured."""
        both = (numerator, denominator)
        rounds = [numbers for numbers in self.rounds if all(numbers.get(name) is not None for name in both)]
        return [numbers[numerator] / numbers[denominator] for numbers in rounds]


def rounds_within(limit_s: float, repeats: int, measure: Callable[[], Any]) -> list[Any]:
    """Measure `repeats` times, or fewer where the next round would end behind `limit_s`; once in any case."""
    rounds: list[Any] = []
    start = time.perf_counter()
    while len(rounds) < repeats:
        rounds.append(measure())
        spent_s = time.perf_counter() - start
        if spent_s * (len(rounds) + 1) / len(rounds) > limit_s:
            break
    return rounds


def rows_of(rounds: Sequence[Sequence[Row]]) -> list[Measured]:
    """Return the rows of a benchmark's rounds: texts are labels, which all rounds share, and numbers are numbers."""
    return [
        Measured(
            {name: value for name, value in same[0].items() if isinstance(value, str)},
            [{name: value for name, value in row.items() if not isinstance(value, str)} for row in same],
        )
        for same in zip(*rounds)
    ]
