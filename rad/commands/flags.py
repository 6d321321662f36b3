"""Command-line flags: read into a dataclass by tyro, wrong ones refused in one line."""

import contextlib
import io
import os
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from rad.settings import SettingError

NUMBERS = ConstructorRegistry()
HELP = ("Argument helptext", "For full helptext")  # how the parts of tyro's box begin that say nothing of the error


def _numbers_are(kind: type, metavar: str, read: Callable[[str], Any]) -> None:
    """Let flags of a type be read by a function, whose ValueError says what is wrong."""

    def rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        """Say how a flag of the type is read; None for other types."""
        if info.type is not kind:
            return None
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar=metavar,
            instance_from_str=lambda words: read(words[0]),
            is_instance=lambda value: isinstance(value, (int, kind)),
            str_from_instance=lambda value: [str(value)],
        )

    NUMBERS.primitive_rule(rule)


def number(text: str) -> float:
    """Read a number.

    Raises:
        ValueError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"must be a number such as 0.5 or 1e-3, got '{text}'") from None


def whole(text: str) -> int:
    """Read a whole number, written as 100000, 100_000 or 1e5.

    Raises:
        ValueError: it is none, or has more than 19 digits.

    Example:
        >>> whole("100_000"), whole("2.5e4")
        (100000, 25000)
    """
    try:
        number = Decimal(text)
        if number.is_finite() and number.adjusted() < 19 and number == number.to_integral_value():
            return int(number)
    except InvalidOperation:
        pass
    raise ValueError(f"must be a whole number such as 100000, 100_000 or 1e5, got '{text}'")


_numbers_are(int, "INT", whole)
_numbers_are(float, "FLOAT", number)


def parse(kind: type, program: str, arguments: Sequence[str], **options: Any) -> Any:
    """Read flags into a dataclass.

    Raises:
        ValueError: a flag is unknown or has no value or a bad one; one line, where tyro draws a box.
    """
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box), NUMBERS:
            return tyro.cli(kind, prog=program, args=list(arguments), **options)
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        raise ValueError(_without_box(box.getvalue())) from None


def check_file(flag: str, path: Path, suffix: str = "") -> None:
    """Check that a file can be written where --flag wants it, and ends in `suffix`, lest one of another kind is lost.

    Raises:
        SettingError: its folder does not exist or cannot be written to, it is a folder itself, or ends otherwise.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise SettingError(flag, path, "a file in a folder that exists")
    if not os.access(path.parent, os.W_OK):
        raise SettingError(flag, path, "a file in a folder that can be written to")
    if suffix and path.suffix != suffix:
        raise SettingError(flag, path, f"a file that ends in {suffix}")


def check_least(options: Any, **least: int) -> None:
    """Check that flags have at least the values given here.

    Raises:
        SettingError: one has not.
    """
    for name, lowest in least.items():
        if vars(options)[name] < lowest:
            raise SettingError(name, vars(options)[name], f"at least {lowest}")


def check_once(names: Sequence[str], arguments: Sequence[str]) -> None:
    """Check that a flag, the first of `names`, stands once under them all; of two, the first's values would be lost.

    Raises:
        SettingError: it stands more than once.
    """
    typed = [word for word in arguments if word.partition("=")[0] in [f"--{name}" for name in names]]
    if len(typed) > 1:
        raise SettingError(names[0], " and ".join(typed), "given once, with all its values")


def _without_box(box: str) -> str:
    """Return the text of tyro's box, drawn in Unicode or ASCII and perhaps in colors, as `--flag: text; text`."""
    rows = [re.sub(r"\x1b\[[0-9;]*m", "", row).strip("│ ") for row in box.splitlines()[1:-1]]
    sections = re.split(r"^[─-]{3,}$", "\n".join(rows), flags=re.MULTILINE)
    said = [" ".join(section.split()) for section in sections]
    text = "; ".join(part for part in said if part and not part.startswith(HELP)).removeprefix("Error parsing ")
    text = re.sub(r"Unrecognized options: (?!-)(\S+).*", r"one argument too many: \1", text)
    text = re.sub(r"Expected one of \((.*)\)\.?", lambda choices: f"Allowed: {_plain(choices[1])}", text)
    named = re.search(r"--[\w-]+", text)
    return text if named is None or text.startswith(named[0]) else f"{named[0]}: {text}"


def _plain(choices: str) -> str:
    """Write the choices of a flag, which are a Python tuple's, as they are typed; an empty one cannot be."""
    return ", ".join(filter(None, re.findall(r"'([^']*)'", choices)))


def checkpoint(text: str) -> str:
    """Return the name of a checkpoint, last, best or its frames, with a number in plain digits."""
    try:
        return str(whole(text))
    except ValueError:
        return text


def without(names: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Return the words that are neither one of these flags nor its value."""
    words = iter(arguments)
    left = []
    for word in words:
        flag, equals, _ = word.partition("=")
        if flag not in [f"--{name}" for name in names]:
            left.append(word)
        elif not equals:
            next(words, "")
    return left


def value_of(flag: str, arguments: Sequence[str]) -> str | None:
    """Return the last value given to --flag, written with a space or with =; "" where it has none."""
    last = None
    for word, following in zip(arguments, [*arguments[1:], ""]):
        if word == f"--{flag}":
            last = following
        elif word.startswith(f"--{flag}="):
            last = word.partition("=")[2]
    return last
