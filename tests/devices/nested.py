"""The tensors of a nested state by their path."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor


def tensors(state: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Tensor]]:
    """Give each tensor in nested dicts, lists and tuples with its path, as `critic_optimizer/state/0/exp_avg`."""
    if isinstance(state, Tensor):
        yield "/".join(path), state
    elif isinstance(state, dict):
        for name, value in state.items():
            yield from tensors(value, (*path, str(name)))
    elif isinstance(state, list | tuple):
        for number, value in enumerate(state):
            yield from tensors(value, (*path, str(number)))
