"""How many runs of a sweep fit side by side on this machine: by its cores, its memory and the memory of its GPUs."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from rad.experiment.algorithms import algorithm_of
from rad.experiment.build import make_arms
from rad.runtime import device
from rad.sweep.grid import Trial
from rad.training.measure import CUDA_BYTES, Cost, cores_of

PROCESS_BYTES = 1_400_000_000  # of a run beside its replay: 1.36 GB measured, preset rad on walker-walk and a CPU
NETWORK_BYTES = 4 * 2**30  # of a GPU, where nothing was measured: see `estimate`
LEFT_FREE = 0.9  # fraction of the free memory to use


class Slots(NamedTuple):
    """How many runs fit at a time, at least 1, and why no more; `gpus` says how many fit each GPU.

    GPUs go by their names for CUDA_VISIBLE_DEVICES; the name "" is a GPU that needs none, as it is the only one or the
    runs name it. None are listed for runs on the CPU.
    """

    number: int
    why: str
    gpus: Mapping[str, int]


def slots(left: Sequence[Trial], cost: Cost | None, ranks: int = 1) -> Slots:
    """Return how many of the runs that are left fit, if all were as large as the largest, each of so many processes.

    `cost` is what was measured of the first, in one process; without it memory is estimated.
    """
    configs = [trial.config for trial in left]
    stored = [algorithm_of(config).stored(config, make_arms(config)[1]) for config in configs]
    kinds = ("cpu", "cuda")
    on_host, on_gpu = ([each.bytes * (each.device.type == kind) for each in stored] for kind in kinds)
    cards = gpus_of(left)
    cost = cost or estimate(on_host[0], on_gpu[0] if cards else None)
    host_bytes = ranks * (cost.bytes + max(on_host) - on_host[0])
    free = device.free_memory_bytes()
    cores = device.usable_cpus() // (ranks * max(map(cores_of, configs)))
    fitting = {
        "all that are left": len(left),
        f"more do not fit the {device.usable_cpus()} cores": cores,
        f"more do not fit the {free / 1e9:.1f} GB of memory that are free": int(LEFT_FREE * free) // host_bytes,
    }
    rooms: dict[str, int] = {}
    if cards and cost.device_bytes:
        each = cost.device_bytes + max(on_gpu) - on_gpu[0]
        left_free = {name: device.free_bytes_on(card) for name, card in cards.items()}
        rooms = {name: int(LEFT_FREE * size) // each for name, size in left_free.items()}
        fitting[_full(left_free, each, max(on_gpu))] = sum(rooms.values())
    why = min(fitting, key=lambda reason: fitting[reason])
    return Slots(max(1, fitting[why]), why, rooms)


def estimate(on_host: int, on_gpu: int | None) -> Cost:
    """Estimate the memory of a run that stores these bytes, those on its GPU None without one.

    On a GPU that is what CUDA takes in a process (`CUDA_BYTES`), what is stored there, and `NETWORK_BYTES` for networks
    with Adam's moments and for the images and activations of an update. Source: counted, and rounded up to cover the
    larger of two, as no GPU was at hand. RAD's update of 128 images of 84 pixels: 11 million weights, targets among
    them, take 0.15 GB with gradients and moments, and 0.25 million floats of each image in three passes 0.4 GB. A
    minibatch of 2,048 images of Procgen through IMPALA: 0.34 million floats of each image, 2.8 GB. What cuDNN takes to
    work with comes on top.
    """
    return Cost(0.0, PROCESS_BYTES + on_host, 0 if on_gpu is None else CUDA_BYTES + NETWORK_BYTES + on_gpu)


def gpus_of(trials: Sequence[Trial]) -> dict[str, torch.device]:
    """Return the GPUs to spread runs over, by name; one named "" where there is no choice, none for the CPU."""
    named = {trial.config.device for trial in trials}
    targets = {name: device.resolve_device(name) for name in sorted(named)}
    if any(target.type != "cuda" for target in targets.values()):
        return {}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = visible.split(",") if visible else [str(index) for index in range(torch.cuda.device_count())]
    if named <= {"auto", "cuda"} and len(names) > 1:
        return {name: torch.device("cuda", index) for index, name in enumerate(names)}
    return {"": next(iter(targets.values()))}


def mps_advice(sharing: bool) -> str:
    """Return the line that recommends CUDA's MPS, where runs share a GPU and its daemon is not seen; else nothing."""
    if not sharing or device.mps_runs():
        return ""
    return (
        "runs share a GPU, and no MPS daemon is seen: they take turns, unless you start it (nvidia-cuda-mps-control -d)"
    )


def _full(free: Mapping[str, int], each: int, stored: int) -> str:
    sizes = " and ".join(f"{size / 1e9:.1f}" for size in free.values())
    where = "GPU" if len(free) == 1 else f"{len(free)} GPUs"
    rest = each - CUDA_BYTES - stored
    parts = f"{CUDA_BYTES / 1e9:.1f} of CUDA, {stored / 1e9:.1f} stored, {rest / 1e9:.1f} of networks and activations"
    return f"more do not fit the {where}: {sizes} GB are free, and a run takes {each / 1e9:.1f} ({parts})"
