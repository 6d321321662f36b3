"""rad splits: what a task can be trained and tested on."""

from dataclasses import dataclass
from pathlib import Path

from rad.commands import flags


@dataclass(frozen=True)
class Splits:
    """Say which splits a task has, and draw what they look like."""

    task: str
    """dmc/DOMAIN-TASK or procgen/GAME."""
    out: Path | None = None
    """PNG to write; by default splits-TASK.png."""
    episodes: int = 4
    """Episodes of each split to draw."""
    seed: int = 0
    """Seed of the episodes."""
    camera_id: int = 0
    """Camera of the simulator."""
    background_dir: tuple[str, ...] = ()
    """Folder of images or videos for appearances with clips, test=DIR; computed clips if not given."""


def main(arguments: list[str]) -> int:
    """List and draw the splits of a task."""
    options = flags.parse(Splits, "rad splits", arguments)
    flags.check_least(options, episodes=1, seed=0)
    out = options.out or Path(f"splits-{options.task.replace('/', '-')}.png")
    flags.check_file("out", out, ".png")
    from rad.evaluation.gallery import draw_gallery

    about = draw_gallery(**vars(options) | {"out": out})
    width = max(map(len, about)) + 2
    for name, words in about.items():
        print(f"{name:{width}}{words}")
    print(out)
    return 0
