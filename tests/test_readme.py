"""The README's examples run, and what it points to is there."""

import dataclasses
import importlib
import re
import shlex
from pathlib import Path

import pytest

import augment
from rad.cli import COMMANDS
from rad.commands import ablate, flags
from rad.commands.train import parse_run

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.slow
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


class Parsed(Exception):
    """A command has read its flags."""


def commands() -> list[list[str]]:
    """Return the words of each `rad` command on the page, in blocks and in the text; CAPITALS are stand-ins."""
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)).replace("\\\n", " ")
    lines = [line for line in blocks.splitlines() if line.startswith("rad ")]
    lines += re.findall(r"`(rad [a-z]+ [^`]*)`", README)
    return [shlex.split(line, comments=True)[1:] for line in lines]


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


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_flags_of_each_command_are_read(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    command, *arguments = words
    if command == "train" and arguments[0] == "--resume":
        assert len(arguments) == 2  # takes no other flag
        return
    read_flags(command, arguments, monkeypatch)


def test_a_flag_that_does_not_exist_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(commands()) > 20
    for command, *words in (["train"], ["ablate", "--out=x"], ["evaluate", "RUN"]):
        with pytest.raises(ValueError, match="--nope"), monkeypatch.context() as patch:
            read_flags(command, [*words, "--nope", "1"], patch)


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
