"""The tables of the commands: a run on splits, the runs of a sweep or a folder, attention."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rad.report.draw.tables import Cell, Column, Table, decimals_for
from rad.report.read.evaluation_files import METRICS, SplitResult
from rad.report.read.states import Listed
from rad.report.stats.attention import LEVELS, UNTRAINED, estimate
from rad.report.stats.bootstrap import Estimate

WIDTH = 100  # of lines of notes
ENOUGH_EPISODES = 10  # on each split; below, a bootstrap interval means little


def split_table(results: Sequence[SplitResult]) -> str:
    """Write an evaluation of a run on at least one split: what was played, a line for each split, and notes.

    Lines have at most 100 characters, unless the names of splits are long.
    """
    decimals = decimals_for([result.episode_return_mean for result in results])
    level = "" if results[0].confidence is None else f" [{100 * results[0].confidence:g} %]"
    columns = [
        *(Column("split", "text"), Column(f"mean{level}", decimals=decimals)),
        *(Column("normalized", decimals=3), Column("episodes")),
        *(Column(metric.title, decimals=metric.decimals) for metric in METRICS),
        *(Column(f"gap to train{level}", decimals=decimals), Column("retention", decimals=2)),
    ]
    table = Table(columns, [_split_cells(result) for result in results])
    return "\n\n".join([_head(results), table.plain(), _notes(results)])


def _split_cells(result: SplitResult) -> list[Cell]:
    return [
        result.split,
        _estimate(result.episode_return_mean, result.episode_return_interval),
        result.normalized_return_mean,
        result.episodes,
        *(getattr(result, metric.field) for metric in METRICS),
        _estimate(result.gap_to_train, result.gap_interval),
        result.retention,
    ]


def _head(results: Sequence[SplitResult]) -> str:
    result = results[0]
    paired = next((result.paired for result in results if result.paired is not None), None)
    same = "; same initial states on all splits, gaps paired by episode"
    pairing = {None: "", True: same, False: "; levels differ between splits, gaps not paired"}
    of = f" of {result.target_frames:,}" if result.target_frames else ""
    return wrapped(
        f"{result.run}: {result.task}, {result.frames:,}{of} frames trained, policy {result.policy}, "
        f"seed {result.seed}",
        f"environments {result.envs}, episodes in each {result.episodes_per_env}{pairing[paired]}",
    )


def _notes(results: Sequence[SplitResult]) -> str:
    trained_on, constants = results[0].train_split, results[0].score_constants
    episodes = min(result.episodes for result in results)
    few = f"intervals of fewer than {ENOUGH_EPISODES} episodes are too narrow"
    levels = "; ".join(result.levels for result in results if result.levels)
    return wrapped(
        *([f"train: the run trained on {trained_on}"] if trained_on != "train" else []),
        *([f"levels: {levels}"] if levels else []),
        *([f"normalized with the constants of: {constants}"] if constants else []),
        "intervals: randomness of the episodes of this one training run, not of training",
        *([f"warning: {few}; play 30 or more, got {episodes}"] if episodes < ENOUGH_EPISODES else []),
    )


def wrapped(*lines: str) -> str:
    """Break lines that are too long for a terminal."""
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines)


def sweep_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of the returns at the end of the runs of a sweep: a row for each task and augmentation.

    Args:
        rows: at least one; each has texts by name (task, augment, what else is varied, and `split`), and `returns`:
            the mean return of each finished run by its seed, None where that was not finite.
    """
    texts = [name for name in rows[0] if name != "returns"]
    decimals = decimals_for([value for row in rows for value in row["returns"].values() if value is not None])
    numbers = [Column(name, decimals=decimals) for name in ("mean", "min", "max")]
    columns = [*(Column(name, "text") for name in texts), *numbers, Column("seeds"), Column("return of each seed")]
    cells: list[list[Cell]] = []
    for row in rows:
        finite = [value for value in row["returns"].values() if value is not None]
        each = (f"{seed}: {'-' if x is None else f'{x:z.{decimals}f}'}" for seed, x in row["returns"].items())
        cells.append([str(row[name]) for name in texts])
        cells[-1] += [sum(finite) / len(finite), min(finite), max(finite)] if finite else ["-"] * 3
        cells[-1] += [len(row["returns"]), ", ".join(each)]
    return Table(columns, cells)


