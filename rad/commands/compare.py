"""rad compare: how far two runs lie apart."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rad.commands import flags
from rad.settings import SettingError, setting


@dataclass(frozen=True)
class Compare:
    """Say how far the returns of two runs lie apart at their end, how sure that is, and which settings differ.

    Folders with several seeds of one setting are compared over their finished runs.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN_A RUN_B")] = ()
    """Two run folders, or folders with several seeds of one setting, of the same task."""


def main(arguments: list[str]) -> int:
    """Compare two runs and print what was found."""
    options = flags.parse(Compare, "rad compare", arguments)
    if len(options.runs) != 2:
        raise SettingError("RUN_A RUN_B", len(options.runs), "two folders")
    from rad.report.compare_runs import compare_groups, load_side

    sides = []
    for letter, folder in zip("AB", options.runs):
        with setting(f"RUN_{letter}"):
            sides.append(load_side(folder))
    comparison = compare_groups(*sides)
    for letter, folder, group in zip("AB", options.runs, sides):
        print(f"{letter}: {folder} ({group.task}, {group.method})")
    print(f"\n{comparison.text()}")
    return 0
