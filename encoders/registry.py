"""Factories by name, called by a text such as `pixel:strides=2-2-2-1`."""

import re
from collections.abc import Callable
from inspect import signature
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Factories by name, which a text calls: `name:key=value:key=value`. A comma separates as well.

    Args:
        kind: what the factories make, for error messages.
        factories: by name, see `register`.
    """

    def __init__(self, kind: str, factories: dict[str, Callable[..., T]]) -> None:
        self.kind, self.factories = kind, factories

    def names(self) -> tuple[str, ...]:
        """Return the names that `make` knows, in the order of registration."""
        return tuple(self.factories)

    def register(self, name: str, factory: Callable[..., T]) -> None:
        """Make a factory known under a name, the word to use in a text for `make`.

        It is called with what `make` is given besides the text; its other parameters annotated int, float or str become
        options.

        Raises:
            ValueError: the name is taken or is no word of letters, digits and underscores.
        """
        if not name.isidentifier():
            raise ValueError(f"name must be a word of letters, digits and underscores, got {name!r}")
        if name in self.factories:
            raise ValueError(f"{self.kind} {name!r} is already registered")
        self.factories[name] = factory

    def make(self, spec: str, *args: Any, **kwargs: Any) -> T:
        """Call the factory that a text names, with the options in the text and further arguments.

        Raises:
            ValueError: the name or an option is unknown, or an option is given twice or has a wrong type.
        """
        name, *pairs = re.split("[:,]", spec)
        if name not in self.factories:
            raise ValueError(f"unknown {self.kind} '{name}'; known: {', '.join(self.factories)}")
        return self.factories[name](*args, **self._options(name, pairs), **kwargs)

    def _options(self, name: str, pairs: list[str]) -> dict[str, Any]:
        """Read options from texts `key=value`."""
        parameters = signature(self.factories[name], eval_str=True).parameters
        kinds = {key: p.annotation for key, p in parameters.items() if p.annotation in (int, float, str)}
        options: dict[str, Any] = {}
        for key, equals, value in (pair.partition("=") for pair in pairs):
            if key not in kinds or key in options or not equals:
                allowed = ", ".join(f"{option}=..." for option in kinds) or "none"
                got = f"{key}{equals}{value}"
                raise ValueError(f"{self.kind} {name} takes each of the options {allowed} once, got '{got}'")
            try:
                options[key] = kinds[key](value)
            except ValueError:
                kind = kinds[key].__name__
                raise ValueError(f"{self.kind} {name}: option {key} must be of type {kind}, got {value!r}") from None
        return options
