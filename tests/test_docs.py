"""What the README and the pages of the site show is run, read by the flags' parser, or there; the site builds."""

import ast
import dataclasses
import importlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import augment
import encoders
from rad.cli import COMMANDS
from rad.commands import ablate, flags
from rad.commands.train import parse_run
from rad.experiment.presets import choose, preset, presets
from rad.report.draw.result_tables import attention_table, object_table, truth_table
from scripts.notebook_page import NOTEBOOK, markdown, pictures

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in [ROOT / "README.md", *DOCS]}
SHOWN = json.loads(NOTEBOOK.read_text())
PAGES["docs/notebooks/first_hour.ipynb"] = markdown({"cells": [cell | {"outputs": []} for cell in SHOWN["cells"]]}, "")
ALL = PAGES | {name: (ROOT / name).read_text() for name in ("CONTRIBUTING.md", "results/README.md")}  # all of the site
SNIPPETS = {page: blocks for page, text in ALL.items() if (blocks := re.findall(r"```python\n(.*?)```", text, re.S))}
RUN_ELSEWHERE = {"docs/plugins.md", "docs/notebooks/first_hour.ipynb"}  # by test_plugins.py and test_notebook.py
CALL = re.compile(r"(?:^|\s)(?:-m rad\.cli|rad) ([a-z]+)((?: [^;|&`]*)?)")
DOCUMENTED = {name for text in PAGES.values() for name in re.findall(r"^::: ([\w.]+)", text, re.M)}


def calls() -> Iterator[tuple[str, list[str]]]:
    """Yield the page and the words of each call of `rad`, in blocks and in the text; a variable of the shell is 1.

    Not in the text of the pages outside of docs/, which also name flags alone.
    """
    for page, text in ALL.items():
        blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.S)).replace("\\\n", " ")
        lines = [line for line in blocks.splitlines() if not line.startswith("#")]
        if page in PAGES:
            lines += re.findall(r"`((?:torchrun [^`]*-m rad\.cli|rad) [a-z]+(?: [^`]*)?)`", text)
        for line in lines:
            for command, rest in CALL.findall(line):
                yield page, [command, *shlex.split(re.sub(r"\$\{?\w+\}?", "1", rest), comments=True)]


class Parsed(Exception):
    """A command has read its flags."""


def read_flags(command: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the flags of a command as it does, and go no further."""
    if command == "ablate":
        _, of_each_run = ablate.parse_sweep(arguments)
        parse_run(of_each_run)
        return
    parse = flags.parse

    def parse_only(*words: object, **options: object) -> None:
        parse(*words, **options)
        raise Parsed

    monkeypatch.setattr(flags, "parse", parse_only)
    with pytest.raises(Parsed):
        importlib.import_module(f"rad.commands.{command}").main(arguments)


@pytest.mark.parametrize(
    ("page", "words"), list(calls()), ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_the_flags_of_each_command_are_read(page: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    command, *arguments = [word for word in words if word not in ("--help", "--plugin") and not word.endswith(".py")]
    assert command in COMMANDS
    if not arguments:
        return
    if command == "train" and arguments[0] == "--resume":
        assert not flags.without(("resume", "frames"), arguments)  # takes no other flag
        return
    read_flags(command, arguments, monkeypatch)


def test_a_flag_that_does_not_exist_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(list(calls())) > 40
    assert {page for page, _ in calls()} > {"README.md", "docs/gpu-and-cluster.md", "results/README.md"}
    for command, *words in (["train"], ["ablate", "--out=x"], ["evaluate", "RUN"]):
        with pytest.raises(ValueError, match="--nope"), monkeypatch.context() as patch:
            read_flags(command, [*words, "--nope", "1"], patch)


@pytest.mark.parametrize("page", ALL)
def test_the_scripts_of_a_page_are_bash(page: str) -> None:
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", ALL[page], re.S))
    checked = subprocess.run(["bash", "-n"], input=blocks, text=True, capture_output=True, check=False)
    assert not checked.stderr


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(SNIPPETS.keys() - RUN_ELSEWHERE))
def test_the_snippets_of_a_page_run_in_turn(page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "results" / "cartpole-swingup", tmp_path / "results" / "cartpole-swingup")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(augment, "_REGISTRY", dict(augment._REGISTRY))
    names: dict[str, object] = {"__name__": "snippet"}
    for block in [*SNIPPETS[page], *SNIPPETS[page]]:  # and once more, as a reader does who tries them again
        exec(compile(block, page, "exec"), names)


def test_no_training_on_procgen_is_as_long_as_the_papers_unless_it_says_so() -> None:
    """Their 20 and 25 million frames take days on a few cores."""
    trainings = [(page, words) for page, words in calls() if words[0] == "train" and page != "docs/gpu-and-cluster.md"]
    games = [(page, words) for page, words in trainings if any(word.startswith("procgen/") for word in words)]
    assert len(games) > 7
    for page, words in games:
        assert "--frames" in words, f"{page}: {' '.join(words)}"


def test_the_lengths_of_the_presets_are_in_the_table() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| [^|]* \| ([\d,]+)(.*?) \|", PAGES["docs/methods.md"], re.M)
    assert [(name, int(frames.replace(",", ""))) for name, frames, _ in rows] == [
        (name, preset(name).frames) for name in presets()
    ]
    for name, _, of_suites in rows:
        for suite, frames in re.findall(r"(\w+) ([\d,]+)", of_suites):
            task = {"LunarLander": "gym/LunarLander-v3", "Procgen": "procgen/bigfish"}[suite]
            assert choose(None, name, task).frames == int(frames.replace(",", ""))


def targets(text: str) -> Iterator[tuple[str, str]]:
    """Yield path and anchor of each link or picture to something of the repository."""
    for target in re.findall(r"\]\(([^)\s]+)", text):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield path, anchor


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub and MkDocs name them."""
    headings = re.findall(r"^#+ (.*)", text, re.M)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


@pytest.mark.parametrize("page", ALL)
def test_links_lead_to_files_and_headings(page: str) -> None:
    folder = (ROOT / page).parent
    for path, anchor in targets(ALL[page]):
        file = (folder / path).resolve() if path else ROOT / page
        assert file.exists(), path
        assert not anchor or anchor in anchors(file.read_text()), f"{path}#{anchor}"


def test_every_augmentation_is_in_the_table_with_its_defaults() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGES["docs/augmentations.md"], flags=re.MULTILINE))
    assert set(rows) & set(augment.names()) == set(augment.names())
    for name in augment.names():
        made = augment.make(name)
        shown = re.findall(r"`(\w+)=([^`]*)`", rows[name])
        options = {field.name for field in dataclasses.fields(made) if field.init} - {"size", "images"}
        assert {option for option, _ in shown} == options, name
        for option, text in shown:
            value = getattr(made, option)
            assert text in (f"{value:.3g}" if isinstance(value, float) else repr(value).lower()), f"{name}: {option}"


