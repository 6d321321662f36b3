"""Checks of hyperparameters beyond ranges of numbers; each error is a SettingError."""

from typing import Any, get_args

from rad.settings import SettingError, mention


def check_words(config: Any, **kinds: Any) -> None:
    """Check that the options named have one of the words of their Literal types.

    Raises:
        SettingError: one has another word.
    """
    for name, kind in kinds.items():
        if getattr(config, name) not in get_args(kind):
            raise SettingError(name, repr(getattr(config, name)), " or ".join(get_args(kind)))


def check_effect(config: Any, effective: bool, condition: str, *names: str) -> None:
    """Check that the options named have their defaults unless they are `effective`; `condition` says when, in words.

    Raises:
        SettingError: one would be ignored silently.
    """
    for name in names:
        value, default = getattr(config, name), getattr(type(config), name)
        if value != default and not effective:
            raise SettingError(
                name, f"has an effect only with {mention(condition)}; allowed here: {default}, got {value}"
            )
