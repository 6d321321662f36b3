"""Processes that train one agent together, started by torchrun."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from rad.types import ALONE as ALONE  # these two also for rooms above, which pass them on
from rad.types import Ranks as Ranks

TIMEOUT = timedelta(hours=1)  # of a wait for the other ranks: the first one may be evaluating


@contextlib.contextmanager
def joined() -> Iterator[Ranks]:
    """Join the processes that torchrun started, if this is one of several, and leave them at the end.

    With CUDA each process of a machine sees one GPU, by its local rank.

    Raises:
        ChildProcessError: another rank is gone, or did not answer in an hour.
    """
    if size() == 1:
        yield ALONE
        return
    _choose_gpu()
    with _loss_of_a_rank():
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=TIMEOUT)
    try:
        yield TorchRanks()
    finally:
        with contextlib.suppress(RuntimeError):  # of a rank that is gone, which was told already
            dist.destroy_process_group()


def size() -> int:
    """Return how many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", 1))


def rank() -> int:
    """Return the number of this process among them, from 0."""
    return int(os.environ.get("RANK", 0))


def _choose_gpu() -> None:
    """Leave one GPU visible, before CUDA is asked for anything; the renderer follows it."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = listed.split(",") if listed else [str(i) for i in range(torch.cuda.device_count())]
    if gpus and gpus != [""]:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[int(os.environ["LOCAL_RANK"]) % len(gpus)]


class TorchRanks(Ranks):
    """Ranks of a process group of torch.distributed."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def mean_(self, tensors: Sequence[Tensor]) -> None:
        """As of `Ranks`, in a single exchange; the means have the same bits on all ranks."""
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        with _loss_of_a_rank():
            dist.all_reduce(flat)
        flat /= self.size
        for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors])):
            tensor.copy_(mean.view_as(tensor))

    def gather(self, tensor: Tensor, dim: int = 0) -> Tensor:
        """As of `Ranks`."""
        tensor = tensor.contiguous()
        gathered = [torch.empty_like(tensor) for _ in range(self.size)]
        with _loss_of_a_rank():
            dist.all_gather(gathered, tensor)
        return torch.cat(gathered, dim)

    def max(self, number: int) -> int:
        """As of `Ranks`."""
        return int(self.gather(torch.tensor([number])).max())

    def collect(self, value: Any) -> list[Any]:
        """As of `Ranks`."""
        values: list[Any] | None = [None] * self.size if self.rank == 0 else None
        with _loss_of_a_rank():
            dist.gather_object(value, values)
        return values or []

    def share(self, value: Any) -> Any:
        """As of `Ranks`."""
        values = [value]
        with _loss_of_a_rank():
            dist.broadcast_object_list(values)
        return values[0]


@contextlib.contextmanager
def _loss_of_a_rank() -> Iterator[None]:
    """Turn the errors that torch.distributed raises when a process is gone, or silent, into one line."""
    try:
        yield
    except RuntimeError as error:
        text = str(error).lower()
        reasons = {"timed out": f"no answer in {TIMEOUT}", "timeout": f"no answer in {TIMEOUT}"}
        reasons |= dict.fromkeys(("connection", "broken pipe", "socket"), "connection lost")
        if reason := next((words for sign, words in reasons.items() if sign in text), ""):
            again = "the same command resumes from the last checkpoint"
            raise ChildProcessError(f"rank {rank()} has lost another rank: {reason}; {again}") from None
        raise
