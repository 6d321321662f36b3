"""rad train: start a run, or resume one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro

from rad.commands import flags
from rad.runtime.processes import ranks
from rad.runtime.run_dir import CONFIG_FILE
from rad.settings import SettingError, flag_name, setting

MOST_USED = ("task", "preset", "augment", "seed", "frames", "out", "device")


def main(arguments: list[str]) -> int:
    """Train in a new run folder, or resume the run in an old one."""
    if ranks.rank():
        from rad.training.trainer import follow

        with ranks.joined() as group:
            return follow(group)
    run = flags.value_of("resume", arguments)
    if run is not None:
        return _resume(run, arguments)
    from rad.experiment.config_file import read_config
    from rad.experiment.validate import check

    config = parse_run(arguments)
    out = config.out or default_folder(config)
    if ranks.size() > 1 and (out / CONFIG_FILE).exists() and read_config(out) == config:
        return _resume(str(out), ["--resume", str(out)])  # torchrun starts the same command again
    check(config, out)
    from rad.training.pictures import PICTURES
    from rad.training.trainer import start

    with ranks.joined() as group:
        return start(config, out, PICTURES, group)


def _resume(run: str, arguments: list[str]) -> int:
    if not run or flags.without(("resume", "frames"), arguments):
        needs = "needs a run folder, takes its settings from RUN/config.json and allows no other flag but --frames"
        raise SettingError("resume", f"{needs}, got {' '.join(arguments)}")
    from rad.experiment.config_file import read_config

    with setting("resume", "RUN"):
        read_config(Path(run))
    if (frames := flags.value_of("frames", arguments)) is not None:
        _lengthen(Path(run), frames)
    from rad.training.pictures import PICTURES
    from rad.training.trainer import resume

    with ranks.joined() as group:
        return resume(Path(run), PICTURES, group)


def _lengthen(run: Path, frames: str) -> None:
    from rad.training.resuming import lengthen

    with setting("frames"):
        followed = lengthen(run, flags.whole(frames))
    for name in followed:
        ends = f"the run does not end as one of {flags.whole(frames):,} frames from the start"
        print(f"note: {flag_name(name)} has followed the length before: {ends}")


def parse_run(arguments: Sequence[str]) -> Any:
    """Read a run's configuration; preset and task, wherever they stand, decide the defaults."""
    from rad.experiment.presets import choose

    wants_help = bool({"-h", "--help"} & set(arguments))
    if wants_help:
        print(f"Most used: {', '.join(map(flag_name, MOST_USED))}; they stand among the first below.")
        print("To resume a run instead: rad train --resume RUN, without other flags but --frames=N, its new length.\n")
    default = choose(*(flags.value_of(name, arguments) for name in ("algo", "preset", "task")))
    omitted = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)
    try:
        return flags.parse(type(default), "rad train", arguments, default=default, config=omitted)
    finally:
        if wants_help:
            print(_others(default.algo))


def _others(algo: str) -> str:
    """Say which presets there are, and how to see the flags of the other algorithms."""
    from rad.experiment.algorithms import ALGORITHMS

    commands = ", ".join(f"rad train --algo {name} --help" for name in ALGORITHMS if name != algo)
    presets = "; of ".join(f"{name}: {', '.join(one.presets)}" for name, one in ALGORITHMS.items())
    return f"\nPresets of {presets}.\nThese are the flags of {algo}; those of other algorithms: {commands}"


def default_folder(config: Any) -> Path:
    """Return runs/TASK-ALGO-AUGMENT-SEED."""
    words = (config.task.replace("/", "-"), config.algo, config.augment.replace("/", "|"), str(config.seed))
    return Path("runs") / "-".join(words).replace(":", "-")  # which rsync and scp would read as the end of a host
