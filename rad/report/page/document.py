"""A report of the runs in a folder: the table of contents of `rad report`. Nothing is written here."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rad.report.page.attention import attention_section, lifts, read_attention, video_section
from rad.report.page.blocks import AssetInliner, Items, Section
from rad.report.page.overview import head, left_out, settings, warnings
from rad.report.page.render import render
from rad.report.page.sections import COMMANDS, commands, overall_section, reproduction, task_section
from rad.report.read.groups import Group, find_runs, group

PAGE = "report.html"
FOLDER = "report"


class Report(NamedTuple):
    """A report."""

    files: dict[str, bytes]  # by name: the page, its figures as PNG and SVG, its tables as Markdown, CSV, LaTeX
    left_out: list[Items]  # what is not in the numbers, and why


def report(folder: Path, out: Path, typed: Sequence[str] = ()) -> Report:
    """Make the report of the runs in a folder; the same run folders and arguments give the same bytes.

    Args:
        folder: a run folder, or one with several runs in it, at any depth.
        out: folder that the files will be written to, which links start from.
        typed: the words of the command, to be shown on the page.

    Raises:
        ValueError: there is no run in the folder, or a file of one is damaged.
        ModuleNotFoundError: jinja2 is missing.
    """
    scan = find_runs(folder)
    groups, duplicates = group(scan.runs)
    attention, assets = read_attention(scan), AssetInliner(out)
    tasks = list(dict.fromkeys(of_task.task for of_task in groups))
    numbers = [task_section(_of(groups, task), lifts(attention, task)) for task in tasks]
    numbers += overall_section(groups)
    drawn = [*numbers, settings(scan, groups)]
    names = [figure.name for section in drawn for figure in section.figures]
    missing = left_out(scan, groups, duplicates)
    cautions = [*warnings(groups), *missing]
    sections = [
        *([Section("Before the numbers are believed", cautions)] if cautions else []),
        *numbers,
        *attention_section(attention, groups, scan, assets),
        *video_section(groups, scan, assets),
        drawn[-1],
        reproduction(scan, groups, shlex.join(typed or ["rad", "report", str(folder)]), names),
    ]
    page = render(f"Report of {folder.resolve().name}", head(groups), sections)
    return Report({PAGE: page, COMMANDS: commands(scan, groups)} | _files(sections), missing)


def _of(groups: Sequence[Group], task: str) -> list[Group]:
    return [group for group in groups if group.task == task]


def _files(sections: Sequence[Section]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for section in sections:
        for figure in section.figures:
            files |= {f"{figure.name}.png": figure.png, f"{figure.name}.svg": figure.svg}
        for table in section.tables:
            files |= table.files()
    return files
