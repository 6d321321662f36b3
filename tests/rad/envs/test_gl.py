import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from rad.envs import gl

Chosen = Callable[..., str | None]


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """MUJOCO_GL unset, and whatever is set meanwhile undone."""
    monkeypatch.setenv("MUJOCO_GL", "")
    return monkeypatch


@pytest.mark.parametrize("first", gl.BACKENDS)
def test_the_first_that_works_is_taken_and_kept(unset: pytest.MonkeyPatch, first: str) -> None:
    tried: list[str] = []
    unset.setattr(gl, "works", lambda backend: tried.append(backend) or backend == first)
    assert gl.choose_backend() == first
    assert os.environ["MUJOCO_GL"] == first
    assert tried == list(gl.BACKENDS[: gl.BACKENDS.index(first) + 1])
    assert gl.choose_backend() == first
    assert tried.count(first) == 1, "the answer is kept"


def test_the_order_is_egl_osmesa_glfw() -> None:
    assert gl.BACKENDS == ("egl", "osmesa", "glfw")


def test_a_choice_of_the_user_is_respected_untried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    monkeypatch.setattr(gl, "works", lambda backend: pytest.fail("tried"))
    assert gl.choose_backend() == "osmesa"


def test_the_error_names_all_three_and_their_remedies(unset: pytest.MonkeyPatch) -> None:
    unset.setattr(gl, "works", lambda backend: False)
    with pytest.raises(OSError) as caught:
        gl.choose_backend()
    text = str(caught.value)
    for word in (
        "egl: ",
        "osmesa: ",
        "glfw: ",
        "libegl1",
        "libgl1-mesa-dri",
        "libosmesa6",
        "libglfw3",
        "display",
    ):
        assert word in text
    assert "\n" not in text
    assert os.environ["MUJOCO_GL"] == ""


@pytest.fixture
def egl_device(monkeypatch: pytest.MonkeyPatch) -> Chosen:
    """Return a function of CUDA_VISIBLE_DEVICES and the user's MUJOCO_EGL_DEVICE_ID that gives the one for EGL."""

    def chosen(gpus: str, by_user: str | None = None, backend: str = "egl") -> str | None:
        for name, value in (("MUJOCO_GL", backend), ("CUDA_VISIBLE_DEVICES", gpus), (gl.EGL_DEVICE, by_user or "")):
            monkeypatch.setenv(name, value)
        if by_user is None:
            monkeypatch.delenv(gl.EGL_DEVICE)
        assert gl.choose_backend() == backend
        return os.environ.get(gl.EGL_DEVICE)

    return chosen


@pytest.mark.parametrize(
    ("gpus", "by_user", "backend", "device"),
    [
        ("3", None, "egl", "3"),
        ("3", "1", "egl", "1"),  # the user has the last word
        ("0,3", None, "egl", None),  # the first, as before
        ("", None, "egl", None),
        ("GPU-8f9d3c", None, "egl", None),
        ("3", None, "osmesa", None),
    ],
)
def test_egl_draws_on_the_gpu_of_the_run(
    monkeypatch: pytest.MonkeyPatch,
    egl_device: Chosen,
    gpus: str,
    by_user: str,
    backend: str,
    device: str,
) -> None:
    monkeypatch.setattr(gl, "works", lambda backend, variables: variables == {gl.EGL_DEVICE: gpus})
    assert egl_device(gpus, by_user, backend) == device


@pytest.mark.slow
def test_a_gpu_that_egl_has_not_is_left_alone(egl_device: Chosen) -> None:
    if not gl.works("egl"):
        pytest.skip("no EGL here")
    assert egl_device("0") == "0"
    assert egl_device("99") is None
    assert gl.works("egl"), "and the first device still draws"


def test_software_renderers_are_told_from_gpus() -> None:
    software = ("llvmpipe (LLVM 15.0.6, 256 bits)", "softpipe", "Google SwiftShader", "Mesa Software Rasterizer")
    assert all(map(gl.is_software, software))
    assert not any(map(gl.is_software, ("NVIDIA Corporation NVIDIA H200/PCIe/SSE2", "Mesa Intel(R) UHD 620", "AMD")))


def test_a_missing_dm_control_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'rad-rl\[dmc\]'"):
        gl.choose_backend()


@pytest.mark.slow
def test_some_back_end_works_here_and_nonsense_does_not() -> None:
    assert any(map(gl.works, gl.BACKENDS))
    assert not gl.works("nonsense")


def test_a_back_end_that_hangs_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    assert not gl.works("egl")


@pytest.mark.slow
def test_a_broken_choice_gives_one_line() -> None:
    script = "import rad.envs\ntry: rad.envs.make('dmc/cartpole-swingup')\nexcept OSError as e: print(e)"
    env = {**os.environ, "MUJOCO_GL": "nonsense"}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("MUJOCO_GL=nonsense does not work here; unset it to try all, or get: set it to one")
    assert done.stdout.count("\n") == 1
