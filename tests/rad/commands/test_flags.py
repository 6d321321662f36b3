"""Wrong flags are refused in one line; where values stand is found however they are written."""

from pathlib import Path

import pytest

from rad.commands import flags
from rad.commands.flags import whole


@pytest.mark.parametrize(
    "box",
    [
        "╭─ Value error ─╮\n│ Error parsing --a: │\n│ bad value │\n│ ───────── │\n│ see help │\n╰──╯\n",
        " Value error \n ------------ \n  Error parsing --a:\n  bad value\n  ---------\n  see help\n   \n",
        "\x1b[31m╭─ Error ─╮\x1b[0m\n\x1b[31m│\x1b[0m \x1b[1mError parsing --a:\x1b[0m bad value \x1b[31m│\x1b[0m\n"
        "\x1b[31m│\x1b[0m \x1b[31m────\x1b[0m \x1b[31m│\x1b[0m\n│ see help │\n╰──╯\n",
    ],
    ids=["unicode", "ascii", "colors"],
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
    with pytest.raises(ValueError, match=f"^a: must be given once, with all its values, got {got}$"):
        flags.check_once(("a", "c"), arguments.split())


def test_a_file_needs_a_folder(tmp_path: Path) -> None:
    flags.check_file("out", tmp_path / "picture.png")
    for path in (tmp_path, tmp_path / "nowhere" / "picture.png"):
        with pytest.raises(ValueError, match=f"^out: must be a file in a folder that exists, got {path}"):
            flags.check_file("out", path)
    flags.check_file("video", tmp_path / "episode.mp4", ".mp4")
    with pytest.raises(ValueError, match=r"^video: must be a file that ends in \.mp4, got config"):
        flags.check_file("video", Path("config.json"), ".mp4")


@pytest.mark.parametrize(
    ("text", "number"),
    {
        **{"7": 7, "-1": -1, "+3": 3, "100_000": 100_000, "1e5": 100_000, "1E5": 100_000, "2.5e4": 25_000, "2.0": 2},
        **{"0e9": 0, "9223372036854775807": 2**63 - 1, "1e18": 10**18},
    }.items(),
)
def test_a_whole_number(text: str, number: int) -> None:
    assert whole(text) == number and isinstance(whole(text), int)


@pytest.mark.parametrize("text", ["1.5", "1e-1", "15e-1", "abc", "", "1e", "nan", "inf", "1e19", "1e999999999", "0x10"])
def test_no_whole_number(text: str) -> None:
    with pytest.raises(ValueError, match=f"^must be a whole number such as 100000, 100_000 or 1e5, got '{text}'$"):
        whole(text)
