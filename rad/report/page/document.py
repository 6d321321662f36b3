"""A report of the runs in a folder: the table of contents of `rad report`. Nothing is written here."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rad.report.draw.style import Figure
from rad.report.draw.tables import Table
from rad.report.page.attention import attention_section, lifts, read_attention, video_section
from rad.report.page.blocks import AssetInliner, Items, Section
from rad.report.page.overview import head, left_out, settings, warnings
from rad.report.page.render import render
from rad.report.page.sections import COMMANDS, commands, overall_section, reproduction, task_section
from rad.report.read.groups import find_runs, group
from rad.report.stats.curves import Over

PAGE = "report.html"
FOLDER = "report"


class Report(NamedTuple):
    """The files of a report, and what it leaves out."""

    files: dict[str, bytes]  # by name: the page, its figures as PNG and SVG, its tables as Markdown, CSV, LaTeX
    left_out: list[Items]  # what is not in the numbers, and why


def report(folder: Path, out: Path, typed: Sequence[str] = (), over: Over = "frames") -> Report:
    """Make the report of the runs in a folder; the same run folders and arguments give the same bytes.

    The folder is that of a run, or holds several at any depth. Links are relative to `out`, where the files will be
    written; `typed` are the words of the command, to show on the page. Learning curves are drawn over environment
    frames, or over hours.

    Raises:
        ValueError: there is no run in the folder, or a file of one is damaged.
        ModuleNotFoundError: jinja2 is missing.
    """
    scan = find_runs(folder)
    groups, duplicates = group(scan.runs)
    attention, assets = read_attention(scan), AssetInliner(out)
    tasks = list(dict.fromkeys(of_task.task for of_task in groups))
    numbers = [task_section([g for g in groups if g.task == task], lifts(attention, task), over) for task in tasks]
    missing = left_out(scan, groups, duplicates)
    cautions = [*warnings(scan, groups), *missing]
    sections = [
        *([Section("Before you trust the numbers", cautions)] if cautions else []),
        *numbers,
        *overall_section(groups),
        *attention_section(attention, groups, scan, assets),
        *video_section(groups, scan, assets),
        settings(scan, groups),
    ]
    written = [block for section in sections for block in section.blocks if isinstance(block, Figure | Table)]
    names = [block.name for block in written if isinstance(block, Figure)]
    sections.append(reproduction(scan, groups, shlex.join(typed or ["rad", "report", str(folder)]), names))
    page = render(f"Report of {folder.resolve().name}", head(groups), sections)
    files = {PAGE: page, COMMANDS: commands(scan, groups)}
    for block in written:
        files |= block.files()
    return Report(files, missing)
