"""Every remedy of the doctor is reached by breaking what it looks at; nothing is installed or removed."""

import ctypes
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from rad import doctor
from rad.doctor import machine, packages, suites
from rad.doctor.packages import Finding
from rad.envs import gl
from rad.runtime import device

Fake = Callable[..., None]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Set the installed versions; all others are missing."""

    def fake(**versions: str) -> None:
        known = {name.replace("_", "-"): actual for name, actual in versions.items()}
        monkeypatch.setattr(packages, "version", known.get)
        monkeypatch.setattr(suites, "version", known.get)

    return fake


@pytest.fixture
def requires(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Set what the metadata of any distribution asks for."""

    def fake(*requirements: str) -> None:
        monkeypatch.setattr(packages.metadata, "requires", lambda name: list(requirements))

    return fake


def fail_import(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr(packages, "import_module", fail)


def refuse(actual: Finding, remedy: str, *, needed: bool = True) -> None:
    assert not actual.ok
    assert remedy in actual.remedy
    assert actual.needed is needed
    assert "\n" not in actual.text + actual.remedy


# The whole


def test_an_unknown_suite_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"^unknown suite 'atari'; known: dmc, gym, probe, procgen$"):
        doctor.examine("atari")


def run_with(monkeypatch: pytest.MonkeyPatch, *actual: Finding, suite: tuple[Finding, ...] = ()) -> int:
    monkeypatch.setattr(doctor, "package_checks", lambda name: [lambda one=one: one for one in actual])
    monkeypatch.setattr(doctor, "MACHINE_CHECKS", [])
    monkeypatch.setattr(doctor, "suite_checks", lambda name: [lambda one=one: one for one in suite])
    return doctor.examine("probe")


def test_the_status_is_0_if_all_that_is_needed_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spare = Finding("extra wandb", False, "not installed: wandb", "pip install 'rad-rl[wandb]'", needed=False)
    assert run_with(monkeypatch, Finding("python", True, "3.11.7"), spare) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ok      python            3.11.7",
        "note    extra wandb       not installed: wandb",
        "                          -> pip install 'rad-rl[wandb]'",
        "suite probe: can run",
    ]


@pytest.mark.parametrize("place", ["package", "suite"])
def test_the_status_is_1_if_something_needed_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    bad, good = Finding("av", False, "not installed", "pip install av"), Finding("python", True, "3.11.7")
    status = run_with(monkeypatch, bad, good) if place == "package" else run_with(monkeypatch, good, suite=(bad,))
    assert status == 1
    out = capsys.readouterr().out
    assert "FAILED  av                not installed\n                          -> pip install av\n" in out
    assert out.endswith("suite probe: cannot run\n")


def test_the_suites_own_checks_end_with_the_first_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("one", "two", "three")
    chain = [Finding("one", False, "", needed=False), Finding("two", False, ""), Finding("three", True, "")]
    run_with(monkeypatch, suite=tuple(chain))
    assert tuple(actual.name for actual in doctor.findings("probe")) == names[:2]


@pytest.mark.parametrize("error", [ImportError("no x"), OSError("no y"), RuntimeError("no\nz"), AttributeError("w")])
def test_what_a_check_cannot_load_is_a_finding(error: Exception) -> None:
    def check_thing(word: str = "") -> Finding:
        raise error

    for check in (check_thing, partial(check_thing, "a")):
        actual = doctor.attempt(check)
        assert (actual.name, actual.ok, actual.needed) == ("thing", False, True)
        assert actual.text == packages.one_line(error)
        assert "\n" not in actual.text
        assert "venv" in actual.remedy


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["dmc", "probe"])
def test_the_suites_that_are_installed_here_can_run(suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    if suite == "dmc":
        pytest.importorskip("dm_control")
    assert doctor.examine(suite) == 0
    out = capsys.readouterr().out
    for word in ("python", "rad", "torch", "torchvision", "kornia", "numpy", "gymnasium", "opencv", "av", "extra dmc"):
        assert f" {word} " in out
    assert "first frame" in out
    assert "FAILED" not in out


# Packages


@pytest.mark.parametrize(("version", "ok"), [((3, 10), False), ((3, 11), True), ((3, 12), True), ((3, 13), False)])
def test_python(monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], ok: bool) -> None:
    monkeypatch.setattr(packages.sys, "version_info", version)
    actual = packages.check_python()
    assert actual.ok is ok
    if not ok:
        refuse(actual, "python3.11 -m venv")


