"""rad runs: the runs of a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rad.commands import flags
from rad.settings import SettingError, setting

DEFAULT = Path("runs")


@dataclass(frozen=True)
class Runs:
    """List the runs of a folder: what each learns, how far it is, its last return, its state and how to resume it."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")] = DEFAULT
    """Folder with runs at any depth, or a run folder."""


def main(arguments: list[str]) -> int:
    """Print a line for each run."""
    options = flags.parse(Runs, "rad runs", arguments)
    from rad.report.draw.result_tables import run_list
    from rad.report.read.states import list_runs

    if options.folder == DEFAULT and not DEFAULT.exists():
        raise SettingError("FOLDER", f"there is no folder {DEFAULT} here, where rad train puts runs; name another")
    with setting("FOLDER"):
        runs = list_runs(options.folder)
    print(run_list(runs, options.folder) if runs else f"{options.folder} holds no run")
    return 0
