"""Single episodes of two runs, from the files of `rad evaluate`, in pairs where they began alike."""

from itertools import product
from typing import NamedTuple

from rad.envs.suites import SUITES
from rad.report.read.evaluation_files import COMPARABLE, SAME_EPISODES, SplitResult, read_evaluations
from rad.report.read.run import Run

Played = tuple[SplitResult, list[float]]
"""A split in a file of `rad evaluate`: its result, and the returns of its episodes in order."""


class Pair(NamedTuple):
    """Episodes of two runs on a split."""

    split: str
    first: list[float]  # returns of the episodes of the first run
    second: list[float]
    is_paired: bool  # episodes at the same position began in the same state
    frames: tuple[int, int]  # that the two agents were trained for


def pairs_of(first: Run, second: Run) -> list[Pair]:
    """Return the episodes to compare on each split: those that pair on any split, else all.

    Of several files, the latest training counts, then the most episodes. Levels of Procgen are never paired, as in
    `rad evaluate`.

    Returns:
        Empty where a run has no file, or none on a split of the other's.

    Raises:
        ValueError: a file is damaged.
    """
    of_first, of_second = _played(first), _played(second)
    splits = [split for split in of_first if split in of_second]
    for names, is_paired in ((SAME_EPISODES, True), (COMPARABLE, False)):
        pairs = [pair for split in splits for pair in _best(of_first[split], of_second[split], names, is_paired)]
        suite = SUITES.get(str(first.config.get("task", "")).partition("/")[0])
        if pairs and not (is_paired and suite and suite.has_levels):
            return pairs
    return []


def _best(first: list[Played], second: list[Played], names: tuple[str, ...], is_paired: bool) -> list[Pair]:
    pairs = [
        Pair(a.split, of_a, of_b, is_paired, (a.frames, b.frames))
        for (a, of_a), (b, of_b) in product(first, second)
        if a.values(names) == b.values(names) and (not is_paired or len(of_a) == len(of_b))
    ]
    return sorted(pairs, key=lambda pair: (sum(pair.frames), len(pair.first) + len(pair.second)), reverse=True)[:1]


def _played(run: Run) -> dict[str, list[Played]]:
    """Return by split what `rad evaluate` played with a run."""
    played: dict[str, list[Played]] = {}
    for file in read_evaluations(run.folder):
        for result in file.splits:
            if returns := file.returns(result.split):
                played.setdefault(result.split, []).append((result, returns))
    return played
