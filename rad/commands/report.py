"""rad report: one page about the runs in a folder."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from rad.commands import flags
from rad.settings import SettingError, setting

MOST_LINES = 10  # of each reason to leave something out


@dataclass(frozen=True)
class Report:
    """Write one page about a run or a sweep, with its figures and tables as files beside it; needs no simulator."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """Run folder, or a folder with several runs in it."""
    out: Path | None = None
    """Folder of the page; FOLDER/report if not given. Files of an earlier report are replaced."""
    over: Literal["frames", "hours"] = "frames"
    """What learning curves are drawn over: environment frames, or hours of training with its evaluations."""


def main(arguments: list[str]) -> int:
    """Write a report; print where the page is, how many files are beside it, and what was left out."""
    options = flags.parse(Report, "rad report", arguments)
    from rad.report.page import document
    from rad.runtime.files import replacing

    if options.folder.is_file():
        raise SettingError("FOLDER", options.folder, "a run folder or a folder of several runs")
    out = options.out or options.folder / document.FOLDER
    existing = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise SettingError("out", out, "a folder that can be written to")
    typed = ["rad", "report", str(options.folder), *(["--out", str(out)] if options.out else [])]
    with setting("FOLDER"):
        files, left_out = document.report(options.folder, out, typed, options.over)
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        with replacing(out / name) as file:
            file.write(data)
    print(f"{out / document.PAGE}\n{len(files) - 1} files of figures, tables and commands beside it")
    for items in left_out:
        more = len(items.lines) - MOST_LINES
        rest = [f"and {more:,} more, see the page"] if more > 0 else []
        print(f"{items.title}:", *items.lines[:MOST_LINES], *rest, sep="\n  ")
    return 0
