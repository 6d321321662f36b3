"""Checks of arguments, each raising one line that names the argument, what it must be, and what came."""

import difflib
from collections.abc import Collection


def require(condition: bool, name: str, allowed: str, value: object) -> None:
    """Raise `ValueError: NAME must be ALLOWED, got VALUE` unless `condition` holds."""
    if not condition:
        raise ValueError(f"{name} must be {allowed}, got {value!r}")


def require_known(kind: str, name: str, known: Collection[str], prefix: str = "") -> None:
    """Raise a ValueError with the known names, and the nearest of them, unless `name` is one.

    Args:
        kind: what the names are of.
        name: without the prefix.
        known: all names.
        prefix: written before the unknown name.
    """
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"unknown {kind} '{prefix}{name}'{hint}; known: {', '.join(known)}")
