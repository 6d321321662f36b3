"""What is said of a wrong setting, and what something from outside may be called; any room of `rad` may import this."""

import re
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager


class SettingError(ValueError):
    """A setting that is not allowed.

    Args:
        field: its name, such as `batch_size`, or that of an argument without a flag as in the usage, such as `RUN_A`.
        came: its value; where `allowed` is empty, all there is to say. Other settings stand in it by `mention`.
        allowed: what it must be, in words.
    """

    def __init__(self, field: str, came: object, allowed: str = "") -> None:
        super().__init__(field, came, allowed)  # with which a copy from another process is made again
        self.field, self._problem = field, f"must be {allowed}, got {came}" if allowed else str(came)

    @property
    def problem(self) -> str:
        """What is wrong, without the field."""
        return self._spelled(str)

    def say(self, spell: Callable[[str], str]) -> str:
        """Return the text, in which `spell` writes the names of settings."""
        return f"{spell(self.field)}: {self._spelled(spell)}"

    def _spelled(self, spell: Callable[[str], str]) -> str:
        return re.sub("\0(\\w+)\0", lambda name: spell(name[1]), self._problem)

    def __str__(self) -> str:
        """Write the names as they are in Python."""
        return self.say(str)


def mention(text: str) -> str:
    """Mark names in braces, as in `below {log_std_max}`, as settings; braces that a user types stay as they are."""
    return re.sub(r"\{(\w+)\}", "\0\\1\0", text)


def flag_name(field: str) -> str:
    """Return the command-line flag of a field; an argument without a flag keeps its name."""
    return field if field.isupper() else "--" + field.replace("_", "-")


@contextmanager
def setting(field: str, *names: str) -> Iterator[None]:
    """Turn a ValueError from below into a SettingError of `field`; a SettingError stays one of its own field.

    Args:
        field: the setting that is used.
        names: what it is called below.
    """
    try:
        yield
    except SettingError as error:
        if error.field not in names:
            raise
        raise SettingError(field, error._problem) from None
    except ValueError as error:
        raise SettingError(field, str(error)) from None


def check_name(kind: str, name: str, taken: Container[str]) -> None:
    """Check that a new entry of a table may have a name.

    Raises:
        ValueError: it is taken, or has other signs than letters, digits, `_`, `-` and `.`.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f"name of a new {kind} must be letters, digits, _, - and ., got {name!r}")
    if name in taken:
        raise ValueError(f"{kind} {name!r} is already registered")
