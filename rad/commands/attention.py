"""rad attention: what the encoder of a run attends to."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from rad import flags


@dataclass(frozen=True)
class Attention:
    """Draw what the last convolution of a run attends to, beside an untrained encoder."""

    run: tyro.conf.Positional[Path]
    """Run folder."""
    out: Path
    """The PNG to write."""
    seed: int = 0
    """Seed of the episode that the frames are taken from."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N, whatever the run was trained on."""


def main(arguments: list[str]) -> int:
    """Draw the attention of a run."""
    options = flags.parse(Attention, "rad attention", arguments)
    flags.check_file("out", options.out)
    from rad.trained import attention_of_run

    attention_of_run(**vars(options))
    print(options.out)
    return 0