def test_every_column_of_the_attention_tables_is_explained() -> None:
    explained = set(re.findall(r"^\| (.*?) \|", PAGES["docs/attention.md"], re.M))
    for table in (attention_table([]), truth_table([]), object_table([])):
        assert {column.name.removesuffix(" [95 %]") for column in table.columns} <= explained


def is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is a class
        return False


def used(code: str) -> Iterator[str]:
    """Yield the full names of what a snippet takes from the three packages."""
    modules: dict[str, str] = {}
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            modules |= {name: path for name, path in full.items() if is_ours(path) and is_module(path)}
            yield from (path for path in full.values() if is_ours(path) and not is_module(path))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and is_ours(modules.get(node.value.id, ""))
        ):
            yield f"{modules[node.value.id]}.{node.attr}"


def is_ours(name: str) -> bool:
    return name.split(".")[0] in ("augment", "encoders", "rad")


def test_every_public_name_has_a_place_in_the_api() -> None:
    exported = {f"{package.__name__}.{name}" for package in (augment, encoders) for name in package.__all__}
    taught = {name for blocks in SNIPPETS.values() for block in blocks for name in used(block)}
    assert {"augment.register", "rad.envs.make", "rad.agents.sac.SACAgent"} <= taught  # the walk sees each kind of use
    assert exported | taught <= DOCUMENTED, sorted((exported | taught) - DOCUMENTED)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="needs the extra docs")
def test_the_site_builds_and_needs_no_address_outside(tmp_path: Path) -> None:
    # Not with --quiet, which hides warnings from --strict too.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    )
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(DOCS)
    notebook = tmp_path / "notebooks" / f"{NOTEBOOK.stem}.html"
    assert "rad attention" in re.sub(r"<[^>]+>", "", notebook.read_text())  # words of a command are colored one by one
    for name, content in pictures(SHOWN, NOTEBOOK.stem).items():
        assert (notebook.parent / name).read_bytes() == content and f'src="{name}"' in notebook.read_text()
    for page in pages:
        loaded = re.findall(
            r"<(?!a\b)\w[^>]*?\b(?:src|href|srcset|poster|data)=[\"']?((?:https?:)?//[^\"' >]+)", page.read_text()
        )
        assert not loaded, f"{page.name}: {loaded}"
    sheets = "".join(path.read_text() for path in tmp_path.rglob("*.css"))
    assert not re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//", sheets)
