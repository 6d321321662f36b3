"""Which OpenGL back-end draws MuJoCo scenes."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BACKENDS = ("egl", "osmesa", "glfw")
EGL_DEVICE = "MUJOCO_EGL_DEVICE_ID"
NO_VARIABLES: Mapping[str, str] = {}
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software rasterizer", "swr ", "swiftshader")
REMEDIES = {
    "egl": "Debian packages libegl1 and libgl1-mesa-dri",
    "osmesa": "Debian package libosmesa6",
    "glfw": "Debian package libglfw3 and a display",
}
_PROBE = "from dm_control import _render; r = _render.Renderer(32, 32); r.make_current().__enter__(); r.free()"
_PROBE_LIMIT_S = 60.0
_MESA_LLVM = "libLLVM"  # a library of Mesa's; triton has its LLVM within
_TOO_LATE = (
    "OpenGL drew before triton was imported, which would crash now: torch has no triton; import it before dm_control"
)


def choose_backend() -> str:
    """Return MUJOCO_GL; where it is unset, set it to the first of EGL, OSMesa and GLFW that works.

    For EGL `choose_egl_device` is called too.

    dm_control decides once, at import, and a failed try cannot be undone in its process: so each back-end is tried in a
    fresh process. The environment variable keeps the answer, for worker processes too.

    Raises:
        ModuleNotFoundError: dm_control is not installed.
        OSError: none of the three works; the text has a remedy for each.
    """
    if importlib.util.find_spec("dm_control") is None:
        raise ModuleNotFoundError("dmc tasks need the package dm-control: pip install 'rad-rl[dmc]'")
    load_triton_first()
    backend = os.environ.get("MUJOCO_GL") or next(filter(works, BACKENDS), "")
    if backend:
        os.environ["MUJOCO_GL"] = backend
        if backend.lower() == "egl":
            choose_egl_device()
        return backend
    remedies = "; ".join(f"{backend}: {REMEDIES[backend]}" for backend in BACKENDS)
    raise OSError(f"no OpenGL back-end works, tried {', '.join(BACKENDS)}; install one of {remedies}")


def choose_egl_device() -> None:
    """Let EGL draw on the GPU that this process computes on, if CUDA_VISIBLE_DEVICES is its number alone.

    So it is in each run of a sweep over several GPUs. dm_control draws on the device of MUJOCO_EGL_DEVICE_ID, or else
    on the first: of all runs the same. Here the variable is set to CUDA's number, unless it is set already, or that
    device does not work, as where EGL has no GPUs but a software renderer. Tried with one GPU, not with several:
    if EGL counts them in another order than CUDA, runs draw on different ones still, but not on their own. A GPU that
    `--device cuda:1` or a UUID names is not followed.
    """
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if gpu.isdecimal() and EGL_DEVICE not in os.environ and works("egl", {EGL_DEVICE: gpu}):
        os.environ[EGL_DEVICE] = gpu


def load_triton_first() -> None:
    """Import triton, if it is installed, before Mesa's software driver can be loaded; takes half a second.

    Each has an LLVM. torch imports triton with its compiler, as its optimizers do when the first is made, and after
    Mesa's driver that import ends the process with a segmentation fault; the driver after triton is fine. Where the
    driver is loaded already, a warning says so, and triton counts as not installed from then on.
    """
    if "triton" not in sys.modules and _MESA_LLVM in _mapped_files() and importlib.util.find_spec("triton"):
        sys.modules["triton"] = None  # type: ignore[assignment]  # what makes its import an ImportError
        warnings.warn(_TOO_LATE, stacklevel=2)
    with contextlib.suppress(ImportError):
        importlib.import_module("triton._C.libtriton")


def _mapped_files() -> str:
    """Return what Linux says of the files that this process has loaded; empty elsewhere, where triton is not either."""
    maps = Path("/proc/self/maps")
    return maps.read_text() if maps.exists() else ""


def works(backend: str, variables: Mapping[str, str] = NO_VARIABLES) -> bool:
    """Whether `backend`, one of BACKENDS, can make an OpenGL context here; takes about half a second.

    It is tried in a process with these variables of its environment, beside those of this one.
    """
    command = [sys.executable, "-c", _PROBE]
    env = {**os.environ, **variables, "MUJOCO_GL": backend}
    try:
        done = subprocess.run(command, env=env, capture_output=True, timeout=_PROBE_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def renderer(physics: Any) -> str:
    """Return vendor and name of the OpenGL renderer of a `dm_control.mujoco.Physics`; makes its context."""
    from OpenGL import GL

    with physics.contexts.gl.make_current() as context:
        return " ".join(context.call(GL.glGetString, name).decode() for name in (GL.GL_VENDOR, GL.GL_RENDERER))


def is_software(renderer: str) -> bool:
    """Whether a renderer draws on the processor: Mesa's llvmpipe and those before it, or SwiftShader."""
    return any(name in renderer.lower() for name in SOFTWARE)


def failure(backend: str) -> str:
    """Return one line on a back-end that MUJOCO_GL names and that does not work."""
    remedy = REMEDIES.get(backend.lower(), f"set it to one of {', '.join(BACKENDS)}")
    return f"MUJOCO_GL={backend} does not work here; unset it to try all, or get: {remedy}"
