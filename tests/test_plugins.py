"""Plugins: the example of the docs, swept from the command line; and what is said of a wrong one."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import augment
import encoders
from rad import cli
from rad.agents import auxiliary
from rad.envs import suites
from rad.envs.dmc import appearances
from rad.experiment import algorithms
from rad.experiment.algorithms.ppo import PPO
from rad.runtime import plugins
from rad.settings import SettingError
from rad.training.messages import stopped
from tests.integration.sweeps import command

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE, ENCODER, SUITE = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text(), re.DOTALL)
OTHERS = """
from dataclasses import dataclass, replace

import augment
from rad.agents import auxiliary
from rad.envs.dmc import appearances
from rad.experiment import algorithms
from rad.experiment.algorithms.base import Preset
from rad.experiment.algorithms.ppo import PPO, PPORun

augment.register("mirror", augment.Flip)
auxiliary.register("contrast", auxiliary.CURL)
appearances.register(replace(appearances.SPLITS["color-hard"], name="my-colors", about="as color-hard"))

@dataclass(frozen=True)
class MyRun(PPORun):
    algo: str = "mine"
    preset: str = "mine-fast"

algorithms.register("mine", replace(PPO, run=MyRun, presets={"mine-fast": Preset("here", agent={"num_steps": 8})}))
"""
DMC = ["--task", "dmc/cartpole-balance", "--train-split", "my-colors"]
# By kind: the table, a name in it, and what registers something under a name.
KINDS: dict[str, tuple[dict[str, Any], str, Callable[[str], None]]] = {
    "augmentation": (augment._REGISTRY, "crop", lambda name: augment.register(name, augment.Flip)),
    "encoder": (encoders._REGISTRY.factories, "pixel", lambda name: encoders.register(name, encoders.PixelEncoder)),
    "auxiliary": (auxiliary._REGISTRY.factories, "curl", lambda name: auxiliary.register(name, auxiliary.CURL)),
    "algorithm": (algorithms.ALGORITHMS, "ppo", lambda name: algorithms.register(name, PPO)),
    "suite": (suites.SUITES, "dmc", lambda name: suites.register(name, suites.Suite("rad.envs.probe"))),
    "split": (appearances.SPLITS, "light", lambda name: appearances.register(appearances.Split(name))),
}


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(plugins.VARIABLE, "")
    monkeypatch.setattr(sys, "path", [*sys.path])


def rad(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rad.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_example_is_swept_and_its_runs_are_resumed_and_evaluated(tmp_path: Path) -> None:
    plugin, out = tmp_path / "solarize.py", tmp_path / "sweep"
    plugin.write_text(EXAMPLE)
    sweep = ["flip,solarize:low=0.3" if word == "none,flip" else word for word in command(out)]
    without = rad(*sweep)
    assert without.returncode == 2 and "unknown augmentation 'solarize'" in without.stderr
    ended = rad(*sweep, "--plugin", plugin)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    run = next(out.glob("*/solarize*/seed-1"))
    assert json.loads((run / "config.json").read_text())["plugins"] == [str(plugin)]
    assert json.loads((out / "sweep.json").read_text())["commands"][0][-2:] == ["--plugin", str(plugin)]
    missing = rad("evaluate", run)
    said = f"error: --plugin: {run} was made with {plugin}; add --plugin {plugin}"
    assert missing.stderr.endswith(f"{said}\n") and missing.stderr.count("\n") == 1
    assert rad("evaluate", run, "--episodes", "1", f"--plugin={plugin}").returncode == 0
    assert rad("train", "--plugin", plugin, "--resume", run).returncode == 0
    for prepare, load in (
        ("{}", f"'{run}', plugins=['{plugin}']"),
        ("{}", f"'{run}', plugins='{plugin}'"),
        (f"{{'RAD_PLUGINS': '{plugin}'}}", f"'{run}'"),
    ):
        code = f"import os; os.environ |= {prepare}; import rad; print(rad.load({load}).config.augment)"
        assert subprocess.check_output([sys.executable, "-c", code], text=True) == "solarize:low=0.3\n"
    code = f"import rad; rad.load('{run}')"
    said = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True).stderr
    assert said.endswith(f"plugins: {run} was made with {plugin}; add --plugin {plugin}; here, plugins=[...]\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["--task", "corridor/short", "--image-size", "16", "--frames", "16"],
        [*DMC, "--image-size", "24", "--action-repeat", "50", "--frames", "800"],
    ],
    ids=["suite", "split"],
)
def test_one_of_each_kind_is_swept_with_environments_in_processes(words: list[str], tmp_path: Path) -> None:
    """A worker of the sweep, and in it each worker of environments, knows what the plugins brought."""
    (tmp_path / "corridor.py").write_text(SUITE)
    (tmp_path / "strided.py").write_text(ENCODER)
    (tmp_path / "others.py").write_text(OTHERS)
    loaded = [f"--plugin={tmp_path / name}" for name in ("corridor.py", "strided.py", "others.py")]
    kinds = ["--algo", "mine", "--augment", "mirror", "--encoder", "strided:width=4", "--auxiliary-loss", "contrast"]
    sizes = ["--num-envs", "2", "--parallel-envs", "--eval-episodes", "1", "--video-size", "16"]
    sizes += ["--eval-every", "0", "--hidden-dim", "8", "--no-tensorboard", "--no-measure"]
    ended = rad("ablate", *loaded, *words, *kinds, *sizes, "--out", tmp_path / "sweep")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    run = next(tmp_path.glob("sweep/*/mirror/seed-1"))
    config = json.loads((run / "config.json").read_text())
    assert (config["preset"], config["agent"]["num_steps"]) == ("mine-fast", 8) and (run / "done.json").exists()


@pytest.mark.parametrize(("name", "said"), [("", "name"), ("a/b", "name"), ("a b", "name"), ("{taken}", "already")])
@pytest.mark.parametrize("kind", KINDS)
def test_a_taken_or_impossible_name_is_one_line(kind: str, name: str, said: str) -> None:
    table, taken, register = KINDS[kind]
    before = dict(table)
    with pytest.raises(ValueError, match=said) as error:
        register(name.format(taken=taken))
    assert "\n" not in str(error.value) and table == before


def test_an_algorithm_must_fit_its_name_and_have_presets_of_its_own() -> None:
    for name, changes, said in (
        ("ppo2", {"presets": {"ppo2": PPO.presets["ppo"]}}, "algorithm 'ppo2' must have a preset, and runs whose algo"),
        ("ppo2", {}, "preset 'ppo' is already registered"),
    ):
        with pytest.raises(ValueError, match=rf"^{said}"):
            algorithms.register(name, replace(PPO, **changes))
    with pytest.raises(ValueError, match=r"^suite 'mine' must be a Suite, got 'rad"):
        suites.register("mine", "rad.envs.probe")
    assert "ppo2" not in algorithms.ALGORITHMS and "mine" not in suites.SUITES


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module", "--plugin: no_such_module cannot be imported: No module named 'no_such_module'"),
        ("gone.py", "--plugin: there is no file "),
        ("broken.py", "/broken.py cannot be imported: ZeroDivisionError: division by zero"),
        ("taken.py", "/taken.py cannot be imported: ValueError: suite 'dmc' is already registered"),
        ("json.py", "/json.py has the name of another module, "),
        ("", "--plugin: needs a module or a file that ends in .py"),
    ],
)
def test_a_wrong_plugin_is_one_line(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text("1 / 0")
    Path("taken.py").write_text("from rad.envs import suites; suites.register('dmc', suites.SUITES['gym'])")
    Path("json.py").touch()
    assert cli.main(["doctor", "--plugin", *([name] if name else [])]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert plugins.loaded() == ()


def test_a_command_does_not_have_the_plugins_of_the_command_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("set_before", "first_plugin", "second_plugin", "damaged"):
        (tmp_path / f"{name}.py").write_text("1 / 0" if name == "damaged" else "")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(plugins.VARIABLE, "set_before")
    of_each: list[tuple[str, ...]] = []

    def run(command: str, arguments: list[str]) -> int:
        of_each.append(plugins.loaded())
        with pytest.raises(SettingError, match=r"^plugin: run was made with another; add --plugin another$"):
            plugins.check_loaded(["another", *plugins.loaded()], "run")
        return 0

    monkeypatch.setattr(cli, "run", run)
    assert cli.main(["train", "--plugin", "first_plugin"]) == 0
    assert cli.main(["train", "--plugin", "first_plugin", "--plugin", "damaged"]) == 2
    assert cli.main(["train", "--plugin", "second_plugin"]) == 0
    assert of_each == [("set_before", "first_plugin"), ("set_before", "second_plugin")]
    assert plugins.loaded() == ("set_before",)
    plugins.check_loaded(["first_plugin", "second_plugin"], "run")  # a program can load the runs it has made
    monkeypatch.setattr(cli, "run", lambda *_: plugins.check_loaded(["first_plugin"], "run"))
    assert cli.main(["train"]) == 2  # another command names what it needs


def test_a_file_in_the_environment_is_found_from_where_the_command_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "relative_plugin.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(plugins.VARIABLE, "relative_plugin.py")
    assert cli.main(["zoo", str(tmp_path)]) == 2  # no agents there, but the plugin is loaded
    assert "relative_plugin" in sys.modules
    with plugins.of_a_command():
        plugins.load_inherited()
        assert plugins.loaded() == (str(tmp_path / "relative_plugin.py"),)


def test_a_plugin_file_that_moved_is_known_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(plugins.VARIABLE, "")
    old, new, other = (tmp_path / name / "moved_plugin.py" for name in ("old", "new", "other"))
    for path in (new, other):
        path.parent.mkdir()
        path.touch()
    with plugins.of_a_command():
        with pytest.raises(SettingError, match=rf"add --plugin {old}, files by where they are now$"):
            plugins.check_loaded([str(old)], "run")
        plugins.load(str(new))
        plugins.check_loaded([str(old)], "run")
        with pytest.raises(SettingError, match=rf"run was made with {other}; add --plugin {other}$"):
            plugins.check_loaded([str(other)], "run")  # it is there, and may say something else


def test_a_module_is_loaded_once_and_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "counted_plugin.py").write_text("with open('count', 'a') as file: file.write('x')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("counted_plugin", "counted_plugin.py", "counted_plugin"):
        plugins.load(name)
    assert Path("count").read_text() == "x"
    assert plugins.loaded() == ("counted_plugin", str(tmp_path / "counted_plugin.py"))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{tmp_path}")
    code = "from rad.runtime import plugins; plugins.load_inherited()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Path("count").read_text() == "xx"
    named = f"--plugin counted_plugin --plugin {tmp_path}/counted_plugin.py"
    assert stopped(Path("run"), 5).endswith(f"--resume run {named}")