ROBOT_COLUMNS = {
    "lift": "lift [95 %]",
    "wide_lift": "lift, 2 px wider [95 %]",
    "over_untrained": "x untrained [95 %]",
    "relevance_rank_accuracy": "relevance rank acc. [95 %]",
}
TRUTH_COLUMNS = {
    "rank_accuracy": "rank acc. [95 %]",
    "untrained_rank_accuracy": "of the untrained map [95 %]",
    "rank_accuracy_per_pixel": "rank acc. per pixel [95 %]",
    "top_mass": "mass on what matters most [95 %]",
    "top_area": "its area [95 %]",
}
SHORT_COLUMNS = ("lift", "over_untrained", "rank_accuracy")  # what to read first, in a terminal
SCORE_COLUMNS = {"insertion": "insertion (low)", "deletion": "deletion (high)"}
HIGHEST = (
    "The highest lift that a map can have is that of `control: robot`, lower for agents that act on crops, in which "
    "the robot is larger: compare augmentations by `x untrained`, or by the share of that lift."
)
ONE_SEED = "One seed: an interval covers the states that were drawn, and not what another seed would have learned."


def attention_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return what `rad.report.stats.attention.attention_rows` gives as a table: a row for each augmentation and map."""
    heads = [*ROBOT_COLUMNS.values(), *SCORE_COLUMNS.values()]
    heads += ["rank corr., heads random", "all random", "smooth, heads random", "smooth, all random", "complexity rise"]
    columns = [*_map_columns(), Column("return"), *(Column(head, decimals=2) for head in heads)]
    cells: list[list[Cell]] = []
    for row in rows:
        alike = [row.get(name, {}).get(level) for name in LEVELS for level in ("heads", UNTRAINED)]
        cells.append([*_map_cells(row), row.get("episode_return"), *_estimates(row, ROBOT_COLUMNS)])
        cells[-1] += [row.get("insertion"), row.get("deletion"), *alike, row.get("complexity_rise")]
    return Table(columns, cells, notes=_notes_on(rows))


def short_attention_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return, of `attention_table` and `truth_table`, the columns that fit into a terminal; scores without a robot."""
    heads = ROBOT_COLUMNS | TRUTH_COLUMNS | SCORE_COLUMNS
    names = [name for name in SHORT_COLUMNS if any(name in row for row in rows)] or [*SCORE_COLUMNS]
    columns = [*_map_columns(), Column("return"), *(Column(heads[name], decimals=2) for name in names)]
    cells = [[*_map_cells(row), row.get("episode_return"), *_estimates(row, names)] for row in rows]
    return Table(columns, cells, notes=_notes_on(rows))


def _notes_on(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    has_lift = any("lift" in row for row in rows)
    return [*([HIGHEST] if has_lift else []), *([ONE_SEED] if any(row["seeds"] == 1 for row in rows) else [])]


def truth_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return how maps agree with the ground truth, from rows as of `attention_table`; no row where there is none."""
    columns = [*_map_columns(), *(Column(head, decimals=2) for head in TRUTH_COLUMNS.values())]
    cells = [[*_map_cells(row), *_estimates(row, TRUTH_COLUMNS)] for row in rows if "rank_accuracy" in row]
    return Table(columns, cells)


def object_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return what `rad.report.stats.attention.object_rows` gives as a table."""
    columns = [Column("augmentation", "text"), Column("object", "text"), Column("seeds"), Column("states")]
    columns += [Column("effect [95 %]", decimals=3), Column("share of the frame", decimals=3)]
    names = ("augmentation", "object", "seeds", "states")
    return Table(columns, [[*(row[name] for name in names), estimate(row, "effect"), row["area"]] for row in rows])


def _map_columns() -> list[Column]:
    return [Column("augmentation", "text"), Column("map", "text"), Column("seeds")]


def _map_cells(row: Mapping[str, Any]) -> list[Cell]:
    return [row["augmentation"], row["method"], row["seeds"]]


def _estimates(row: Mapping[str, Any], names: Iterable[str]) -> list[Cell]:
    return [estimate(row, name) if name in row else None for name in names]


def _estimate(value: float | None, interval: Sequence[float] | None) -> Estimate | None:
    return None if value is None else Estimate(value, *interval or ())


def run_list(runs: Sequence[Listed], folder: Path) -> str:
    """Write the runs of a folder, at least one, each in a line; then why some are damaged or failed, and the counts."""
    decimals = decimals_for([run.episode_return for run in runs if run.episode_return is not None])
    texts = [Column(name, "text") for name in ("run", "state", "task", "method")]
    columns = [*texts, Column("seed"), Column("frames"), Column("of"), Column("return", decimals=decimals)]
    columns.append(Column("resume with", "text"))
    rows: list[list[Cell]] = []
    for run in runs:
        name = "." if run.folder == folder else run.folder.relative_to(folder).as_posix()
        rows.append([name, run.state.value, run.task, run.method, run.seed, run.frames, run.target_frames])
        rows[-1] += [run.episode_return, run.resume]
    notes = [f"{run.folder}: {run.note}" for run in runs if run.note]
    counts = Counter(run.state.value for run in runs)
    total = f"{len(runs):,} run{'s' * (len(runs) > 1)}: {', '.join(f'{n:,} {state}' for state, n in counts.items())}"
    return "\n\n".join([Table(columns, rows).plain(), *(["\n".join(notes)] if notes else []), total])
