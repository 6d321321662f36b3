"""The calls that reach torch's kernels while a block of code runs on the CPU, on the paths for accelerators."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "unique_dim", "bincount"}
"""Calls whose result the host reads, or whose shape depends on values: the host waits for an accelerator there."""
NO_KERNEL = ("_record_function", "empty", "rand")
"""Beside views: marks for a profiler, memory, and draws, which are all made on the host."""


class Calls(TorchDispatchMode):
    """Count what is called, by name.

    Attributes:
        waiting: calls for whose values a host would wait; an index by a mask counts as `nonzero`, which it calls.
        launches: calls that compute: about as many kernels as an accelerator would be sent.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting: Counter[str] = Counter()
        self.launches: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in WAITING:
            self.waiting[name] += 1
        if name.startswith("index") and _has_mask(args):
            self.waiting["nonzero"] += 1
        if not func.is_view and not name.startswith(NO_KERNEL):
            self.launches[name] += 1
        return func(*args, **(kwargs or {}))


@contextmanager
def counted() -> Iterator[Calls]:
    """Count calls while augmentations and conversions take their paths for accelerators."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (
            "augment.base",
            "augment.indexing",
            "augment.compose",
            "augment.erase",
            "augment.crop",
            "rad.types",
        ):
            patch.setattr(f"{module}.on_cpu", lambda images: False)
        with Calls() as calls:
            yield calls


def _has_mask(args: Any) -> bool:
    indices = [index for arg in args if isinstance(arg, list | tuple) for index in arg if isinstance(index, Tensor)]
    return any(index.dtype in (torch.bool, torch.uint8) for index in indices)