def test_a_library_that_is_only_imported(installed: Fake) -> None:
    installed()
    refuse(packages.check_rad(), "pip install --editable .")
    assert packages.required("") == []


def test_a_missing_package(installed: Fake) -> None:
    installed(kornia="0.9.0")
    refuse(packages.check_package("tyro"), "pip install tyro")
    assert packages.check_package("kornia") == Finding("kornia", True, "0.9.0", "pip install kornia")


def test_what_is_asked_for_comes_from_the_metadata(installed: Fake, requires: Fake) -> None:
    installed(rad_rl="0.1.0")
    requires(
        "torch>=2.11",
        "opencv-python>=4.11",
        "dm-control>=1.0.50; extra == 'dmc'",
        "mujoco<4,>=3.17; extra == 'dmc'",
        "mujoco<4,>=3.17; extra == 'all'",
        'procgen-mirror==0.10.7; (sys_platform == "linux") and extra == "procgen"',
    )
    assert packages.required("") == ["torch", "opencv-python"]
    assert packages.required("dmc") == ["dm-control", "mujoco"]
    assert packages.required("procgen") == ["procgen-mirror"]
    assert packages.required("cluster") == []


def test_the_projects_own_metadata_is_read() -> None:
    assert {"torch", "kornia", "gymnasium", "opencv-python", "av"} <= set(packages.required(""))
    for extra in packages.EXTRAS:
        assert packages.required(extra), extra


@pytest.mark.parametrize("needed", [True, False])
def test_a_missing_extra(installed: Fake, requires: Fake, needed: bool) -> None:
    requires("dm-control>=1; extra == 'dmc'", "mujoco<4; extra == 'dmc'")
    installed(rad_rl="0.1.0", mujoco="3.17.0")
    actual = packages.check_extra("dmc", needed)
    refuse(actual, "pip install 'rad-rl[dmc]'", needed=needed)
    assert actual.text == "not installed: dm-control"
    installed(rad_rl="0.1.0", mujoco="3.17.0", dm_control="1.0.50")
    assert packages.check_extra("dmc", needed).text == "dm-control 1.0.50, mujoco 3.17.0"
    assert packages.check_extra("dmc", needed).ok


def test_every_extra_of_the_project_is_checked() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert {*packages.EXTRAS} == {*project["optional-dependencies"]} - {"all", "bench"}


def test_only_the_suites_own_extra_is_needed() -> None:
    for suite in ("dmc", "procgen", "probe"):
        checks = [check for check in packages.package_checks(suite) if isinstance(check, partial)]
        needs = {check.args[0]: check.args[1] for check in checks if check.func is packages.check_extra}
        assert needs == {extra: extra == suite for extra in packages.EXTRAS}


@pytest.mark.parametrize(
    ("torch_version", "requirement", "ok"),
    [
        ("2.14.1", "torch (>=2.14.0)", True),
        ("2.14.0+cu130", "torch==2.14.0", True),
        ("2.13.0+cpu", "torch>=2.14.0", False),
        ("2.11.0", "torch==2.14.0", False),
        ("2.9.1", "torch (>=2.14.0)", False),
        ("2.15.0", "torch==2.14.0", False),
        ("2.14.0", "numpy", True),
    ],
)
def test_torchvision_and_torch(
    monkeypatch: pytest.MonkeyPatch, installed: Fake, requires: Fake, torch_version: str, requirement: str, ok: bool
) -> None:
    installed(torch=torch_version, torchvision="0.29.1")
    requires("pillow", requirement)
    monkeypatch.setattr(packages, "import_module", lambda name: None)
    actual = packages.check_torchvision()
    assert actual.ok is ok
    if not ok:
        refuse(actual, f"pip install torchvision --constraint <(echo 'torch=={torch_version}')")
        assert requirement.removeprefix("torch").strip(" ()") in actual.text


