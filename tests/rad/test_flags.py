"""Wrong flags are refused in one line; where values stand is found however they are written."""

from pathlib import Path

import pytest

from rad import flags


@pytest.mark.parametrize(
    "box",
    [
        "╭─ Value error ─╮\n│ Error parsing --a: │\n│ bad value │\n│ ───────── │\n│ see help │\n╰──╯\n",
        " Value error \n ------------ \n  Error parsing --a:\n  bad value\n  ---------\n  see help\n   \n",
        "\x1b[31m╭─ Error ─╮\x1b[0m\n\x1b[31m│\x1b[0m \x1b[1mError parsing --a:\x1b[0m bad value \x1b[31m│\x1b[0m\n"
        "\x1b[31m│\x1b[0m \x1b[31m────\x1b[0m \x1b[31m│\x1b[0m\n│ see help │\n╰──╯\n",
    ],
    ids=["unicode", "ascii", "colours"],
)
def test_a_box_of_any_kind_becomes_one_line(box: str) -> None:
    assert flags._without_box(box) == "--a: bad value; see help"


@pytest.mark.parametrize(
    ("arguments", "value"),
    [("--a 1", "1"), ("--a=1", "1"), ("--a 1 --a=2", "2"), ("--b 1", None), ("--a", ""), ("--ab 1", None)],
)
def test_the_last_value_counts(arguments: str, value: str | None) -> None:
    assert flags.value_of("a", arguments.split()) == value


@pytest.mark.parametrize("arguments", ["", "--a 1 2", "--a=1", "--b 1 --b 2", "--ab 1 --a 2", "a --a a"])
def test_a_flag_that_stands_once(arguments: str) -> None:
    flags.check_once(("a", "c"), arguments.split())


@pytest.mark.parametrize(
    ("arguments", "got"), [("--a 1 --a 2", "--a and --a"), ("--c=1 --a 2", "--c=1 and --a"), ("--c --c", "--c and --c")]
)
def test_a_flag_that_stands_twice(arguments: str, got: str) -> None:
    with pytest.raises(ValueError, match=f"^--a: must be given once, with all its values, got {got}$"):
        flags.check_once(("a", "c"), arguments.split())


def test_a_file_needs_a_folder(tmp_path: Path) -> None:
    flags.check_file("out", tmp_path / "picture.png")
    for path in (tmp_path, tmp_path / "nowhere" / "picture.png"):
        with pytest.raises(ValueError, match=f"--out: must be a file in a folder that exists, got {path}"):
            flags.check_file("out", path)
