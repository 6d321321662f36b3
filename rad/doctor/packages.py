"""Checks of the interpreter and of its packages."""

import platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module, metadata

from rad.envs.suites import SUITES

DISTRIBUTION = "rad-rl"
SUITE_EXTRAS = tuple(suite.extra for suite in SUITES.values() if suite.extra)
EXTRAS = (*SUITE_EXTRAS, "gym", "report", "cluster", "wandb", "record", "docs", "dev")
OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
PYTHONS = ((3, 11), (3, 12))
NEW_PYTHON = "make the environment anew with Python 3.11 or 3.12: python3.11 -m venv .venv"
LIBGL = "apt-get install libgl1 libglib2.0-0"


@dataclass(frozen=True)
class Finding:
    """The result of a check."""

    name: str  # what was checked
    ok: bool
    text: str  # what is there, or what is wrong
    remedy: str = ""  # what to do about it, where something is wrong
    needed: bool = True  # the suite cannot run unless this is ok


Check = Callable[[], Finding]


def one_line(error: Exception) -> str:
    """Write an error as one line that begins with its kind."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def package_checks(suite: str) -> list[Check]:
    """List the checks of Python, of the library, of its requirements, and of its extras."""
    base: list[Check] = [partial(check_package, name) for name in required("") if name not in OPENCV]
    extras: list[Check] = [partial(check_extra, extra, extra == SUITES[suite].extra) for extra in EXTRAS]
    return [check_python, check_rad, *base, check_torchvision, check_opencv, check_video, *extras]


def check_python() -> Finding:
    """Check the version of the interpreter."""
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", sys.version_info[:2] in PYTHONS, text, NEW_PYTHON)


def check_rad() -> Finding:
    """Check the library's metadata, which the other checks read."""
    installed = version(DISTRIBUTION)
    text = installed or f"{DISTRIBUTION} is not installed, only imported"
    return Finding("rad", installed is not None, text, "pip install --editable .")


def check_package(name: str) -> Finding:
    """Check a distribution that the library requires."""
    installed = version(name)
    return Finding(name, installed is not None, installed or "not installed", f"pip install {name}")


def check_extra(extra: str, needed: bool) -> Finding:
    """Check the distributions of an extra; an extra whose markers exclude this machine has none."""
    versions = {name: version(name) for name in required(extra)}
    missing = [name for name, installed in versions.items() if installed is None]
    there = ", ".join(f"{name} {installed}" for name, installed in versions.items() if installed)
    text = f"not installed: {', '.join(missing)}" if missing else there
    return Finding(f"extra {extra}", not missing, text, f"pip install '{DISTRIBUTION}[{extra}]'", needed)


def check_torchvision() -> Finding:
    """Check whether torchvision was built for the installed torch: importing it loads its operators."""
    torch, torchvision = version("torch"), version("torchvision")
    if torch is None or torchvision is None:
        return Finding("torch pair", False, "torch or torchvision is not installed", "pip install torch torchvision")
    wanted = torch_requirement()
    if wanted and not satisfies(torch, *wanted):
        text = f"torchvision {torchvision} is built for torch{''.join(wanted)}, torch is {torch}"
        return Finding("torch pair", False, text, f"pip install torchvision --constraint <(echo 'torch=={torch}')")
    try:
        import_module("torchvision")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        text = f"torchvision {torchvision} does not load with torch {torch} ({one_line(error)})"
        both = f"torch=={torch} torchvision=={torchvision}"
        return Finding(
            "torch pair", False, text, f"pip install --force-reinstall --no-deps {both}, both from one index"
        )
    return Finding("torch pair", True, f"torchvision {torchvision} loads with torch {torch}")


def check_opencv() -> Finding:
    """Check whether cv2 loads, and comes from a single distribution, whichever it is."""
    there = [name for name in OPENCV if version(name)]
    try:
        import_module("cv2")
    except ImportError as error:
        remedy = LIBGL if there and ".so" in str(error) else "pip install --force-reinstall opencv-python"
        return Finding("opencv", False, one_line(error), remedy)
    text = ", ".join(f"{name} {version(name)}" for name in there)
    remedy = f"pip uninstall --yes {' '.join(there)} && pip install opencv-python"
    return Finding("opencv", len(there) < 2, f"{text}{' share one folder' * (len(there) > 1)}", remedy, needed=False)


def check_video() -> Finding:
    """Check whether PyAV can encode H.264."""
    try:
        import_module("av").codec.Codec("libx264", "w")
    except (ImportError, OSError, ValueError) as error:
        return Finding("video", False, f"no H.264: {one_line(error)}", "pip install --force-reinstall av")
    return Finding("video", True, "av encodes H.264")


def version(name: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def required(extra: str) -> list[str]:
    """Return the distributions that the library requires (extra ""), or that an extra adds."""
    if version(DISTRIBUTION) is None:
        return []
    texts = metadata.requires(DISTRIBUTION) or ()
    markers = (re.search(r"extra\s*==\s*['\"]([\w-]+)", text) for text in texts)
    return [re.split(r"[^\w.-]", text)[0] for text, of in zip(texts, markers) if (of[1] if of else "") == extra]


def torch_requirement() -> tuple[str, str] | None:
    """Return what torchvision's metadata requires of torch, as (== or >=, version)."""
    for text in metadata.requires("torchvision") or ():
        if match := re.match(r"torch\s*\(?\s*(==|>=)\s*([\d.]+)", text):
            return match.group(1), match.group(2)
    return None


def satisfies(installed: str, sign: str, wanted: str) -> bool:
    """Compare versions by their first three numbers, without the label of a build, as in 2.13.0+cpu.

    Example:
        >>> satisfies("2.13.0+cpu", "==", "2.13.0"), satisfies("2.9.1", ">=", "2.14.0")
        (True, False)
    """
    ours, theirs = ([int(number) for number in re.findall(r"\d+", text)[:3]] for text in (installed, wanted))
    return ours == theirs if sign == "==" else ours >= theirs
