"""What was run: settings, runs and how far they are, versions, warnings."""

from collections.abc import Mapping, Sequence

from rad.report.draw.tables import Cell, Column, Table, decimals_for
from rad.report.page.blocks import Block, Items, Pairs, Section, Words
from rad.report.read.evaluation_files import METRICS
from rad.report.read.final_returns import final_result, finished, splits
from rad.report.read.groups import IN_NAME, NOT_COMPARED, Group, Scan, differences, flat, runs_in, shown
from rad.report.read.provenance import failures, made_with, not_begun
from rad.report.read.run import Run
from rad.report.stats.aggregates import ENOUGH_SEEDS, few_seeds_warning
from rad.report.stats.results import beside_none, is_like

MAIN = (
    "algo",
    "preset",
    "frames",
    "render_quality",
    "image_size",
    "frame_stack",
    "precision",
    "encoder",
    "train_split",
)
UNKNOWN = "not recorded"


def head(groups: Sequence[Group]) -> str:
    """Say in a line what was run."""
    runs = runs_in(groups)
    tasks = list(dict.fromkeys(group.task for group in groups))
    methods = list(dict.fromkeys(group.method for group in groups))
    named = ", ".join(tasks) if len(tasks) <= 4 else f"{len(tasks)} tasks"
    done = sum(len(finished(group)) for group in groups)
    return f"{_count(len(runs), 'run')} ({done} finished) of {_count(len(methods), 'method')} on {named}."


def warnings(groups: Sequence[Group]) -> list[Items]:
    """Return what to know before the numbers are believed."""
    return _listed(
        {
            "Few seeds": _few(groups),
            "Different render qualities, which are different inputs": _qualities(runs_in(groups)),
            "Differ from none in more than the augmentation": _unlike(groups),
        }
    )


def left_out(scan: Scan, groups: Sequence[Group], duplicates: Sequence[str]) -> list[Items]:
    """Return what is not in the numbers, and why."""
    late = [run for run in runs_in(groups) if not final_result(run).finished]
    failed = failures([*(run.folder for run in late), *scan.not_started])
    begun = [f"{scan.shown(place)}: no metrics yet" for place in scan.not_started if place not in failed]
    unfinished = [f"{scan.shown(run.folder)}: {_state(run)}" for run in late if run.folder not in failed]
    return _listed(
        {
            "Failed runs": [f"{scan.shown(place)}: {words}" for place, words in failed.items()],
            "Unfinished runs, left out of the numbers at the end": unfinished,
            "Not begun": [*begun, *not_begun(scan)],
            "Cannot be read, left out": scan.unread,
            "Stand twice, left out": duplicates,
        }
    )


def _listed(lists: Mapping[str, Sequence[str]]) -> list[Items]:
    return [Items(title, lines, is_warning=True) for title, lines in lists.items() if lines]


def settings(scan: Scan, groups: Sequence[Group]) -> Section:
    """Return all settings: once what is common, and what differs between groups."""
    runs = runs_in(groups)
    configs = [run.config for run in runs]
    varied = {name: values for name, values in differences(configs).items() if name not in NOT_COMPARED}
    common = {name: value for name, value in flat(configs[0]).items() if name not in {*varied, *NOT_COMPARED}}
    main = ", ".join(f"{name.replace('_', ' ')} {shown(common[name])}" for name in MAIN if common.get(name))
    blocks: list[Block] = [Words(f"Common to all runs: {main}.")]
    blocks.append(Pairs("All common settings", [(name, shown(value)) for name, value in common.items()]))
    names = [name for name in varied if name not in IN_NAME]
    if names:
        rows = [
            [group.task, group.method, *(shown(flat(group.runs[0].config).get(name)) for name in names)]
            for group in groups
        ]
        columns = [Column(name, "text") for name in ("task", "method", *names)]
        blocks.append(Table(columns, rows, "settings", "Settings that differ"))
    return Section("Settings", [*blocks, runs_table(scan, groups), *_versions(scan, runs)])


