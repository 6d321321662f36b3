"""Checks of arguments, each raising one line that names the argument, what it must be, and what came."""

import difflib
from collections.abc import Collection

from rad.settings import SettingError


def require(condition: bool, name: str, allowed: str, value: object) -> None:
    """Raise `ValueError: NAME must be ALLOWED, got VALUE` unless `condition` holds."""
    if not condition:
        raise ValueError(f"{name} must be {allowed}, got {value!r}")


def require_between(name: str, value: int, least: int, most: int | None = None) -> None:
    """Raise a SettingError of `name` unless `value` is at least `least` and at most `most`."""
    if not least <= value <= (value if most is None else most):
        raise SettingError(name, value, f"at least {least}" if most is None else f"from {least} to {most}")


def require_known(kind: str, name: str, known: Collection[str], prefix: str = "") -> None:
    """Raise a SettingError with the known names, and the nearest of them, unless `name` is one.

    Args:
        kind: the setting that the names are of.
        name: without the prefix.
        known: all names.
        prefix: written before the unknown name.
    """
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SettingError(kind, f"unknown {kind} '{prefix}{name}'{hint}; known: {', '.join(known)}")
