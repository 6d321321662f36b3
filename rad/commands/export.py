"""rad export: the agent of a run, as a file."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from rad.commands import flags
from rad.runtime.run_dir import AGENT_SUFFIX
from rad.settings import SettingError


@dataclass(frozen=True)
class Export:
    """Write what acts of a run's agent into a file, with a card: what it is, what it scored, how to make it again."""

    run: tyro.conf.Positional[Path]
    """Run folder."""
    out: Path = Path("agent.safetensors")
    """File to write."""
    checkpoint: str = "last"
    """last; best, which --keep-best kept; or the frames of a checkpoint that is there."""


def main(arguments: list[str]) -> int:
    """Export; print what stands on the card, and the file."""
    options = flags.parse(Export, "rad export", arguments)
    flags.check_file("out", options.out, AGENT_SUFFIX)
    if options.out.exists():
        raise SettingError("out", f"{options.out} exists; choose another name, or remove it")
    from rad.evaluation.export import export
    from rad.evaluation.zoo import table

    export(options.run, options.out, flags.checkpoint(options.checkpoint))
    print(table([options.out]).plain(), options.out, sep="\n\n")
    return 0
