"""Checks of arguments, each raising one line that names the argument, what it must be, and what came."""

import difflib
from collections.abc import Collection

from rad.settings import SettingError

SUGGESTED = 8  # names, at most


def require(condition: bool, name: str, allowed: str, value: object) -> None:
    """Raise `ValueError: NAME must be ALLOWED, got VALUE` unless `condition` holds."""
    if not condition:
        raise ValueError(f"{name} must be {allowed}, got {value!r}")


def require_between(name: str, value: int, least: int, most: int | None = None) -> None:
    """Raise a SettingError of `name` unless `value` is at least `least` and at most `most`."""
    if not least <= value <= (value if most is None else most):
        raise SettingError(name, value, f"at least {least}" if most is None else f"from {least} to {most}")


def require_known(kind: str, name: str, known: Collection[str], prefix: str = "") -> None:
    """Raise a SettingError with the known names, and those that may be meant, unless `name` is one.

    Args:
        kind: the setting that the names are of.
        name: without the prefix.
        known: all names.
        prefix: typed before each name.
    """
    if name not in known:
        hint = did_you_mean(name, [prefix + other for other in known])
        names = ", ".join(known) + (f", each after {prefix}" if prefix else "")
        raise SettingError(kind, f"unknown {kind} '{prefix}{name}'{hint}; known: {names}")


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return `; did you mean A, B?` with the known names that contain an unknown one, or else the nearest; or "".

    Known names may begin with a suite, as in dmc/walker-walk; the unknown one does not.
    """
    words = {full: full.rpartition("/")[2] for full in known}
    near = [full for full, word in words.items() if len(name) >= 3 and name.lower() in word.lower()][:SUGGESTED]
    if not near:
        nearest = difflib.get_close_matches(name, words.values(), n=1)
        near = [full for full, word in words.items() if word in nearest]
    return f"; did you mean {', '.join(near)}?" if near else ""
