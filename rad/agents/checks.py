"""Checks of hyperparameters beyond ranges of numbers; each error begins with an option's name."""

from typing import Any, get_args


def check_words(config: Any, **kinds: Any) -> None:
    """Check that the options named have one of the words of their Literal types.

    Raises:
        ValueError: one has another word.
    """
    for name, kind in kinds.items():
        if getattr(config, name) not in get_args(kind):
            raise ValueError(f"{name} must be {' or '.join(get_args(kind))}, got {getattr(config, name)!r}")


def check_effect(config: Any, effective: bool, condition: str, *names: str) -> None:
    """Check that the options named have their defaults unless they are `effective`; `condition` says when, in words.

    Raises:
        ValueError: one would be ignored silently.
    """
    for name in names:
        value, default = getattr(config, name), getattr(type(config), name)
        if value != default and not effective:
            raise ValueError(f"{name} has an effect only with {condition}; allowed here: {default}, got {value}")
