"""rad draw: the pictures of a finished run, made again."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from rad.commands import flags


@dataclass(frozen=True)
class Draw:
    """Make the pictures of a finished run again: video of an evaluation episode, attention figure, learning curve."""

    run: tyro.conf.Positional[Path]
    """Run folder."""


def main(arguments: list[str]) -> int:
    """Draw; print what is being made."""
    options = flags.parse(Draw, "rad draw", arguments)
    from rad.training.pictures import draw

    draw(options.run)
    return 0
