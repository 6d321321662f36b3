"""The sections of a report with numbers: one for each task, one over all tasks, and how to reproduce them."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from rad.report.draw.charts import gaps_figure, pairs_figure, profile_figure
from rad.report.draw.curves import curve_figures, curve_references
from rad.report.draw.style import file_name
from rad.report.draw.tables import Cell, Column, Table, decimals_for
from rad.report.page.blocks import Block, Command, Items, Section
from rad.report.read.evaluation_files import METRICS
from rad.report.read.final_returns import TRAIN, random_policy
from rad.report.read.groups import NOT_COMPARED, Group, Scan, differences, runs_in
from rad.report.read.provenance import short_command, sweep_commands, train_command
from rad.report.stats.aggregates import AGGREGATES
from rad.report.stats.attention import Lift
from rad.report.stats.comparisons import Comparison
from rad.report.stats.curves import Over
from rad.report.stats.published import sources
from rad.report.stats.results import NONE, Result, across_tasks, on_train, results, scores_of

COMMANDS = "commands.sh"
AGAIN = "again"
BETTER = (
    "better than none: probability that a run scores more than one without augmentation; no interval at 0 and 1, which "
    "resampling cannot vary. p: of no difference, by permutation, with Holm's correction over the rows."
)
SMALLEST = "With 3 runs on both sides, and before the correction, p cannot fall below 0.1, with 5 not below 0.008."
COMPARED = (Column("better than none [95 %]", decimals=2), Column("p (Holm)", decimals=3))
LIFT = (
    "lift: of the map on the robot, where 1 is chance, of so many agents, which need not be the runs beside them; see "
    "where the encoders look."
)
GAP = "train less test: of the same trained agents; above 0 they do worse on the test split."


def task_section(groups: Sequence[Group], lift: tuple[str, Mapping[str, Lift]], over: Over = "frames") -> Section:
    """Return the tables and figures of one task; `lift` is the map that lifts are of, and lifts by augmentation."""
    task, of_groups = groups[0].task, results(groups)
    blocks: list[Block] = [_table(groups, of_groups, *lift), *curve_figures(groups, over)]
    if published := curve_references(groups, TRAIN):
        blocks.append(Items("Published scores, the dotted lines", sources(published), is_folded=True))
    blocks += [*pairs_figure(task, of_groups), *gaps_figure(task, of_groups), *_gap_tables(task, of_groups)]
    return Section(task, blocks)


def overall_section(groups: Sequence[Group]) -> list[Section]:
    """Return the section over all tasks: aggregates if there are several, a profile if there are enough runs."""
    scores, where = scores_of(groups), on_train(groups)
    profile = profile_figure(scores, where)
    if len({group.task for group in groups}) < 2:
        return [Section("How runs are spread", profile)] if profile else []
    none = "No method has a finished run on every task, with a published range of returns."
    return [Section("All tasks", [_overall_table(scores, groups, where), *profile] if scores else [none])]


def reproduction(scan: Scan, groups: Sequence[Group], report: str, names: Sequence[str]) -> Section:
    """Return how to reproduce the runs, and the figures of these names, which the command `report` draws."""
    blocks: list[Block] = []
    if typed := sweep_commands(scan):
        blocks.append(Command("All runs", "\n".join(typed)))
    fields = [name for name in differences([run.config for run in runs_in(groups)]) if name not in NOT_COMPARED]
    lines = []
    for group in groups:
        seeds = ", ".join(str(run.config.get("seed", "")) for run in group.runs)
        where = scan.shown(group.runs[0].folder)
        lines.append(f"# {group.task}, {group.method}: seeds {seeds}; all settings in {where}/config.json")
        lines.append(short_command(group.runs[0], fields))
    blocks.append(Command("The first run of each method", "\n".join(lines)))
    shown = ", ".join(names) or "none was drawn"
    blocks.append(Command(f"Figures of this page ({shown}) and its tables, from the run folders", report))
    what = (
        "The commands name the settings in which the runs differ. Other deviations from the preset are among the "
        f"common settings. {COMMANDS} beside this page has a command with every setting of each run, also the number "
        "of threads, on which the last bits depend. Evaluation videos and attention.png in run folders are made by rad "
        "train itself."
    )
    return Section("How to reproduce this", [what, *blocks])


def commands(scan: Scan, groups: Sequence[Group]) -> bytes:
    """Return the shell script with the whole command of each run."""
    folders = [(run, f"{AGAIN}/{scan.shown(run.folder)}") for run in runs_in(groups)]
    lines = [train_command(run, out=folder.removesuffix("/.")) for run, folder in folders]
    head = f"#!/bin/sh\n# Each line trains one run again, on this machine's device, in the folder {AGAIN}.\n"
    return (head + "\n".join(lines) + "\n").encode()


def _table(groups: Sequence[Group], results: Sequence[Result], lifted_by: str, lifts: Mapping[str, Lift]) -> Table:
    random, where = random_policy(runs_in(groups)), on_train(groups)
    decimals = decimals_for([value for result in results for value in result.returns])
    splits = list(dict.fromkeys(split for result in results for split in result.gaps))
    gap = splits[0] if len(splits) == 1 else ""
    columns = [
        *(Column("augmentation", "text"), Column("runs")),
        *(Column("IQM of return [95 %]", decimals=decimals), Column("mean", decimals=decimals), *COMPARED),
        Column(f"IQM on {gap or 'test'} [95 %]", decimals=decimals),
        Column(f"train less {gap or 'test'} [95 %]", decimals=decimals),
        *(Column(f"lift, {lifted_by} [95 %]", decimals=2), Column("agents")),
        *(Column(metric.title, decimals=metric.decimals) for metric in METRICS),
    ]
    rows = [_cells(result, gap, lifts) for result in results]
    if random is not None:
        rows.append(["random policy", None, None, random, *[None] * (len(columns) - 4)])
    notes = [
        f"Mean returns{where} of the last evaluation of finished runs; IQM: interquartile mean over them, the mean "
        "where they are fewer than 4."
    ]
    notes += ["random policy: uniform actions, played at the start of each run."] if random is not None else []
    notes += [f"{BETTER} {SMALLEST}"] if any(result.comparison for result in results) else []
    notes += [GAP] if gap else []
    notes += [LIFT] if lifts else []
    task = groups[0].task
    return Table(columns, rows, file_name("returns", task), f"Return{where} at the end: {task}", notes)


def _cells(result: Result, gap: str, lifts: Mapping[str, Lift]) -> list[Cell]:
    lift = None if result.group.variant else lifts.get(result.group.augment)
    return [
        *(result.group.method, len(result.returns), result.iqm, fmean(result.returns) if result.returns else None),
        *_compared(result.comparison),
        *(result.tests.get(gap), result.gaps.get(gap)),
        *(lift or (None, None)),
        *(result.metrics.get(metric.field) for metric in METRICS),
    ]


def _compared(comparison: Comparison | None) -> list[Cell]:
    return [comparison.shown, comparison.adjusted_p_value] if comparison else [None, None]


def _gap_tables(task: str, results: Sequence[Result]) -> list[Table]:
    """Return a table of the gaps to several splits; a single one stands in the main table."""
    splits = list(dict.fromkeys(split for result in results for split in result.gaps))
    if len(splits) < 2:
        return []
    gaps = {result.group.method: result.gaps for result in results if result.gaps}
    decimals = decimals_for([gap.value for result in results for gap in result.gaps.values()])
    corner = "split" if len(splits) > len(gaps) else "augmentation"
    cells: list[Sequence[Cell]] = [[corner, *splits]]
    cells += [[method, *map(of_method.get, splits)] for method, of_method in gaps.items()]
    head, *rows = zip(*cells) if corner == "split" else cells  # the longer side in rows
    columns = [Column(corner, "text"), *(Column(str(name), decimals=decimals) for name in head[1:])]
    notes = [GAP, "95 % intervals over seeds; a single seed has none."]
    return [Table(columns, rows, file_name("gaps", task), f"Return on train less return on the split: {task}", notes)]


def _overall_table(scores: Mapping[str, Mapping[str, list[float]]], groups: Sequence[Group], where: str) -> Table:
    words = {"iqm": "IQM", "optimality_gap": "optimality gap"}
    columns = [Column("augmentation", "text"), Column("runs")]
    columns += [Column(f"{words.get(name, name)} [95 %]", decimals=3) for name in AGGREGATES]
    columns += COMPARED
    rows = [
        [method, sum(map(len, scores[method].values())), *numbers.values(), *_compared(comparison)]
        for method, (numbers, comparison) in across_tasks(scores, groups).items()
    ]
    tasks = ", ".join(next(iter(scores.values())))
    notes = [
        f"Normalized scores{where} of the methods that have a finished run on every task ({tasks}). "
        "Intervals resample runs within each task: they cover the randomness of training, not the choice of tasks."
    ]
    notes += [BETTER] if NONE in scores and len(scores) > 1 else []
    return Table(columns, rows, "all-tasks", f"Normalized score{where} over all tasks", notes)
