"""rad demo: the whole library in one go."""

from dataclasses import dataclass
from pathlib import Path

from rad.commands import flags
from rad.settings import SettingError, setting


@dataclass(frozen=True)
class Demo:
    """Train for some minutes with the preset demo, evaluate, and print what was made."""

    minutes: float = 5.0
    """How long it may take, from start to end. The machine is measured first, and the task made as long as fits."""
    out: Path = Path("runs/demo")
    """Run folder; one left by an earlier demo is replaced."""
    seed: int = 1
    """Seed of the run."""


def main(arguments: list[str]) -> int:
    """Run the demo."""
    options = flags.parse(Demo, "rad demo", arguments)
    if not 1 <= options.minutes <= 1_000:
        raise SettingError("minutes", f"{options.minutes:g}", "from 1 to 1,000")
    from rad.training.demo import check_out, run
    from rad.training.pictures import PICTURES

    with setting("out"):
        check_out(options.out)
    return run(options.minutes, options.out, options.seed, PICTURES)
