"""What was run: settings, the progress of runs, versions, warnings."""

from collections.abc import Mapping, Sequence

from rad.report.draw.tables import Cell, Column, Table, decimals_for
from rad.report.page.blocks import Block, Items, Pairs, Section
from rad.report.read.evaluation_files import METRICS
from rad.report.read.final_returns import final_result, finished, splits
from rad.report.read.groups import IN_NAME, NOT_COMPARED, Group, Scan, differences, flat, runs_in, shown
from rad.report.read.provenance import failures, not_begun
from rad.report.read.run import Run, made_with
from rad.report.stats.aggregates import ENOUGH_SEEDS, few_seeds_warning
from rad.report.stats.results import beside_none, is_like

MAIN = (
    *("algo", "preset", "frames", "render_quality", "image_size", "frame_stack"),
    *("precision", "encoder", "train_split"),
)
UNKNOWN = "not recorded"


def head(groups: Sequence[Group]) -> str:
    """Say in a line what was run."""
    runs = runs_in(groups)
    tasks = list(dict.fromkeys(group.task for group in groups))
    methods = list(dict.fromkeys(group.method for group in groups))
    named = ", ".join(tasks) if len(tasks) <= 4 else f"{len(tasks)} tasks"
    done = sum(len(finished(group)) for group in groups)
    counts = [f"{len(x):,} {word}{'s' * (len(x) != 1)}" for x, word in ((runs, "run"), (methods, "method"))]
    return f"{counts[0]} ({done} finished) of {counts[1]} on {named}."


def warnings(scan: Scan, groups: Sequence[Group]) -> list[Items]:
    """Return what to know before trusting the numbers."""
    qualities = sorted({str(run.config.get("render_quality", "paper")) for run in runs_in(groups)})
    different = [f"{', '.join(qualities)}: compare only runs of the same quality"]
    renderers = sorted({made.get("renderer", "") for made in map(made_with, runs_in(groups))} - {""})
    drawn = [f"{'; '.join(renderers)}: compare only runs of the same renderer"]
    untrained = [scan.shown(run.folder) for run in runs_in(groups) if final_result(run).finished and not _learned(run)]
    return _listed(
        {
            "Without a single update: their policies are those that they began with": untrained,
            "Few seeds": _few(groups),
            "Different render qualities, which are different inputs": different if len(qualities) > 1 else [],
            "Different renderers, whose pixels differ": drawn if len(renderers) > 1 else [],
            "Differ from none in more than the augmentation": _unlike(groups),
        }
    )


def left_out(scan: Scan, groups: Sequence[Group], duplicates: Sequence[str]) -> list[Items]:
    """Return what is not in the numbers, and why."""
    late = [run for run in runs_in(groups) if not final_result(run).finished]
    failed = failures([*(run.folder for run in late), *scan.not_started])
    begun = [f"{scan.shown(path)}: no metrics yet" for path in scan.not_started if path not in failed]
    unfinished = [f"{scan.shown(run.folder)}: {_state(run)}" for run in late if run.folder not in failed]
    return _listed(
        {
            "Failed runs": [f"{scan.shown(path)}: {words}" for path, words in failed.items()],
            "Unfinished runs, left out of the numbers at the end": unfinished,
            "Not begun": [*begun, *not_begun(scan)],
            "Cannot be read, left out": scan.unread,
            "Duplicates, left out": duplicates,
        }
    )


def _listed(lists: Mapping[str, Sequence[str]]) -> list[Items]:
    return [Items(title, lines, is_warning=True) for title, lines in lists.items() if lines]


def settings(scan: Scan, groups: Sequence[Group]) -> Section:
    """Return all settings: those in common, and those in which groups differ."""
    runs = runs_in(groups)
    configs = [run.config for run in runs]
    varied = {name: values for name, values in differences(configs).items() if name not in NOT_COMPARED}
    common = {name: value for name, value in flat(configs[0]).items() if name not in {*varied, *NOT_COMPARED}}
    main = ", ".join(f"{name.replace('_', ' ')} {shown(common[name])}" for name in MAIN if common.get(name))
    blocks: list[Block] = [f"Common to all runs: {main}."]
    blocks.append(Pairs("All common settings", [(name, shown(value)) for name, value in common.items()]))
    if names := [name for name in varied if name not in IN_NAME]:
        first = [(group, flat(group.runs[0].config)) for group in groups]
        rows = [[group.task, group.method, *(shown(config.get(name)) for name in names)] for group, config in first]
        columns = [Column(name, "text") for name in ("task", "method", *names)]
        blocks.append(Table(columns, rows, "settings", "Settings that differ"))
    return Section("Settings", [*blocks, runs_table(scan, groups), *_versions(scan, runs)])


