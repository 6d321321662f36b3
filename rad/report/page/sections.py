"""The sections of a report with numbers: one for each task, one over all tasks, and how to make them again."""

from collections.abc import Collection, Mapping, Sequence

from rad.report.draw.charts import gaps_figure, pairs_figure, profile_figure
from rad.report.draw.curves import curve_figures, curve_references
from rad.report.draw.sheets import Cell, Sheet, decimals_for
from rad.report.draw.style import file_name
from rad.report.page.blocks import Block, Command, Items, Section, Words
from rad.report.read.final_returns import TRAIN, random_policy
from rad.report.read.groups import OWN, Found, Group, differences
from rad.report.read.provenance import short_command, sweep_commands, train_command
from rad.report.stats.aggregates import AGGREGATES
from rad.report.stats.bootstrap import Estimate
from rad.report.stats.references import sources
from rad.report.stats.results import NONE, Result, across_tasks, on_train, results, scores_of, unlike

COMMANDS = "commands.sh"
AGAIN = "again"
BETTER = (
    "better than none: probability that a run scores more than one without augmentation; no interval at 0 and 1, which "
    "drawing runs anew cannot vary. p: of no difference, by permutation, with Holm's correction over the rows."
)
SMALLEST = "With 3 runs on both sides, and before the correction, p cannot fall below 0.1, with 5 not below 0.008."
GAP = "train less test: of the same trained agents; above 0 they do worse on the test split."


def task_section(groups: Sequence[Group], lift: tuple[str, Mapping[str, Estimate]]) -> Section:
    """Return tables and figures of one task.

    Args:
        groups: of the task.
        lift: method that lifts were measured with, and lifts by augmentation.
    """
    found = results(groups)
    task = groups[0].task
    blocks: list[Block] = [_sheet(task, found, random_policy(groups), *lift), *curve_figures(groups)]
    if published := curve_references(groups, TRAIN):
        blocks.append(Items("Published scores, the dotted lines", sources(published), is_folded=True))
    blocks += [*pairs_figure(task, found), *gaps_figure(task, found), *_gap_sheets(task, found)]
    return Section(task, blocks)


def overall_section(groups: Sequence[Group]) -> list[Section]:
    """Return the section over all tasks: aggregates if there are several, a profile if it says something."""
    scores = scores_of(groups)
    tasks = list(dict.fromkeys(group.task for group in groups))
    where = on_train([one for task in tasks for one in results([group for group in groups if group.task == task])])
    profile = profile_figure(scores, where)
    if len(tasks) < 2:
        return [Section("How runs are spread", profile)] if profile else []
    if not scores:
        return [
            Section("All tasks", [Words("No method has a finished run on every task, of a known range of returns.")])
        ]
    return [Section("All tasks", [_overall_sheet(scores, unlike(groups), where), *profile])]


def reproduction(found: Found, groups: Sequence[Group], report: str, names: Sequence[str]) -> Section:
    """Return how each figure and its runs are made again.

    Args:
        found: the runs' folder.
        groups: of runs.
        report: the command that writes the page.
        names: of the figures that it draws.
    """
    blocks: list[Block] = []
    if typed := sweep_commands(found):
        blocks.append(Command("All runs", "\n".join(typed)))
    fields = [name for name in differences([run.config for group in groups for run in group.runs]) if name not in OWN]
    lines = [line for group in groups for line in _command_lines(found, group, fields)]
    blocks.append(Command("The first run of each method", "\n".join(lines)))
    shown = ", ".join(names) or "none was drawn"
    blocks.append(Command(f"Figures of this page ({shown}) and its tables, from the run folders", report))
    what = (
        "These name what tells the runs apart; what else deviates from the preset is among the common settings, and "
        f"the threads, on which the last bits depend, are in {COMMANDS} beside this page, which has for each run a "
        "command with every setting. Evaluation films and "
        "attention.png in run folders are made by rad train itself."
    )
    return Section("How to make this again", [Words(what), *blocks])


def commands(found: Found, groups: Sequence[Group]) -> bytes:
    """Return the shell script with the whole command of each run."""
    lines = [
        train_command(run, out=f"{AGAIN}/{found.shown(run.folder)}".removesuffix("/."))
        for group in groups
        for run in group.runs
    ]
    head = f"#!/bin/sh\n# Each line trains one run again, on this machine's device, in the folder {AGAIN}.\n"
    return (head + "\n".join(lines) + "\n").encode()


