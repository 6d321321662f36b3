"""What is installed, and what an import brings with it."""

import contextlib
import importlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml  # mkdocs and ray have it

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"rad", "encoders", "augment"}
SIMULATORS = {"dm_control", "mujoco", "procgen", "gym3", "OpenGL", "glfw"}
DATA = {"rad/report/stats/published.json", "rad/report/page/templates/page.html.jinja"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MODULES = {"opencv-python": "cv2", "dm-control": "dm_control", "procgen-mirror": "procgen"}  # under another name
MODULES["stable-baselines3"] = "stable_baselines3"
ADDRESS = re.compile(r"https?:|git\+|--(extra-)?index-url|--find-links|\b[\w-]+\.(org|com|net|io|dev|cn)\b")


def test_the_wheel_is_declared_to_hold_three_packages():
    assert set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == PACKAGES


def test_every_folder_of_source_is_a_package():
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    with contextlib.chdir(ROOT):
        return folder / importlib.import_module("hatchling.build").build_wheel(str(folder))


def test_the_wheel_holds_every_source_file_and_nothing_else(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    source = {str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert {name for name in held if name.endswith(".py")} == source
    assert held - source == DATA
    assert {name.split("/")[0] for name in held} == PACKAGES
    texts = [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("LICENSE")]
    assert texts


def test_benchmarks_of_a_wheel_say_in_one_line_that_they_need_a_checkout(wheel):
    zipfile.ZipFile(wheel).extractall(wheel.parent / "site")
    command = [sys.executable, "-m", "rad.cli", "bench", "sac"]
    done = subprocess.run(command, cwd=wheel.parent / "site", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"error: rad bench needs a checkout of the repository, [^\n]*clone it[^\n]*\n", done.stderr)


def test_the_version_is_one(wheel):
    """Of the wheel, of what is cited, and of the newest release in the changelog."""
    version = importlib.import_module("rad").__version__
    released = re.search(r"^## \[(\d\S*)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released is not None
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert wheel.name.startswith(f"rad_rl-{version}-")
    assert (cited["version"], str(cited["date-released"])) == released.groups() == (version, released[2])


def test_the_software_and_the_paper_are_cited():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()  # what the format asks for
    assert (cited["title"], cited["license"]) == ("rad", PROJECT["project"]["license"])
    assert cited["authors"] == PROJECT["project"]["authors"]
    (paper,) = cited["references"]
    assert {"type", "title", "authors"} <= paper.keys() and "2004.14990" in paper["url"]


def test_classifiers_name_the_pythons_that_are_allowed():
    first, beyond = (int(minor) for minor in re.findall(r"3\.(\d+)", PROJECT["project"]["requires-python"]))
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert named == [f"3.{minor}" for minor in range(first, beyond)]


def test_the_command_exists():
    module, function = PROJECT["project"]["scripts"]["rad"].split(":")
    assert callable(getattr(importlib.import_module(module), function))


def modules_after(*imports: str) -> set[str]:
    """Import in a fresh interpreter; return the top-level modules that are then loaded."""
    code = f"import sys, {', '.join(imports)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def with_torch() -> set[str]:
    return modules_after("torch")


@pytest.mark.slow
@pytest.mark.parametrize("package", ["augment", "encoders"])
def test_augment_and_encoders_need_torch_alone(package, with_torch):
    new = modules_after("torch", package) - with_torch - set(sys.stdlib_module_names)
    assert new == {package}


def test_importing_rad_imports_nothing_heavy():
    assert not modules_after("rad") & (SIMULATORS | {"torch", "numpy", "gymnasium", "matplotlib"})


def test_the_report_reads_run_folders_without_torch():
    loaded = modules_after(
        "rad.report.page.document", "rad.report.compare_runs", "rad.commands.report", "rad.commands.compare"
    )
    assert not loaded & (SIMULATORS | {"torch", "gymnasium", "matplotlib"})


@pytest.mark.slow
def test_training_imports_no_simulator_until_it_has_a_task():
    assert not modules_after("rad.training.trainer", "rad.cli", "rad.envs") & (
        SIMULATORS | {"matplotlib", "wandb", "ray"}
    )


@pytest.mark.parametrize("name", ["requirements.lock", "pins.txt", "pyproject.toml", "Makefile", ".ci/run"])
def test_files_of_the_installation_hold_no_address(name):
    found = [line for line in (ROOT / name).read_text().splitlines() if ADDRESS.search(line)]
    # A script that empties the index option is no address.
    assert not [line for line in found if "--no-emit-index-url" not in line]


@pytest.mark.parametrize(
    "line", ["--index-url x", "torch @ https://x/y", "  pip install -i mirror.example.org/simple", "a @ git+ssh"]
)
def test_an_address_is_seen(line):
    assert ADDRESS.search(line)


def test_the_lock_pins_every_package_with_hashes():
    text = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > 50
    loose = [line for line in lines if not re.match(r"[\w.\[\]-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)]
    assert not loose


def test_the_lock_covers_what_the_project_asks_for():
    text = (ROOT / "requirements.lock").read_text()
    locked = {normal(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    assert dependencies("all", "bench") <= locked  # `rad bench all` asks for its own


def test_every_dependency_is_imported():
    """Of what runs; tools of developers are not."""
    sources = [path.read_text() for package in (*PACKAGES, "scripts") for path in (ROOT / package).rglob("*.py")]
    imported = set(re.findall(r"^ *(?:import|from) (?:torch\.utils\.)?(\w+)", "\n".join(sources), re.MULTILINE))
    unused = {name for name in dependencies("all", "dev", "docs") if MODULES.get(name, name) not in imported}
    assert not unused


def dependencies(*without: str) -> set[str]:
    """Return the names of what the project and its extras ask for, but for some extras."""
    extras = PROJECT["project"]["optional-dependencies"]
    lists = [PROJECT["project"]["dependencies"], *(some for name, some in extras.items() if name not in without)]
    return {normal(re.split(r"[^\w.-]", requirement)[0]) for some in lists for requirement in some}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
