"""Plugins: the example of the docs, swept from the command line; and what is said of a wrong one."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rad import cli
from rad.runtime import plugins
from rad.training.messages import stopped
from tests.integration.sweeps import command

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text(), re.DOTALL)[1]


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
    said = f"{run / 'config.json'} cannot be read: the run was made with the plugin {plugin}; add --plugin {plugin}"
    assert missing.stderr.endswith(f"{said}\n") and missing.stderr.count("\n") == 1
    assert rad("evaluate", run, "--episodes", "1", f"--plugin={plugin}").returncode == 0
    assert rad("train", "--plugin", plugin, "--resume", run).returncode == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module", "--plugin: no_such_module cannot be imported: No module named 'no_such_module'"),
        ("gone.py", "--plugin: there is no file "),
        ("broken.py", "/broken.py cannot be imported: ZeroDivisionError: division by zero"),
        ("json.py", "/json.py has the name of another module, "),
        ("", "--plugin: needs a module or a file that ends in .py"),
    ],
)
def test_a_wrong_plugin_is_one_line(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text("1 / 0")
    Path("json.py").touch()
    assert cli.main(["doctor", "--plugin", *([name] if name else [])]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert plugins.loaded() == ()


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