def runs_table(scan: Scan, groups: Sequence[Group]) -> Table:
    """Return a row for each run."""
    runs = runs_in(groups)
    names = splits(*runs)
    decimals = decimals_for([value for run in runs for value in final_result(run).returns.values()])
    texts = [Column(name, "text") for name in ("run", "method", "seed")]
    columns = [*texts, Column("frames"), Column("state", "text"), Column("hours", decimals=1)]
    for split in names:
        on = f" on {split}" if len(names) > 1 else ""
        columns.append(Column(f"return{on}", decimals=decimals))
        columns += [Column(f"{metric.title}{on}", decimals=metric.decimals) for metric in METRICS]
    rows: list[list[Cell]] = []
    for method, run in [(group.method, run) for group in groups for run in group.runs]:
        end = final_result(run)
        rows.append([scan.shown(run.folder), method, str(run.config.get("seed", "")), end.frames])
        rows[-1] += ["finished" if end.finished else "unfinished", end.time_s / 3600]
        for split in names:
            metrics = end.metrics.get(split, {})
            rows[-1] += [end.returns.get(split), *(metrics.get(metric.field) for metric in METRICS)]
    notes = ["return: mean of the last evaluation. hours: of running, evaluations included."]
    return Table(columns, rows, "runs", "Runs", notes)


def _versions(scan: Scan, runs: Sequence[Run]) -> list[Block]:
    versions = {scan.shown(run.folder): made_with(run) for run in runs}
    recorded = {path: made for path, made in versions.items() if made}
    if not recorded:
        return ["Versions and hardware: these run folders hold no checkpoint that records them."]
    names = list(dict.fromkeys(name for made in recorded.values() for name in made))
    values = {name: list(dict.fromkeys(made.get(name, UNKNOWN) for made in recorded.values())) for name in names}
    pairs = [(name, " or ".join(different)) for name, different in values.items()]
    columns = [Column("what", "text"), Column("value", "text")]
    blocks: list[Block] = [Table(columns, pairs, "versions", "Versions and hardware")]
    if without := [path for path, made in versions.items() if not made]:
        blocks.append(Items("Runs that record no versions (no checkpoint)", without))
    if mixed := [name for name, different in values.items() if len(different) > 1 and name != "renderer"]:
        words = {path: [f"{name} {made.get(name, UNKNOWN)}" for name in mixed] for path, made in recorded.items()}
        lines = [f"{path}: {', '.join(of_run)}" for path, of_run in words.items()]
        blocks.append(Items("Runs made with different versions", lines))
    return blocks


def _few(groups: Sequence[Group]) -> list[str]:
    """Return a warning for each number of seeds below 5, with the methods that have so many."""
    lines = []
    for number in range(1, ENOUGH_SEEDS):
        methods: dict[str, list[str]] = {}
        for group in [group for group in groups if len(finished(group)) == number]:
            methods.setdefault(group.task, []).append(group.method)
        if methods:
            named = "; ".join(f"{task}: {', '.join(names)}" for task, names in methods.items())
            lines.append(f"{few_seeds_warning(number)} ({named})")
    return lines


def _learned(run: Run) -> bool:
    return any(row["kind"] == "train" for row in run.rows)


def _state(run: Run) -> str:
    end = final_result(run)
    if end.frames >= end.target_frames:
        return f"{end.frames:,} frames, without a complete last evaluation"
    return f"{end.frames:,} of {end.target_frames:,} frames"


def _unlike(groups: Sequence[Group]) -> list[str]:
    """Return the settings in which each group differs from the group without augmentation beside it."""
    lines = []
    for group, base in beside_none(groups):
        values = differences([group.runs[0].config, base.runs[0].config])
        named = {name: pair for name, pair in values.items() if name not in NOT_COMPARED | IN_NAME}
        if words := [f"{name} {shown(a)}, none {shown(b)}" for name, (a, b) in named.items()]:
            compared = "" if is_like(group, base) else "; not compared"
            lines.append(f"{group.task}, {group.method}: {'; '.join(words)}{compared}")
    return lines