def test_a_torchvision_of_another_build_does_not_load(
    monkeypatch: pytest.MonkeyPatch, installed: Fake, requires: Fake
) -> None:
    installed(torch="2.13.0+cpu", torchvision="0.28.0")
    requires("torch==2.13.0")
    fail_import(monkeypatch, RuntimeError("operator torchvision::nms does not exist"))
    actual = packages.check_torchvision()
    refuse(actual, "pip install --force-reinstall --no-deps torch==2.13.0+cpu torchvision==0.28.0")
    assert "torchvision::nms" in actual.text


def test_no_torchvision(installed: Fake) -> None:
    installed(torch="2.14.1")
    refuse(packages.check_torchvision(), "pip install torch torchvision")


def test_two_opencvs(installed: Fake) -> None:
    installed(opencv_python="4.11", opencv_python_headless="4.11")
    remedy = "pip uninstall --yes opencv-python opencv-python-headless && pip install opencv-python"
    refuse(packages.check_opencv(), remedy, needed=False)
    installed(opencv_python_headless="4.11")
    assert packages.check_opencv().ok, "the headless one alone serves as well"


def test_opencv_without_its_system_libraries(monkeypatch: pytest.MonkeyPatch, installed: Fake) -> None:
    installed(opencv_python="4.11")
    fail_import(monkeypatch, ImportError("libGL.so.1: cannot open shared object file"))
    refuse(packages.check_opencv(), "apt-get install libgl1 libglib2.0-0")


def test_no_opencv(monkeypatch: pytest.MonkeyPatch, installed: Fake) -> None:
    installed()
    fail_import(monkeypatch, ModuleNotFoundError("No module named 'cv2'"))
    refuse(packages.check_opencv(), "pip install --force-reinstall opencv-python")


def test_a_video_library_without_an_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert packages.check_video().ok

    def no_codec(name: str, mode: str) -> None:
        raise ValueError(name)

    monkeypatch.setattr(packages, "import_module", lambda name: SimpleNamespace(codec=SimpleNamespace(Codec=no_codec)))
    refuse(packages.check_video(), "pip install --force-reinstall av")


# Machine


def test_a_gpu_that_torch_cannot_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(machine, "NVIDIA", tmp_path)
    refuse(machine.check_device(), "nvidia-smi", needed=False)
    monkeypatch.setattr(machine, "NVIDIA", tmp_path / "absent")
    assert machine.check_device() == Finding("device", True, "cpu only; no CUDA device")


def test_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda which: "H200")
    monkeypatch.setattr(device, "has_fast_bf16", lambda which: True)
    monkeypatch.setattr(device, "mps_runs", lambda: False)
    assert machine.check_device().text.startswith("cuda:0 H200 (bf16 in hardware); no MPS daemon seen, without which")
    monkeypatch.setattr(device, "mps_runs", lambda: True)
    assert machine.check_device() == Finding("device", True, "cuda:0 H200 (bf16 in hardware); MPS daemon runs")


def test_more_threads_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rad.runtime.device.usable_cpus", lambda: 2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    refuse(machine.check_processor(), "rad train --threads 2", needed=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert machine.check_processor().ok
    assert "2 usable" in machine.check_processor().text


def test_too_little_memory_for_the_default_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "free_memory_bytes", lambda: 1_200_000_000)
    refuse(machine.check_memory(), "rad train --replay-capacity 20000", needed=False)
    monkeypatch.setattr(device, "free_memory_bytes", lambda: 4_000_000_000)
    assert machine.check_memory().text.startswith("4.0 GB free")
    assert machine.check_memory().ok


# Suites


