"""The README's examples run, and what it points to is there."""

import dataclasses
import re
from pathlib import Path

import pytest

import augment
from rad.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_the_python_examples_run_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        exec(compile(block, "README.md", "exec"), names)
    shown, loss = capsys.readouterr().out.splitlines()
    assert shown == "torch.Size([8, 39200]) ReceptiveField(jump=2, center=7.0, size=15)"
    assert float(loss) >= 0


def test_the_commands_are_known() -> None:
    called = set(re.findall(r"`rad ([a-z]+)", README))
    assert {"train", "evaluate", "attention", "doctor", "bench"} <= called <= set(COMMANDS)


def test_every_augmentation_is_in_the_table_with_its_defaults() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", README, flags=re.MULTILINE))
    assert set(rows) & set(augment.names()) == set(augment.names())
    for name in augment.names():
        made = augment.make(name)
        shown = re.findall(r"`(\w+)=([^`]*)`", rows[name])
        options = {field.name for field in dataclasses.fields(made) if field.init} - {"size", "images"}
        assert {option for option, _ in shown} == options, name
        for option, text in shown:
            value = getattr(made, option)
            assert text in (f"{value:.3g}" if isinstance(value, float) else repr(value).lower()), f"{name}: {option}"


def test_local_links_lead_to_files() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text()):
            if not target.startswith("results/demo/"):  # the demo makes these
                assert (ROOT / target).exists(), f"{page}: {target}"
