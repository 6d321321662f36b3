"""Compare two runs, or two settings with several seeds each: how far their returns at the end are apart."""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist, fmean
from typing import NamedTuple

from rad.report.draw.result_tables import wrapped
from rad.report.draw.tables import Column, Table, decimals_for, text
from rad.report.read.episodes import pairs_of
from rad.report.read.final_returns import evaluation_rows, final_result, final_returns, finished, splits
from rad.report.read.groups import Group, differences, find_runs, flat, group, runs_in, shown
from rad.report.read.run import Run, column
from rad.report.stats.aggregates import few_seeds_warning
from rad.report.stats.bootstrap import CONFIDENCE, Estimate, difference_interval
from rad.report.stats.comparisons import compare

NORMAL = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


class Line(NamedTuple):
    """A split: mean returns of both sides, the first less the second, and the number of values of each mean."""

    split: str
    first: float
    second: float
    difference: Estimate
    first_count: int
    second_count: int


class RunComparison(NamedTuple):
    """The result of a comparison."""

    lines: list[Line]  # for each split that both sides have
    unit: str  # of the counts: episodes or runs
    notes: list[str]  # what the intervals cover, and cautions
    settings: dict[str, tuple[str, str]]  # values of both sides by field, where they differ

    def text(self) -> str:
        """Return the comparison as plain text."""
        decimals = decimals_for([value for line in self.lines for value in (line.first, line.second)])
        numbers = [Column(name, decimals=decimals) for name in ("A", "B", f"A less B [95 % over {self.unit}]")]
        counts = [Column(f"{self.unit} of {name}") for name in "AB"]
        table = Table([Column("split", "text"), *numbers, *counts], self.lines)
        parts = [table.plain(), wrapped(*self.notes)]
        if self.settings:
            rows = [(name, *values) for name, values in self.settings.items()]
            parts.append(Table([Column(name, "text") for name in ("settings that differ", "A", "B")], rows).plain())
        return "\n\n".join(parts)


def load_side(folder: Path) -> Group:
    """Return the run in a folder, or the runs of one setting with several seeds.

    Raises:
        ValueError: there is no run, or there are runs of several settings.
    """
    groups, _ = group(find_runs(folder).runs)
    if len(groups) > 1:
        named = ", ".join(f"{setting.task} {setting.method}" for setting in groups)
        raise ValueError(f"{folder} holds runs of {len(groups)} settings ({named}); expected seeds of a single one")
    return groups[0]


def compare_groups(first: Group, second: Group) -> RunComparison:
    """Compare the returns at the end: over episodes for a run on both sides, else over finished runs.

    Raises:
        ValueError: the tasks differ, or a side has nothing to compare.
    """
    if first.task != second.task:
        raise ValueError(f"RUN_B: is of {second.task}, RUN_A of {first.task}; expected the same task")
    single = len(first.runs) == len(second.runs) == 1
    lines, notes = _over_episodes(first.runs[0], second.runs[0]) if single else _over_seeds(first, second)
    if not lines:
        raise ValueError("RUN_A and RUN_B: share no split that both have been evaluated on; expected at least 1")
    unit = "episodes" if single else "runs"
    notes += [
        f"no interval on {line.split}: it takes two {unit} of each side"
        for line in lines
        if not math.isfinite(line.difference.low)
    ]
    for name, run in [("A", run) for run in first.runs] + [("B", run) for run in second.runs]:
        end = final_result(run)
        if not end.finished:
            notes.append(f"{name}: {run.folder} is unfinished, at {end.frames:,} of {end.target_frames:,} frames")
    return RunComparison(lines, unit, notes, _settings(first, second))


def _over_seeds(first: Group, second: Group) -> tuple[list[Line], list[str]]:
    counts = [len(finished(side)) for side in (first, second)]
    for name, side, count in zip(("RUN_A", "RUN_B"), (first, second), counts):
        if not count:
            raise ValueError(f"{name}: has no finished run, of {len(side.runs)}; expected at least 1")
    both = {split: (final_returns(first, split), final_returns(second, split)) for split in splits(*first.runs)}
    lines = [_line(split, *pair, paired=False) for split, pair in both.items() if all(pair)]
    compared = compare({split: ({"": a}, {"": b}) for split, (a, b) in both.items() if min(len(a), len(b)) > 1})
    covered = "intervals: randomness of training, by resampling the runs of both sides"
    probabilities = [
        f"probability that a run of A scores more on {split}: {text(comparison.shown, 2)}, p {comparison.p_value:.3f}"
        for split, comparison in compared.items()
    ]
    warning = few_seeds_warning(min(counts), of="difference")
    return lines, [covered, *probabilities, *([warning] if warning else [])]


def _over_episodes(first: Run, second: Run) -> tuple[list[Line], list[str]]:
    """Compare episode by episode if both have played the same ones, else all episodes, else means and deviations."""
    if pairs := pairs_of(first, second):
        basis = "not paired: the episodes began in different states or levels"
        if pairs[0].is_paired:
            basis = "paired by episode, which began in the same states on both sides"
        covered = f"episodes of rad evaluate, {basis}; intervals: randomness of these episodes, not of training"
        ends = [final_result(run).frames for run in (first, second)]
        early = [
            f"the episodes of {name} were played at {frames:,} frames, its training is at {end:,}"
            for name, frames, end in zip("AB", pairs[0].frames, ends)
            if frames != end
        ]
        return [_line(pair.split, pair.first, pair.second, paired=pair.is_paired) for pair in pairs], [covered, *early]
    lines = [line for split in splits(first) if split in splits(second) for line in _last_line(first, second, split)]
    covered = (
        "last evaluation of the training, of which means and standard deviations are kept: intervals are normal "
        "approximations of the randomness of its episodes, not of training"
    )
    return lines, [covered, "rad evaluate on both runs, with the same seed, gives pairs of episodes"]


def _last_line(first: Run, second: Run, split: str) -> list[Line]:
    rows = [evaluation_rows(run, split)[-1] for run in (first, second)]
    (mean, other), (std, other_std) = (column(rows, f"episode_return_{name}") for name in ("mean", "std"))
    count, other_count = (int(row.get("episodes") or 0) for row in rows)
    if not math.isfinite(mean - other):
        return []
    gap = Estimate(mean - other)
    if min(count, other_count) > 1 and math.isfinite(std + other_std):
        half = NORMAL * math.sqrt(std**2 / (count - 1) + other_std**2 / (other_count - 1))
        gap = Estimate(gap.value, gap.value - half, gap.value + half)
    return [Line(split, mean, other, gap, count, other_count)]


def _line(split: str, first: Sequence[float], second: Sequence[float], *, paired: bool) -> Line:
    means = fmean(first), fmean(second)
    several = min(len(first), len(second)) > 1  # one value says nothing of its spread
    interval = difference_interval(first, second, paired=paired) if several else ()
    return Line(split, *means, Estimate(means[0] - means[1], *interval), len(first), len(second))


def _settings(first: Group, second: Group) -> dict[str, tuple[str, str]]:
    def values(side: Group, name: str) -> str:
        return ", ".join(dict.fromkeys(shown(flat(run.config).get(name)) for run in side.runs))

    names = differences([run.config for run in runs_in((first, second))])
    pairs = {name: (values(first, name), values(second, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
