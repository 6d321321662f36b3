"""Single episodes of two runs, from the files of `rad evaluate`: which of them belong together."""

from typing import Any, NamedTuple

from rad.envs.suites import SUITES
from rad.report.read.final_returns import read_rows
from rad.report.read.run import Row, Run
from rad.runtime.run_dir import EVALUATIONS

# Two files with these alike were played from the same initial states, with the same looks.
QUESTION = ("seed", "policy", "envs", "episodes_per_env", "train_split", "levels", "background_dir")
COMPARABLE = ("policy", "train_split", "levels")


class Answer(NamedTuple):
    """A split in a file of `rad evaluate`: what was asked, frames trained, and the return of each episode in order."""

    question: dict[str, Any]
    frames: int
    returns: list[float]


class Pair(NamedTuple):
    """Episodes of two runs on a split.

    Attributes:
        split: name.
        first: returns of one run's episodes.
        second: of the other's.
        is_paired: those at the same place belong together.
        frames: that the two agents were trained for.
    """

    split: str
    first: list[float]
    second: list[float]
    is_paired: bool
    frames: tuple[int, int]


def pairs_of(first: Run, second: Run) -> list[Pair]:
    """Return the episodes to compare on each split: those that pair on any split, else all.

    Of several files, the latest training counts, then the most episodes. Levels of Procgen are never paired, as in
    `rad evaluate`.

    Returns:
        Empty where a run has no file, or none on a split of the other's.

    Raises:
        ValueError: a file is damaged.
    """
    answers, others = _answers(first), _answers(second)
    splits = [split for split in answers if split in others]
    for names, is_paired in ((QUESTION, True), (COMPARABLE, False)):
        found = [pair for split in splits for pair in _best(split, answers[split], others[split], names, is_paired)]
        suite = SUITES.get(str(first.config.get("task", "")).partition("/")[0])
        if found and not (is_paired and suite and suite.has_levels):
            return found
    return []


def _best(split: str, first: list[Answer], second: list[Answer], names: tuple[str, ...], is_paired: bool) -> list[Pair]:
    fitting = [
        (one, other)
        for one in first
        for other in second
        if all(one.question.get(name) == other.question.get(name) for name in names)
        and (not is_paired or len(one.returns) == len(other.returns))
    ]
    if not fitting:
        return []
    one, other = max(fitting, key=lambda two: (sum(side.frames for side in two), sum(len(s.returns) for s in two)))
    return [Pair(split, one.returns, other.returns, is_paired, (one.frames, other.frames))]


def _answers(run: Run) -> dict[str, list[Answer]]:
    """Return the answers in a run folder by split."""
    found: dict[str, list[Answer]] = {}
    for path in sorted((run.folder / EVALUATIONS).glob("*.jsonl")):
        rows = read_rows(path)
        for row in rows:
            if row.get("kind") == "summary" and (returns := _returns(rows, row["split"])):
                found.setdefault(row["split"], []).append(Answer(row, int(row["frames"]), returns))
    return found


def _returns(rows: list[Row], split: str) -> list[float]:
    episodes = [row for row in rows if row.get("kind") == "episode" and row.get("split") == split]
    return [row["episode_return"] for row in sorted(episodes, key=lambda row: (row["env"], row["episode"]))]
