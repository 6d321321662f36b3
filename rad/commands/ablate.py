"""rad ablate: many runs in one folder, each task with each augmentation and seed."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rad.commands import flags
from rad.commands.train import parse_run
from rad.settings import SettingError

if TYPE_CHECKING:
    from rad.sweep import grid

LISTS = ("task", "augment", "seeds", "sweep")


@dataclass(frozen=True)
class Ablate:
    """Train each task with each augmentation and seed, as runs of their own in one folder.

    Lists have spaces or commas between their values. All other flags are those of rad train (see its --help) and
    apply to each run; --threads is 1 if not given, on every machine. The same command goes on with what is unfinished;
    with more tasks, augmentations or seeds it adds runs.
    """

    out: Path
    """Folder of the sweep; its runs are in TASK/AUGMENT/seed-N, what they print is in logs/."""
    task: tuple[str, ...] = ()
    """Tasks; the preset's own if none is given."""
    augment: tuple[str, ...] = ()
    """Augmentations; the preset's own if none is given. One that begins with ucb: stands between spaces."""
    pairs: bool = False
    """Train with all ordered pairs of the augmentations, and with each alone in the place of a pair with itself."""
    seeds: tuple[str, ...] = ()
    """One number N for the seeds 1 to N, or several seeds; for one seed use --seed."""
    sweep: tuple[str, ...] = ()
    """Other fields to vary, e.g. batch_size=64,128 gamma=0.9,0.99; all combinations are trained."""
    workers: int = 0
    """Runs at a time; 0 for as many as memory and cores allow."""
    measure: bool = True
    """Time some updates of the first run, to tell how long all will take and how many fit side by side."""
    ranks: int = 1
    """Processes that train each run together, as those of torchrun: for PPO on CPUs."""
    engine: str = "local"
    """Where to run: local, processes of this machine, or ray."""
    address: str = ""
    """Address of a Ray cluster, or auto; Ray on this machine if not given."""
    gpus: float = -1.0
    """GPUs of each run on Ray, also a part of one; -1 for one where there are any."""


def main(arguments: list[str]) -> int:
    """Run or resume a sweep."""
    options, run_flags = parse_sweep(arguments)
    from rad.runtime import plugins
    from rad.sweep import grid, manifest
    from rad.sweep.scheduler import Options
    from rad.sweep.start import start

    axes = _axes(options, run_flags)
    trials = grid.trials(axes, run_flags, parse_run, options.out)
    recorded = manifest.read(options.out)
    if recorded:
        configure = functools.partial(grid.configured, run_flags=run_flags, parse=parse_run)
        manifest.check(recorded, list(axes.overrides), configure, options.out)
    how = {name: getattr(options, name) for name in ("out", "workers", "measure", "ranks", "engine", "address")}
    gpus = None if options.gpus < 0 else options.gpus
    return start(trials, Options(**how, gpus=gpus), recorded, ["rad", "ablate", *arguments, *plugins.flags()])


def parse_sweep(arguments: list[str]) -> tuple[Ablate, list[str]]:
    """Return the flags of the command itself, and those of each run.

    Raises:
        ValueError: one of the command's own is wrong.
    """
    for name in LISTS:
        flags.check_once((name,), arguments)
    try:
        options, run_flags = flags.parse(Ablate, "rad ablate", arguments, return_unknown_args=True)
    except ValueError as error:  # which goes on to name the flags of `rad train`
        raise ValueError(str(error).partition("; Unrecognized options")[0]) from None
    _check_flags(options, run_flags)
    if flags.value_of("threads", run_flags) is None:
        run_flags = [*run_flags, "--threads", "1"]
    return options, run_flags


def _axes(options: Ablate, run_flags: list[str]) -> "grid.Grid":
    """Return what the sweep varies; the preset decides what is not given."""
    from rad.sweep import cli_lists, grid

    default = parse_run([*run_flags, *(["--task", options.task[0].split(",")[0]] if options.task else [])])
    augments = cli_lists.split("augment", options.augment)
    return grid.Grid(
        tasks=cli_lists.split("task", options.task) or [default.task],
        augments=cli_lists.pairs(augments) if options.pairs else augments,
        seeds=cli_lists.seeds(options.seeds) if options.seeds else [default.seed],
        overrides=cli_lists.overrides(options.sweep),
    )


def _check_flags(options: Ablate, run_flags: list[str]) -> None:
    flags.check_least(options, workers=0, ranks=1)
    if options.gpus < 0 and options.gpus != -1:
        raise SettingError("gpus", options.gpus, "at least 0, or -1 for one where there are any")
    from rad.sweep.engines import ENGINES

    if options.engine not in ENGINES:
        raise SettingError("engine", f"unknown engine '{options.engine}'; known: {', '.join(ENGINES)}")
    for name, is_given in (("address", bool(options.address)), ("gpus", options.gpus >= 0)):
        if is_given and name not in ENGINES[options.engine].flags:
            fitting = " or ".join(engine for engine, entry in ENGINES.items() if name in entry.flags)
            got = f"{vars(options)[name]} with --engine {options.engine}"
            raise SettingError(name, f"is for --engine {fitting}, got {got}")
    if options.seeds and flags.value_of("seed", run_flags) is not None:
        raise SettingError("seeds", "takes the place of --seed, got both")
    if flags.value_of("resume", run_flags) is not None:
        raise SettingError("resume", "is for a single run; the same command goes on with a sweep")
