"""Plugins: the user's modules that register augmentations, encoders and others before flags are read."""

import importlib
import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rad.settings import SettingError

VARIABLE = "RAD_PLUGINS"
"""Environment variable with the plugins of this process; the processes that it starts inherit them."""

_EARLIER: set[str] = set()  # plugins of commands that have ended in this process; empty while one runs


class PluginsMissing(SettingError):
    """A run needs plugins that are not loaded."""


@contextmanager
def of_a_command() -> Iterator[None]:
    """Let the plugins that are loaded in the block be those of one command: the next in this process has them not.

    What they registered stays, so that a program can load the runs that the command has made.
    """
    before, earlier = os.environ.get(VARIABLE, ""), _EARLIER.copy()
    _EARLIER.clear()
    try:
        yield
    finally:
        _EARLIER.update(earlier, loaded())
        os.environ[VARIABLE] = before


def loaded() -> tuple[str, ...]:
    """Return the plugins of this process, in the order in which they were loaded."""
    return tuple(filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)))


def flags(names: Iterable[str] | None = None) -> list[str]:
    """Return what a command needs to load plugins, those of this process if none are named."""
    return [word for name in (loaded() if names is None else names) for word in ("--plugin", name)]


def load(name: str) -> None:
    """Import a plugin, a module or a file that ends in `.py`, and pass it on to the processes that this one starts.

    Raises:
        SettingError: there is no such module or file, or importing it fails; one line.
    """
    name = _absolute(name)
    _import(name)
    if name not in loaded():
        os.environ[VARIABLE] = os.pathsep.join([*loaded(), name])


def load_inherited() -> None:
    """Import the plugins of the process that started this one, and those that the user has set."""
    names = [_absolute(name) for name in loaded()]
    if names:
        os.environ[VARIABLE] = os.pathsep.join(names)
    for name in names:
        _import(name)


def _absolute(name: str) -> str:
    return str(Path(name).resolve()) if name.endswith(".py") else name


def check_loaded(names: Iterable[str], run: str) -> None:
    """Check that what a run was made with is loaded: a plugin is code, and runs only where a command names it.

    A file that is no longer where it was, as on another machine, is one of the same name: two cannot be loaded.

    Raises:
        PluginsMissing: some are not; the text says what to add.
    """
    here = {*loaded(), *_EARLIER}
    files = {Path(name).name for name in here if name.endswith(".py")}
    missing = [name for name in names if name not in here and not (_moved(name) and Path(name).name in files)]
    if missing:
        moved = ", files by where they are now" if any(map(_moved, missing)) else ""
        needs = f"add {shlex.join(flags(missing))}{moved}"
        raise PluginsMissing("plugin", f"{run} was made with {', '.join(missing)}; {needs}")


def _moved(name: str) -> bool:
    return name.endswith(".py") and not Path(name).is_file()


def _import(name: str) -> None:
    path = Path(name)
    is_file = name.endswith(".py")
    if is_file and not path.is_file():
        raise SettingError("plugin", f"there is no file {name}")
    if is_file and str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # so that processes that it is sent to by name find it too
    try:
        module = importlib.import_module(path.stem if is_file else name)
    except Exception as error:
        kind = "" if isinstance(error, ModuleNotFoundError) else f"{type(error).__name__}: "
        raise SettingError("plugin", f"{name} cannot be imported: {kind}{error}") from error
    if is_file and Path(module.__file__ or "").resolve() != path:
        raise SettingError("plugin", f"{name} has the name of another module, {module.__file__}; rename the file")
