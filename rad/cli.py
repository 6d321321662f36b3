"""The `rad` command."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import tyro

from rad.config import RunConfig, preset, to_json


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] != "train":
        print("usage: rad train ...", file=sys.stderr)
        return 2
    config = parse_train(arguments[1:])
    from rad.train import train

    folder = config.out or default_folder(config)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(to_json(config), indent=2) + "\n")
    train(config, folder)
    return 0


def parse_train(arguments: Sequence[str]) -> RunConfig:
    """Read a run's configuration; the preset, wherever it stands, decides the defaults."""
    name = "rad"
    for i, word in enumerate(arguments):
        if word == "--preset" and i + 1 < len(arguments):
            name = arguments[i + 1]
        elif word.startswith("--preset="):
            name = word.partition("=")[2]
    return tyro.cli(
        RunConfig, args=arguments, default=preset(name), config=(tyro.conf.OmitArgPrefixes,), prog="rad train"
    )


def default_folder(config: RunConfig) -> Path:
    """Return runs/TASK-ALGO-AUGMENT-SEED."""
    task = config.task.replace("/", "-")
    return Path("runs") / f"{task}-{config.algo}-{config.augment}-{config.seed}"


if __name__ == "__main__":
    sys.exit(main())