@pytest.mark.parametrize(
    ("actual", "remedy"),
    [("4.0.0", "pip install 'mujoco>=3.17,<4'"), (None, "pip install 'rad-rl[dmc]'"), ("3.17.0", "")],
)
def test_mujoco(installed: Fake, actual: str | None, remedy: str) -> None:
    installed(**({"mujoco": actual} if actual else {}))
    if remedy:
        refuse(suites.check_mujoco(), remedy)
    else:
        assert suites.check_mujoco().ok


def choose(monkeypatch: pytest.MonkeyPatch, result: str | Exception, asked: str = "") -> Finding:
    def fake() -> str:
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setenv("MUJOCO_GL", asked)
    monkeypatch.setattr(gl, "choose_backend", fake)
    monkeypatch.setattr(gl, "works", lambda backend: False)
    return suites.check_opengl()


def test_no_opengl_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    refuse(choose(monkeypatch, OSError("tried three")), "apt-get install libegl1 libgl1 libgl1-mesa-dri (libEGL")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: None)
    refuse(choose(monkeypatch, OSError("tried three")), "apt-get install libgl1-mesa-dri (libEGL.so.1 finds no")


def test_an_opengl_back_end_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    actual = choose(monkeypatch, "osmesa", asked="osmesa")
    refuse(actual, "unset MUJOCO_GL")
    assert "libosmesa6" in actual.text


def test_opengl_without_dm_control(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(choose(monkeypatch, ModuleNotFoundError("dmc tasks need dm-control")), "pip install 'rad-rl[dmc]'")
    assert choose(monkeypatch, "egl") == Finding("OpenGL", True, "MUJOCO_GL=egl")


def test_pygame(installed: Fake) -> None:
    installed()
    refuse(suites.check_pygame(), "pip install 'rad-rl[gym]'", needed=False)


@pytest.mark.parametrize("name", ["pygame", "pygame-ce"])
def test_either_pygame_will_do(installed: Fake, name: str) -> None:
    installed(**{name: "2.5.8"})
    assert suites.check_pygame().ok


@pytest.mark.parametrize(
    ("system", "chip", "python", "remedy"),
    [
        ("Darwin", "arm64", (3, 11), "Linux x86-64"),
        ("Linux", "aarch64", (3, 11), "Linux x86-64"),
        ("Linux", "x86_64", (3, 13), "Python 3.11 or 3.12"),
        ("Linux", "x86_64", (3, 12), "pip install 'rad-rl[procgen]'"),
    ],
)
def test_no_procgen(
    monkeypatch: pytest.MonkeyPatch, installed: Fake, system: str, chip: str, python: tuple[int, int], remedy: str
) -> None:
    installed()
    monkeypatch.setattr(suites.platform, "system", lambda: system)
    monkeypatch.setattr(suites.platform, "machine", lambda: chip)
    monkeypatch.setattr(suites.sys, "version_info", python)
    refuse(suites.check_procgen_wheel(), remedy)


def test_a_first_frame_that_fails() -> None:
    actual = suites.check_trial("import sys; print('x', file=sys.stderr); sys.exit('no driver')", remedy="get one")
    refuse(actual, "get one")
    assert actual.text == "no driver"
    refuse(suites.check_trial("import os; os.abort()", remedy="get one"), "get one")
    assert suites.check_trial("import sys; print(sys.argv[1])", "drawn", remedy="").text == "drawn"


def test_a_first_frame_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str], **options: float) -> None:
        assert command[0] == sys.executable
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    refuse(suites.check_trial("", remedy="get one"), "get one")


@pytest.mark.slow
def test_the_first_frame_names_the_renderer_and_its_speed() -> None:
    text = suites.suite_checks("dmc")[-1]().text
    speed = re.search(r" by (.+) \((in software|on a GPU), (\d+) frames/s of 84x84 pixels\)$", text)
    assert speed and int(speed[3]) > 1
    assert (speed[2] == "in software") == gl.is_software(speed[1])
    assert "frames/s" not in suites.suite_checks("probe")[-1]().text


def test_every_suite_is_tried_out() -> None:
    for name, suite in suites.SUITES.items():
        last = suites.suite_checks(name)[-1]
        assert (isinstance(last, partial) and last.func is suites.check_trial) == bool(suite.example)
