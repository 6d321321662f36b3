"""Checks of what a suite of tasks needs beyond the library's packages; they depend on each other."""

import ctypes
import os
import platform
import subprocess
import sys
from functools import partial

from rad.doctor.packages import LIBGL, NEW_PYTHON, PYTHONS, Check, Finding, version
from rad.envs.suites import SUITES

LIBEGL = "apt-get install libegl1 libgl1 libgl1-mesa-dri"
TRIAL_LIMIT_S = 300.0

_DRAW = """
import sys, time
from rad import envs
from rad.envs import gl
from rad.runtime import plugins
plugins.load_inherited()
venv = envs.make(sys.argv[1])
frames = venv.reset()[0]
text = f"{sys.argv[1]} drawn, values {frames.min()} to {frames.max()}"
if renderer := envs.renderer(sys.argv[1], venv):
    start, drawn = time.perf_counter(), 0
    while drawn < 2 or time.perf_counter() - start < 1:
        drawn += len(venv.call("render_frame", frames.shape[-1]))
    speed = f"{drawn / (time.perf_counter() - start):.0f} frames/s of {frames.shape[-1]}x{frames.shape[-1]} pixels"
    text += f" by {renderer} ({'in software' if gl.is_software(renderer) else 'on a GPU'}, {speed})"
venv.close()
print(text)
sys.exit("the picture is empty: one value all over" if sys.argv[2:] and frames.min() == frames.max() else 0)
"""


def check_mujoco() -> Finding:
    """Check that mujoco is older than 4, on which dm_control 1.0.50 breaks."""
    installed = version("mujoco")
    if installed is None:
        return Finding("mujoco", False, "not installed", "pip install 'rad-rl[dmc]'")
    too_new = int(installed.partition(".")[0]) >= 4
    text = f"{installed} breaks dm_control" if too_new else installed
    return Finding("mujoco", not too_new, text, "pip install 'mujoco>=3.17,<4'")


def check_opengl() -> Finding:
    """Find the OpenGL back-end that renders MuJoCo scenes."""
    from rad.envs import gl

    backend = os.environ.get("MUJOCO_GL", "")
    if backend and not gl.works(backend):
        return Finding("OpenGL", False, gl.failure(backend), f"unset MUJOCO_GL, or {_egl_remedy()}")
    try:
        return Finding("OpenGL", True, f"MUJOCO_GL={gl.choose_backend()}")
    except ModuleNotFoundError as error:
        return Finding("OpenGL", False, str(error), "pip install 'rad-rl[dmc]'")
    except OSError as error:
        return Finding("OpenGL", False, str(error), _egl_remedy())


def _egl_remedy() -> str:
    """Return the remedy for a missing library or for a missing driver."""
    try:
        ctypes.CDLL("libEGL.so.1")
    except OSError:
        return f"{LIBEGL} (libEGL.so.1 is missing)"
    return "apt-get install libgl1-mesa-dri (libEGL.so.1 finds no driver)"


def check_pygame() -> Finding:
    """Check whether Gymnasium's classic environments can render; other ids bring their own packages."""
    installed = version("pygame") or version("pygame-ce")  # either is imported as pygame
    text = installed or "not installed: CartPole and other classic environments need it"
    return Finding("pygame", installed is not None, text, "pip install 'rad-rl[gym]'", False)


def check_procgen_wheel() -> Finding:
    """Check whether there is a wheel of Procgen for this interpreter and machine."""
    here = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return Finding("procgen", False, f"no wheel for {here}", "use a Linux x86-64 machine")
    if sys.version_info[:2] not in PYTHONS:
        return Finding("procgen", False, f"no wheel for {here}", NEW_PYTHON)
    installed = version("procgen-mirror")
    return Finding("procgen", installed is not None, installed or "not installed", "pip install 'rad-rl[procgen]'")


def check_trial(code: str, *arguments: str, remedy: str) -> Finding:
    """Render in a separate process, which a failing driver may end; with OpenGL, name the renderer and its speed."""
    command = [sys.executable, "-c", code, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return Finding("first frame", False, f"none within {TRIAL_LIMIT_S:.0f} s", remedy)
    words = (done.stderr if done.returncode else done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
    return Finding("first frame", done.returncode == 0, words[-1], remedy)


# Checks between an installed package and its first frame, and the remedy where no frame comes.
_BEFORE: dict[str, list[Check]] = {
    "dmc": [check_mujoco, check_opengl],
    "gym": [check_pygame],
    "procgen": [check_procgen_wheel],
}
_REMEDIES = {"dmc": LIBEGL, "procgen": LIBGL}


def suite_checks(name: str) -> list[Check]:
    """List the checks of a suite, and its first frame."""
    suite, checks = SUITES[name], _BEFORE.get(name, [])
    if not suite.example:
        return checks
    remedy = _REMEDIES.get(name, "pip install --force-reinstall rad-rl")
    real = ["real"] * bool(suite.extra)  # the probes draw a single color
    return [*checks, partial(check_trial, _DRAW, f"{name}/{suite.example}", *real, remedy=remedy)]
