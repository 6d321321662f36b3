"""An update on a GPU as one CUDA graph: its hundreds of kernels are recorded once, then started by one call.

What is computed stays the same: the same kernels in the same order. What it needs of an update holds for all that are
tested on a fake device: all that is random is drawn before, no value is read on the host, and the state stays where it
is.
"""

from collections.abc import Callable, Hashable
from typing import Any

import torch

from rad.agents.device.draws import block_for, layout, place, send, upload
from rad.settings import SettingError
from rad.types import Metrics

Learn = Callable[..., Metrics]
"""Updates from nested tensors on the device, in place, and returns metrics: tensors [] by name."""
Record = Callable[[Callable[[], None], torch.device], Callable[[], None]]
"""Records what a function would compute on a device, without computing it; returns what computes it."""

MOST_GRAPHS = 8
"""Kinds of update that are captured; each graph holds the memory of an update. SAC has at most four."""


def record_cuda(run: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """Record a CUDA graph.

    Raises:
        SettingError: something in it cannot be recorded.
    """
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.device(device), torch.cuda.graph(graph, capture_error_mode="thread_local"):
            run()
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        problem = f"the update cannot be recorded as a CUDA graph; --no-capture trains without: {reason}"
        raise SettingError("capture", problem) from error
    return graph.replay


class Captured:
    """An update that is recorded, once for each kind of call, and replayed.

    The first call of a kind runs as it is: libraries warm up, and optimizers make their state. The second records.
    A kind is: the flags, where tensors on the device lie, and what shapes and types those of the host have.

    Args:
        learn: the update.
        device: of its tensors.
        record: makes the recordings.
    """

    def __init__(self, learn: Learn, device: torch.device, record: Record = record_cuda) -> None:
        self._learn, self._device, self._record = learn, device, record
        self._graphs: dict[Hashable, _Graph | None] = {}

    def __call__(self, tree: Any, **flags: bool) -> Metrics:
        """Update from nested tensors of the host and the device; return the metrics."""
        kind = (*flags.items(), *layout(tree))
        if kind not in self._graphs:
            if len(self._graphs) < MOST_GRAPHS:
                self._graphs[kind] = None
            return self._learn(*upload(tree, self._device), **flags)
        graph = self._graphs[kind]
        if graph is None:
            graph = self._graphs[kind] = _Graph(self._learn, tree, flags, self._device, self._record)
        return graph(tree)

    def forget(self) -> None:
        """Record anew, as after the state of an optimizer was replaced."""
        self._graphs.clear()


class _Graph:
    """One recording, with the memory that its inputs are put into, and its metrics taken from."""

    def __init__(self, learn: Learn, tree: Any, flags: dict[str, bool], device: torch.device, record: Record) -> None:
        self._block = block_for(tree, device)
        self._inputs = place(tree, self._block)  # kept, as the graph reads there
        self._names: tuple[str, ...] = ()
        self._metrics = torch.zeros(0)

        def run() -> None:
            metrics = learn(*self._inputs, **flags)
            self._names, self._metrics = tuple(metrics), torch.stack([value.float() for value in metrics.values()])

        self._replay = record(run, device)

    def __call__(self, tree: Any) -> Metrics:
        send(tree, self._block)
        self._replay()
        return dict(zip(self._names, self._metrics.clone().unbind()))  # before the next replay writes them
