"""rad zoo: agents to start from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from rad.commands import flags


@dataclass(frozen=True)
class Zoo:
    """List the agents in a folder, files of `rad export`: what they have learned and scored, and if they are whole."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")] = Path("results/zoo")
    """Folder; its own folders too."""


def main(arguments: list[str]) -> int:
    """Print a table; 1 if a file is damaged or something else."""
    options = flags.parse(Zoo, "rad zoo", arguments)
    from rad.evaluation.zoo import files_in, table

    agents = table(files_in(options.folder), options.folder)
    print(agents.plain())
    return int(any(row[-1] != "holds" for row in agents.rows))
