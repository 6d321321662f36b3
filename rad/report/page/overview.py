"""What was run: settings, runs and how far they are, versions, warnings."""

from collections.abc import Sequence

from rad.report.draw.sheets import Cell, Sheet, decimals_for
from rad.report.page.blocks import Block, Items, Pairs, Section, Words
from rad.report.read.final_returns import ending, finished, splits
from rad.report.read.groups import OWN, Found, Group, differences, flat, shown
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
    runs = [run for group in groups for run in group.runs]
    tasks = list(dict.fromkeys(group.task for group in groups))
    methods = list(dict.fromkeys(group.method for group in groups))
    named = ", ".join(tasks) if len(tasks) <= 4 else f"{len(tasks)} tasks"
    done = sum(len(finished(group)) for group in groups)
    return f"{_count(len(runs), 'run')} ({done} finished) of {_count(len(methods), 'method')} on {named}."


def warnings(found: Found, groups: Sequence[Group], doubles: Sequence[str]) -> list[Section]:
    """Return what to know before the numbers are believed; nothing if there is nothing."""
    runs = [run for group in groups for run in group.runs]
    late = [run for run in runs if not ending(run).finished]
    failed = failures([*(run.folder for run in late), *found.bare])
    begun = [f"{found.shown(place)}: no metrics yet" for place in found.bare if place not in failed]
    lists = {
        "Few seeds": _few(groups),
        "Failed runs": [f"{found.shown(place)}: {words}" for place, words in failed.items()],
        "Unfinished runs, left out of the numbers at the end": [
            f"{found.shown(run.folder)}: {_state(run)}" for run in late if run.folder not in failed
        ],
        "Not begun": [*begun, *not_begun(found)],
        "Cannot be read, left out": found.unread,
        "Stand twice, left out": doubles,
        "Different render qualities, which are different inputs": _qualities(runs),
        "Differ from none in more than the augmentation": _unlike(groups),
    }
    blocks = [Items(title, lines, is_warning=True) for title, lines in lists.items() if lines]
    return [Section("Before the numbers are believed", blocks)] if blocks else []


def settings(found: Found, groups: Sequence[Group]) -> Section:
    """Return all settings: once what is common, and what differs between groups."""
    runs = [run for group in groups for run in group.runs]
    configs = [run.config for run in runs]
    varied = {name: values for name, values in differences(configs).items() if name not in OWN}
    common = {name: value for name, value in flat(configs[0]).items() if name not in {*varied, *OWN}}
    main = ", ".join(f"{name.replace('_', ' ')} {shown(common[name])}" for name in MAIN if common.get(name))
    blocks: list[Block] = [Words(f"Common to all runs: {main}.")]
    blocks.append(Pairs("All common settings", [(name, shown(value)) for name, value in common.items()]))
    names = [name for name in varied if name not in ("task", "augment")]
    if names:
        rows = [
            [group.task, group.method, *(shown(flat(group.runs[0].config).get(name)) for name in names)]
            for group in groups
        ]
        decimals = dict.fromkeys(["task", "method", *names], 0)
        blocks.append(Sheet("settings", "Settings that differ", decimals, rows))
    return Section("Settings", [*blocks, runs_sheet(found, groups), *_versions(found, runs)])


def runs_sheet(found: Found, groups: Sequence[Group]) -> Sheet:
    """Return a row for each run."""
    runs = [(group, run) for group in groups for run in group.runs]
    names = list(dict.fromkeys(split for _, run in runs for split in splits(run)))
    returns = [value for _, run in runs for value in ending(run).returns.values()]
    decimals = {"run": 0, "method": 0, "seed": 0, "frames": 0, "state": 0, "hours": 1}
    places = decimals_for(returns)
    decimals |= {f"return on {name}" if len(names) > 1 else "return": places for name in names}
    rows = [_run_cells(found, group, run, names) for group, run in runs]
    notes = ["return: mean of the last evaluation. hours: of running, evaluations among them."]
    return Sheet("runs", "Runs", decimals, rows, notes)


def _run_cells(found: Found, group: Group, run: Run, names: Sequence[str]) -> list[Cell]:
    end = ending(run)
    state = "finished" if end.finished else "unfinished"
    head: list[Cell] = [found.shown(run.folder), group.method, str(run.config.get("seed", "")), end.frames, state]
    return [*head, end.time_s / 3600, *(end.returns.get(name) for name in names)]


def _versions(found: Found, runs: Sequence[Run]) -> list[Block]:
    recorded = {found.shown(run.folder): made_with(run) for run in runs}
    known = {place: made for place, made in recorded.items() if made}
    if not known:
        return [Words("Versions and hardware: these run folders hold no checkpoint that tells.")]
    names = list(dict.fromkeys(name for made in known.values() for name in made))
    values = {name: list(dict.fromkeys(made.get(name, UNKNOWN) for made in known.values())) for name in names}
    pairs = [(name, " or ".join(found)) for name, found in values.items()]
    without = [place for place in recorded if place not in known]
    blocks: list[Block] = [Sheet("versions", "Versions and hardware", {"what": 0, "value": 0}, pairs)]
    if without:
        blocks.append(Items("Runs that record no versions (no checkpoint)", without))
    if mixed := [name for name, found in values.items() if len(found) > 1]:
        lines = [
            f"{place}: {', '.join(f'{name} {made.get(name, UNKNOWN)}' for name in mixed)}"
            for place, made in known.items()
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
        number: [f"{task}: {', '.join(found)}" for task, found in of_task.items()] for number, of_task in few.items()
    }
    return [f"{few_seeds_warning(number)} ({'; '.join(words)})" for number, words in named.items()]


def _state(run: Run) -> str:
    end = ending(run)
    if end.frames >= end.asked:
        return f"{end.frames:,} frames, without a whole last evaluation"
    return f"{end.frames:,} of {end.asked:,} frames"


def _qualities(runs: Sequence[Run]) -> list[str]:
    found = sorted({str(run.config.get("render_quality", "paper")) for run in runs})
    return [f"{', '.join(found)}: compare within one only"] if len(found) > 1 else []


def _unlike(groups: Sequence[Group]) -> list[str]:
    """Return in which settings each group differs from the one without augmentation that it stands beside."""
    lines = []
    for group, base in beside_none(groups):
        found = differences([group.runs[0].config, base.runs[0].config])
        words = [
            f"{name} {shown(a)}, none {shown(b)}" for name, (a, b) in found.items() if name not in {*OWN, "augment"}
        ]
        if words:
            compared = "" if is_like(group, base) else "; not compared"
            lines.append(f"{group.task}, {group.method}: {'; '.join(words)}{compared}")
    return lines


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"
