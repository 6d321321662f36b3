"""A report of the runs in a folder: the table of contents of `rad report`. Nothing is written here."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rad.report.page.attention import attention_section, film_section, lifts, looked
from rad.report.page.blocks import Section, Shelf
from rad.report.page.overview import head, settings, warnings
from rad.report.page.render import render
from rad.report.page.sections import COMMANDS, commands, overall_section, reproduction, task_section
from rad.report.read.groups import Group, find, group

PAGE = "report.html"
FOLDER = "report"


def report(folder: Path, out: Path, typed: Sequence[str] = ()) -> dict[str, bytes]:
    """Return the files of a report by name: the page, its figures as PNG and SVG, its tables as Markdown, CSV, LaTeX.

    The same run folders and arguments give the same bytes.

    Args:
        folder: a run folder, or one with several runs in it, at any depth.
        out: folder that the files will be written to, which links start from.
        typed: the words of the command, to be shown on the page.

    Raises:
        ValueError: there is no run in the folder, or a file of one is damaged.
        ModuleNotFoundError: jinja2 is missing.
    """
    found = find(folder)
    groups, doubles = group(found.runs)
    seen, shelf = looked(found), Shelf(out)
    tasks = list(dict.fromkeys(one.task for one in groups))
    numbers = [task_section(_of(groups, task), lifts(seen, task)) for task in tasks]
    numbers += overall_section(groups)
    shown = [*numbers, settings(found, groups)]
    names = [figure.name for section in shown for figure in section.figures]
    sections = [
        *warnings(found, groups, doubles),
        *numbers,
        *attention_section(seen, groups, found, shelf),
        *film_section(groups, found, shelf),
        shown[-1],
        reproduction(found, groups, shlex.join(typed or ["rad", "report", str(folder)]), names),
    ]
    page = render(f"Report of {folder.resolve().name}", head(groups), sections)
    return {PAGE: page, COMMANDS: commands(found, groups)} | _files(sections)


def _of(groups: Sequence[Group], task: str) -> list[Group]:
    return [one for one in groups if one.task == task]


def _files(sections: Sequence[Section]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for section in sections:
        for figure in section.figures:
            files |= {f"{figure.name}.png": figure.png, f"{figure.name}.svg": figure.svg}
        for sheet in section.sheets:
            files |= sheet.files()
    return files
