"""rad demo: the whole library in one go."""

from dataclasses import dataclass
from pathlib import Path

from rad import flags


@dataclass(frozen=True)
class Demo:
    """Train for some minutes with the preset `demo`, evaluate, and print what was made."""

    out: Path = Path("runs/demo")
    """Run folder; one left by an earlier demo is replaced."""
    seed: int = 1
    """Seed of the run."""


def main(arguments: list[str]) -> int:
    """Run the demo."""
    options = flags.parse(Demo, "rad demo", arguments)
    from rad.demo import run

    return run(options.out, options.seed)