def _command_lines(found: Found, group: Group, fields: Sequence[str]) -> list[str]:
    seeds = ", ".join(str(run.config.get("seed", "")) for run in group.runs)
    where = found.shown(group.runs[0].folder)
    about = f"# {group.task}, {group.method}: seeds {seeds}; all settings in {where}/config.json"
    return [about, short_command(group.runs[0], fields)]


def _sheet(
    task: str, found: Sequence[Result], random: float | None, lifted_by: str, lifts: Mapping[str, Estimate]
) -> Sheet:
    places = decimals_for([value for one in found for value in one.returns])
    splits = list(dict.fromkeys(split for one in found for split in one.gaps))
    gap = splits[0] if len(splits) == 1 else ""
    decimals = {"augmentation": 0, "runs": 0, "IQM of return [95 %]": places, "mean": places}
    decimals |= {"better than none [95 %]": 2, "p (Holm)": 3}
    decimals |= {f"IQM on {gap or 'test'} [95 %]": places, f"train less {gap or 'test'} [95 %]": places}
    decimals |= {f"lift, {lifted_by} [95 %]": 2}
    rows: list[list[Cell]] = []
    for one in found:
        beside = one.comparison
        numbers = [beside.shown, beside.adjusted_p_value] if beside else [None, None]
        lift = None if one.group.variant else lifts.get(one.group.augment)
        rows.append(
            [
                one.group.method,
                len(one.returns),
                one.iqm,
                one.mean,
                *numbers,
                one.tests.get(gap),
                one.gaps.get(gap),
                lift,
            ]
        )
    if random is not None:
        rows.append(["random policy", None, None, random, *[None] * (len(decimals) - 4)])
    notes = [
        f"Mean returns{on_train(found)} of the last evaluation of finished runs; IQM: interquartile mean over them, "
        "the mean where they are fewer than 4."
    ]
    notes += ["random policy: uniform actions, played at the start of each run."] if random is not None else []
    notes += [f"{BETTER} {SMALLEST}"] if any(one.comparison for one in found) else []
    notes += [GAP] if gap else []
    notes += ["lift: of the map on the robot, 1 is chance; see where the encoders look."] if lifts else []
    return Sheet(file_name("returns", task), f"Return{on_train(found)} at the end: {task}", decimals, rows, notes)


def _gap_sheets(task: str, found: Sequence[Result]) -> list[Sheet]:
    """Return the gaps to several splits; one alone stands in the main table."""
    splits = list(dict.fromkeys(split for one in found for split in one.gaps))
    if len(splits) < 2:
        return []
    known = {one.group.method: one.gaps for one in found if one.gaps}
    places = decimals_for([gap.value for one in found for gap in one.gaps.values()])
    if len(splits) > len(known):  # what there is more of stands below each other
        first, columns = "split", list(known)
        rows: list[list[Cell]] = [[split, *(gaps.get(split) for gaps in known.values())] for split in splits]
    else:
        first, columns = "augmentation", splits
        rows = [[method, *(gaps.get(split) for split in splits)] for method, gaps in known.items()]
    decimals = {first: 0} | dict.fromkeys(columns, places)
    notes = [GAP, "95 % intervals over seeds; a single seed has none."]
    return [Sheet(file_name("gaps", task), f"Return on train less return on the split: {task}", decimals, rows, notes)]


def _overall_sheet(scores: Mapping[str, Mapping[str, list[float]]], unlike: Collection[str], where: str) -> Sheet:
    words = {"iqm": "IQM [95 %]", "optimality_gap": "optimality gap [95 %]"}
    decimals = {"augmentation": 0, "runs": 0} | {words.get(name, f"{name} [95 %]"): 3 for name in AGGREGATES}
    decimals |= {"better than none [95 %]": 2, "p (Holm)": 3}
    rows: list[list[Cell]] = []
    for method, (numbers, beside) in across_tasks(scores, unlike).items():
        runs = sum(len(values) for values in scores[method].values())
        compared = [beside.shown, beside.adjusted_p_value] if beside else [None, None]
        rows.append([method, runs, *numbers.values(), *compared])
    tasks = ", ".join(next(iter(scores.values())))
    notes = [
        f"Normalised scores{where} of the methods that have a finished run on every task ({tasks}). "
        "Intervals draw runs anew within each task: they cover the chance of training, not the choice of tasks."
    ]
    notes += [BETTER] if NONE in scores and len(scores) > 1 else []
    return Sheet("all-tasks", f"Normalised score{where} over all tasks", decimals, rows, notes)
