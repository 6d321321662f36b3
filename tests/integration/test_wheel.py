"""A wheel that was made from the source distribution works in an environment that has nothing of the checkout."""

import contextlib
import importlib
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import pytest

from rad import __version__

ROOT = Path(__file__).resolve().parents[2]
TINY = "--frames 60 --image-size 20 --hidden-dim 32 --batch-size 16 --warmup-steps 20 --eval-episodes 2 --threads 1"


def build(kind: str, source: Path, out: Path) -> Path:
    """Build an `sdist` or a `wheel` from a folder of source; return its path."""
    with contextlib.chdir(source):
        return out / getattr(importlib.import_module("hatchling.build"), f"build_{kind}")(str(out))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an environment `env` that has the wheel, and on its path what is installed here."""
    folder = tmp_path_factory.mktemp("home")
    sdist = build("sdist", ROOT, folder)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    wheel = build("wheel", folder / sdist.name.removesuffix(".tar.gz"), folder)
    venv.create(folder / "env", symlinks=True)
    install = [sys.executable, "-m", "pip", "--python", folder / "env", "install", "--no-index", "--no-deps", wheel]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
    # Of the folders on a path, `.pth` files are not read: the checkout, installed editable, stays out.
    (site(folder) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder


def site(home: Path) -> Path:
    (packages,) = home.glob("env/lib/python*/site-packages")
    return packages


def run(home: Path, program: str, *words: str) -> str:
    """Run a program of the environment in the folder, as with the environment activated; return what it prints."""
    there = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    there |= {"PATH": f"{home / 'env' / 'bin'}:{there['PATH']}"}
    command = [home / "env" / "bin" / program, *words]
    done = subprocess.run(command, cwd=home, env=there, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_all_source_comes_through_the_source_distribution(home: Path) -> None:
    for package in ("rad", "encoders", "augment"):
        source = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py")}
        assert {path.relative_to(site(home)) for path in (site(home) / package).rglob("*.py")} == source
    imported = run(home, "python", "-c", "import rad, encoders, augment; print(rad, encoders, augment)")
    assert imported.count(str(site(home))) == 3


def test_it_says_its_version_and_what_is_installed(home: Path) -> None:
    assert run(home, "rad", "--version") == f"rad-rl {__version__}\n"
    assert re.search(rf"\brad +{re.escape(__version__)}\n", run(home, "rad", "doctor"))


def test_the_plugin_of_the_docs_trains(home: Path) -> None:
    (example, *_) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text(), re.DOTALL)
    (home / "solarize.py").write_text(example)
    run(home, "rad", *f"train --plugin solarize.py --task probe/both --augment solarize --out own {TINY}".split())
    assert (home / "own" / "done.json").exists()


@pytest.mark.timeout(1800)  # evaluations of the demo take the longer, the busier the machine is
def test_the_demo_and_its_report(home: Path) -> None:
    pytest.importorskip("dm_control", reason="the demo is of a DeepMind Control task")
    assert "times as much as the random policy" in run(home, "rad", "demo", "--minutes", "1")  # the fewest it takes
    run(home, "rad", "report", "runs")
    assert (home / "runs" / "report" / "report.html").exists()