def runs_table(scan: Scan, groups: Sequence[Group]) -> Table:
    """Return a row for each run."""
    runs = [(group, run) for group in groups for run in group.runs]
    names = list(dict.fromkeys(split for _, run in runs for split in splits(run)))
    returns = [value for _, run in runs for value in final_result(run).returns.values()]
    texts = [Column(name, "text") for name in ("run", "method", "seed")]
    columns = [*texts, Column("frames"), Column("state", "text"), Column("hours", decimals=1)]
    places = decimals_for(returns)
    for split in names:
        on = f" on {split}" if len(names) > 1 else ""
        columns.append(Column(f"return{on}", decimals=places))
        columns += [Column(f"{metric.title}{on}", decimals=metric.decimals) for metric in METRICS]
    rows = [_run_cells(scan, group, run, names) for group, run in runs]
    notes = ["return: mean of the last evaluation. hours: of running, evaluations among them."]
    return Table(columns, rows, "runs", "Runs", notes)


def _run_cells(scan: Scan, group: Group, run: Run, names: Sequence[str]) -> list[Cell]:
    end = final_result(run)
    state = "finished" if end.finished else "unfinished"
    cells: list[Cell] = [scan.shown(run.folder), group.method, str(run.config.get("seed", "")), end.frames, state]
    cells.append(end.time_s / 3600)
    for split in names:
        metrics = end.metrics.get(split, {})
        cells += [end.returns.get(split), *(metrics.get(metric.field) for metric in METRICS)]
    return cells


def _versions(scan: Scan, runs: Sequence[Run]) -> list[Block]:
    recorded = {scan.shown(run.folder): made_with(run) for run in runs}
    told = {place: made for place, made in recorded.items() if made}
    if not told:
        return [Words("Versions and hardware: these run folders hold no checkpoint that tells.")]
    names = list(dict.fromkeys(name for made in told.values() for name in made))
    values = {name: list(dict.fromkeys(made.get(name, UNKNOWN) for made in told.values())) for name in names}
    pairs = [(name, " or ".join(different)) for name, different in values.items()]
    without = [place for place in recorded if place not in told]
    blocks: list[Block] = [
        Table([Column("what", "text"), Column("value", "text")], pairs, "versions", "Versions and hardware")
    ]
    if without:
        blocks.append(Items("Runs that record no versions (no checkpoint)", without))
    if mixed := [name for name, different in values.items() if len(different) > 1]:
        lines = [
            f"{place}: {', '.join(f'{name} {made.get(name, UNKNOWN)}' for name in mixed)}"
            for place, made in told.items()
        ]
        blocks.append(Items("Runs made with different versions", lines))
    return blocks


def _few(groups: Sequence[Group]) -> list[str]:
    """Return what to know of intervals from few seeds, and whose they are."""
    names: dict[int, dict[str, list[str]]] = {}
    for group in groups:
        names.setdefault(len(finished(group)), {}).setdefault(group.task, []).append(group.method)
    few = {number: of_task for number, of_task in sorted(names.items()) if 0 < number < ENOUGH_SEEDS}
    named = {
        number: [f"{task}: {', '.join(methods)}" for task, methods in of_task.items()]
        for number, of_task in few.items()
    }
    return [f"{few_seeds_warning(number)} ({'; '.join(words)})" for number, words in named.items()]


def _state(run: Run) -> str:
    end = final_result(run)
    if end.frames >= end.target_frames:
        return f"{end.frames:,} frames, without a whole last evaluation"
    return f"{end.frames:,} of {end.target_frames:,} frames"


def _qualities(runs: Sequence[Run]) -> list[str]:
    qualities = sorted({str(run.config.get("render_quality", "paper")) for run in runs})
    return [f"{', '.join(qualities)}: compare within one only"] if len(qualities) > 1 else []


def _unlike(groups: Sequence[Group]) -> list[str]:
    """Return in which settings each group differs from the one without augmentation that it stands beside."""
    lines = []
    for group, base in beside_none(groups):
        values = differences([group.runs[0].config, base.runs[0].config])
        ignored = NOT_COMPARED | IN_NAME
        words = [f"{name} {shown(a)}, none {shown(b)}" for name, (a, b) in values.items() if name not in ignored]
        if words:
            compared = "" if is_like(group, base) else "; not compared"
            lines.append(f"{group.task}, {group.method}: {'; '.join(words)}{compared}")
    return lines


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"
