"""rad record: episodes of a run as a data set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from rad.commands import flags
from rad.runtime.processes.signals import if_stopped


@dataclass(frozen=True)
class Record:
    """Play episodes with a trained agent and write them, with the simulator's states, as a data set of Minari.

    An interrupted recording goes on with the same command.
    """

    run: tyro.conf.Positional[Path]
    """Run folder, or a file of rad export."""
    out: Path
    """Folder of the recording; the data set is in its folder data."""
    episodes: int = 10
    """Episodes to record."""
    split: str = ""
    """Split to play, as of rad evaluate; what the run trains on if not given."""
    policy: Literal["", "sample", "mode"] = ""
    """sample or mode; that of the run's evaluations if not given."""
    seed: int = 0
    """Seed of the episodes."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N, whatever the run was trained on."""


def main(arguments: list[str]) -> int:
    """Record, and say what there is and how to read it."""
    options = flags.parse(Record, "rad record", arguments)
    flags.check_least(options, episodes=1, seed=0)
    from rad.evaluation.recording import record

    with if_stopped("the same command goes on with the recording"):
        made = record(**vars(options))
    print(f"{made.folder}: {made.episodes:,} episodes, {made.steps:,} steps")
    print(f"read it with: minari.MinariDataset({str(made.folder)!r})")
    return 0
