"""Mesa's software driver and triton live in one process only if triton comes first."""

import importlib.util
import os
import subprocess
import sys

import pytest

from rad.envs import gl
from rad.envs.gym import GymSimulator

FRAME_THEN_OPTIMIZER = """
import sys
from rad import envs
assert "triton" not in sys.modules and "torch._dynamo" not in sys.modules
venv = envs.make("dmc/cartpole-swingup", image_size=16, render_quality="fast")
venv.reset()
import torch
weight = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.Adam([weight], fused=True)
weight.sum().backward()
optimizer.step()
assert "torch._dynamo" in sys.modules
venv.close()
print("alive")
"""


@pytest.mark.slow
@pytest.mark.parametrize("chosen", ["", "egl"])
def test_an_optimizer_can_be_made_after_the_first_frame(chosen: str) -> None:
    pytest.importorskip("dm_control.suite")
    if not gl.works("egl"):
        pytest.skip("no EGL here")
    command = [sys.executable, "-c", FRAME_THEN_OPTIMIZER]
    done = subprocess.run(command, env={**os.environ, "MUJOCO_GL": chosen}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-2000:]


DM_CONTROL_FIRST = """
from dm_control import suite
suite.load("cartpole", "swingup").physics.render(16, 16)
"""


@pytest.mark.slow
def test_dm_control_may_draw_first_and_triton_is_left_out() -> None:
    pytest.importorskip("dm_control.suite")
    if not gl.works("egl"):
        pytest.skip("no EGL here")
    command = [sys.executable, "-c", DM_CONTROL_FIRST + FRAME_THEN_OPTIMIZER]
    env = {**os.environ, "MUJOCO_GL": "egl"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-2000:]
    if importlib.util.find_spec("triton"):
        assert "torch has no triton" in done.stderr


def test_triton_comes_before_anything_that_may_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(gl, "load_triton_first", lambda: calls.append("triton"))
    monkeypatch.setattr(gl, "works", lambda backend: calls.append("probe") or True)
    monkeypatch.setenv("MUJOCO_GL", "")
    gl.choose_backend()
    assert calls == ["triton", "probe"]
    gl.choose_backend()
    assert calls == ["triton", "probe", "triton"], "also where the user has chosen"
    with pytest.raises((ValueError, ModuleNotFoundError)):
        GymSimulator("Nothing-v0", 8, 0)
    assert calls[-1] == "triton" and len(calls) == 4


def test_a_missing_triton_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "triton._C.libtriton", raising=False)
    monkeypatch.delitem(sys.modules, "triton._C", raising=False)
    gl.load_triton_first()
