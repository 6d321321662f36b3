"""The facts about a machine that every measured number depends on."""

import os
import platform
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")


def describe() -> dict[str, Any]:
    """Return processor, usable processors, torch's threads, load, and versions, as plain values."""
    import torch

    from rad import __version__
    from rad.runtime.device import has_fast_bf16

    return {
        "cpu": cpu_name(),
        "cpus": usable_cpus(),
        "threads": torch.get_num_threads(),
        "fast_bf16": has_fast_bf16(torch.device("cpu")),
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "rad": __version__,
    }


def cpu_name() -> str:
    """Return the processor's model name, or its architecture where the system does not tell."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def usable_cpus() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
