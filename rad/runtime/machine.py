"""The facts about a machine that every measured number depends on."""

import os
import platform
from typing import Any


def describe() -> dict[str, Any]:
    """Return processor, usable processors, torch's threads, load, and versions, as plain values."""
    import torch

    from rad import __version__
    from rad.runtime import device

    return {
        "cpu": device.processor(),
        "cpus": device.usable_cpus(),
        "threads": torch.get_num_threads(),
        "fast_bf16": device.has_fast_bf16(torch.device("cpu")),
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "rad": __version__,
    }
