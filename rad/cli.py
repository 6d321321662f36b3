"""The `rad` command: each subcommand reads its flags, calls one function and returns an exit status."""

import importlib
import os
import signal
import sys
from collections.abc import Sequence

from rad import __version__
from rad.runtime import plugins
from rad.runtime.processes.signals import Terminated, terminations_raised
from rad.settings import SettingError, flag_name

USAGE = """usage: rad COMMAND [FLAGS]; rad COMMAND --help shows every flag with its meaning and default; rad --version
       --plugin MODULE, or a file that ends in .py, once or more with any command, which can use what it registers

commands:
  train      train from pixels, or resume a run, to more frames too: rad train --resume RUN --frames N
  ablate     train tasks x augmentations x seeds in one folder, and resume what is unfinished
  evaluate   play episodes with a trained run on one or more splits, and compare them
  record     play episodes with a trained run and write them as a data set of Minari
  export     write the agent of a run into a file, with a card that says what it is and what it scored
  zoo        list the agents in a folder of such files, which `evaluate` and `attention` take in place of runs
  splits     name and draw the splits that a task can be trained and tested on
  attention  draw and measure where the encoders of runs look, all on the same states
  draw       make the pictures of a finished run again: video, attention figure, learning curve
  report     write a page about one or more runs: curves, tables with intervals, attention, videos
  runs       list the runs of a folder: how far each is, its last return, its state and how to resume it
  compare    compare two runs, or two settings with several seeds
  demo       train on a small task for some minutes, evaluate and draw: the whole library in one go
  doctor     say what is installed, what is missing and how to get it
  bench      measure speeds, in a checkout: sac, minutes, overlap, ppo, scaling, augment, replay, render, attention
"""

COMMANDS = tuple(line.split()[0] for line in USAGE.partition("commands:")[2].strip().splitlines())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status.

    0; 1 for a run that diverged or lost a process, or a suite that cannot run; 2 for wrong input, with one line that
    says why; 128 + signal for a stopped run, or where the output is no longer read (`rad train --help | head`).
    """
    wait_asleep()
    try:
        try:
            return _main(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        return 128 + signal.SIGPIPE


def wait_asleep() -> None:
    """Let threads that wait for each other sleep soon, so that other processes get their core; no result depends on it.

    GNU's OpenMP, which torch has on Linux, reads this when it is loaded. Its threads spin for milliseconds by default,
    while another process has the core of the thread that they wait for. On two cores, with an environment and an
    evaluation in processes of their own, a run of preset `rad` takes 7 % less so, one of `lean` 27 %; alone, no more.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "20000")


def _main(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else "--help"
    if command in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    if command == "--version":
        print(f"rad-rl {__version__}")
        return 0
    if command not in COMMANDS:
        return _report(f"unknown command '{command}'; known: {', '.join(COMMANDS)}", 2)
    try:
        with terminations_raised(), plugins.of_a_command():
            return run(command, _load_plugins(arguments[1:]))
    except BrokenPipeError:
        raise
    except SettingError as error:
        return _report(error.say(flag_name), 2)
    except (FloatingPointError, ChildProcessError) as error:
        return _report(str(error), 1)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        return _report(str(error), 2)
    except KeyboardInterrupt as stop:  # outside of training, which saves itself first
        said, number = ("terminated", stop.number) if isinstance(stop, Terminated) else ("interrupted", signal.SIGINT)
        return _report("; ".join([said, *getattr(stop, "__notes__", ())]), 128 + number)


def run(command: str, arguments: list[str]) -> int:
    """Run a subcommand: the function `main` of its module."""
    return importlib.import_module(f"rad.commands.{command}").main(arguments)


def _load_plugins(arguments: Sequence[str]) -> list[str]:
    """Load the plugins of `--plugin` and of the environment; return the other arguments.

    Raises:
        SettingError: the flag has no value, or a plugin cannot be imported.
    """
    plugins.load_inherited()
    others: list[str] = []
    words = iter(arguments)
    for word in words:
        flag, equals, value = word.partition("=")
        if flag != "--plugin":
            others.append(word)
        elif name := value if equals else next(words, ""):
            plugins.load(name)
        else:
            raise SettingError("plugin", "needs a module or a file that ends in .py")
    return others


def _report(error: str, status: int) -> int:
    print(f"error: {' '.join(error.split())}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
