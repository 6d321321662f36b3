"""Start a sweep: check its runs, plan and run them, and print the table of their returns."""

import dataclasses
import os
import shlex
from collections.abc import Hashable, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from rad.experiment.algorithms import algorithm_of
from rad.experiment.build import image_size, make_arms
from rad.experiment.config import RunConfig
from rad.experiment.validate import check_bounds, check_environment, check_folder, check_settings
from rad.report.draw.result_tables import sweep_table
from rad.runtime import device
from rad.runtime.files import locked
from rad.runtime.run_dir import CONFIG_FILE
from rad.settings import SettingError
from rad.sweep import manifest
from rad.sweep.engines import ENGINES
from rad.sweep.grid import Trial
from rad.sweep.plan import plan_text
from rad.sweep.process import environment, log_file
from rad.sweep.scheduler import Engine, Options, Scheduler
from rad.sweep.slots import Slots, mps_advice, slots
from rad.sweep.status import State, final_returns, left, state
from rad.training.measure import Cost, in_process

LOCK_FILE = ".lock"


def start(trials: Sequence[Trial], options: Options, recorded: manifest.Record | None, command: Sequence[str]) -> int:
    """Check all runs, print the plan, run them and print their returns.

    The record in the folder, None for a new sweep, is extended; the words of the command, typed again, resume it.

    Returns:
        The exit status: 0; 1 if some run failed; 128 + the signal that stopped the sweep.

    Raises:
        SettingError: a setting is wrong; nothing has been made.
        BlockingIOError: another process works on the sweep.
    """
    states = _checked(trials, options)
    first = next((trial.config for trial in left(trials, states) if options.measure), None)
    learns = first and not algorithm_of(first).idle(first)
    cost = in_process(first, environment(first.threads)) if first and learns else None
    lock = options.out / LOCK_FILE
    options.out.mkdir(parents=True, exist_ok=True)
    lock.touch()
    with locked(lock):
        manifest.write(options.out, manifest.merge(recorded, trials, command))
        return _work(trials, states, cost, options, shlex.join(command))


def _checked(trials: Sequence[Trial], options: Options) -> dict[str, State]:
    """Check all runs, and return the state of each by its name."""
    lock = options.out / LOCK_FILE
    with locked(lock) if lock.exists() else nullcontext():  # refused before anything takes time
        check_out(options.out, trials)
    states = {trial.name: state(trial) for trial in trials}
    check_trials(left(trials, states), options.ranks)
    ENGINES[options.engine].check(options)
    return states


def check_trials(trials: Sequence[Trial], ranks: int = 1) -> None:
    """Check each run as `rad train` does; runs that differ in their seed alone, and equal scenes, once.

    Each is trained by so many ranks, on CPUs if there are several.

    Raises:
        SettingError: a setting is wrong.
    """
    scenes: dict[Hashable, RunConfig] = {}
    for config in {dataclasses.replace(trial.config, seed=1, out=None) for trial in trials}:
        check_settings(config, ranks)
        if ranks > 1 and device.resolve_device(config.device).type != "cpu":
            raise SettingError("ranks", f"is for runs on CPUs, got {ranks} with device {config.device}")
        scenes.setdefault(_scene(config), config)
    for trial in trials:
        check_bounds(trial.config)
    for config in scenes.values():
        check_environment(config)


def check_out(out: Path, trials: Sequence[Trial]) -> None:
    """Check that new runs can be made in the folder of the sweep.

    Raises:
        SettingError: they cannot.
    """
    if (out / CONFIG_FILE).exists():
        raise SettingError("out", f"{out} is the folder of a run; choose another name for that of a sweep")
    if out.exists() and not (out.is_dir() and os.access(out, os.W_OK)):
        raise SettingError("out", f"{out} is no folder that can be written to")
    for trial in trials:
        if not os.path.exists(trial.folder):  # nor has a name that is too long, which is refused there
            check_folder(trial.folder)


def _scene(config: RunConfig) -> Hashable:
    """Return what an environment is made from: all settings but those of agent and augmentation, and the sizes."""
    settings = {name: value for name, value in vars(config).items() if name not in ("augment", "agent")}
    return type(config), *settings.items(), image_size(config), make_arms(config)[1]


def _work(
    trials: Sequence[Trial], states: Mapping[str, State], cost: Cost | None, options: Options, command: str
) -> int:
    """Plan the runs that are left, run them and print all returns; return the exit status."""
    engine, fitting = _engine(left(trials, states), cost, options)
    print(plan_text(trials, states, cost, fitting, options), flush=True)
    if advice := mps_advice(ENGINES[options.engine].shares_gpus(fitting, options)):
        print(advice, flush=True)
    status, failed = 0, list[Trial]()
    if engine:
        finished = [name for name, kind in states.items() if kind is State.FINISHED]
        with closing(engine):
            scheduler = Scheduler(engine, fitting.number, options.out, trials, finished)
            status, failed = scheduler.run(), scheduler.failed
    print(sweep_table(table_rows(trials)).plain())
    for trial in failed:
        print(f"failed: {trial.name}; what it printed: {log_file(options.out, trial.name)}")
    if status:
        print(f"stopped; resume with the same command: {command}")
    return status or int(bool(failed))


def _engine(trials: Sequence[Trial], cost: Cost | None, options: Options) -> tuple[Engine | None, Slots]:
    """Return what runs the trials, None where there are none, and how many at a time."""
    if not trials:
        return None, Slots(1, "", {})
    fitting = slots(trials, cost, options.ranks)
    if options.workers:
        fitting = fitting._replace(number=options.workers, why="as --workers says")
    return ENGINES[options.engine].make(trials, fitting, options)


def table_rows(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return a row for each task, augmentation, value of swept fields and split, with the finished runs."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    ends = {trial.name: final_returns(trial) for trial in trials}
    splits = next((list(returns) for returns in ends.values() if returns), [""])  # of runs that are not finished
    for trial in trials:
        config, returns = trial.config, ends[trial.name]
        for split in returns or splits:
            head = {"task": config.task, "augment": config.augment, **trial.overrides, "split": split}
            row = rows.setdefault(tuple(head.items()), head | {"returns": {}})
            if returns:
                row["returns"][config.seed] = returns[split]
    return list(rows.values())
