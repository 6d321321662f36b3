"""Device and number format of a run, and the machine's free resources."""

import ctypes
import os
import platform
from pathlib import Path
from typing import Any

import psutil
import torch

from rad import __version__
from rad.settings import SettingError

PRECISIONS = ("auto", "bf16", "fp32", "tf32")

# <malloc.h> of glibc
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
TOP_PAD_BYTES = 256 * 2**20

MPS_DAEMON = "nvidia-cuda-mps"  # -control; Linux keeps 15 letters of a name
CPUINFO = Path("/proc/cpuinfo")


def resolve_device(name: str = "auto") -> torch.device:
    """Turn a device name into a device that can be used now.

    Args:
        name: `"auto"` (CUDA if there is a device, else the CPU), `"cpu"`, `"cuda"` or `"cuda:1"`.

    Raises:
        SettingError: an unknown name, or a device that this machine does not have.
    """
    cuda_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if cuda_devices else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise SettingError("device", f"unknown device {name!r}; known: auto, cpu, cuda, cuda:N")
    if device.type == "cuda" and (device.index or 0) >= cuda_devices:
        raise SettingError("device", f"{name!r} is not available; this machine has {cuda_devices} CUDA devices")
    return device


def has_fast_bf16(device: torch.device) -> bool:
    """Tell whether `device` multiplies bfloat16 in hardware: CUDA from Ampere on, CPUs with AVX512-BF16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return "avx512_bf16" in _cpuinfo("flags").split()


def resolve_precision(name: str, device: torch.device) -> str:
    """Turn a precision name into `"fp32"`, `"tf32"` or `"bf16"`.

    `"auto"` takes bf16 where the hardware multiplies it (`has_fast_bf16`). An explicit `"bf16"` is always
    allowed, so that a run can be repeated anywhere; without hardware support it is slower than fp32.

    Raises:
        SettingError: a name outside `PRECISIONS`, or tf32 on a device that has none: a CPU, a GPU before Ampere.
    """
    if name not in PRECISIONS:
        raise SettingError("precision", f"unknown precision {name!r}; known: {', '.join(PRECISIONS)}")
    if name == "tf32" and (device.type != "cuda" or not has_fast_bf16(device)):
        allowed = "allowed here: auto, bf16, fp32"
        raise SettingError("precision", f"tf32 needs an NVIDIA GPU from Ampere on; this run is on {device}; {allowed}")
    if name != "auto":
        return name
    return "bf16" if has_fast_bf16(device) else "fp32"


def set_precision(device: torch.device, precision: str) -> None:
    """Make a GPU multiply float32 in fp32, or with `"tf32"` in TF32; a CPU has nothing to set.

    Left alone, cuDNN convolves float32 in TF32, which keeps 10 bits of 23. `"bf16"` computes in fp32 what is not in
    bfloat16. The setting is of the whole process, so the last one counts, and torch then refuses to answer its older
    interface (`allow_tf32`).
    """
    if device.type == "cuda":
        backends: Any = torch.backends
        for part in (backends.cuda.matmul, backends.cudnn.conv):
            part.fp32_precision = "tf32" if precision == "tf32" else "ieee"


def set_deterministic(device: torch.device) -> None:
    """Let cuDNN take convolutions that repeat bit for bit only, and always the same; a CPU has nothing to set.

    It does not reach other kernels: max-pooling of a GPU, which impala has, adds its gradients in any order.
    """
    if device.type == "cuda":
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False


def tune_allocator() -> bool:
    """Make glibc keep freed memory instead of returning it to the system and faulting it in again.

    Call it before the first large tensor. Updates at large batches run up to several times faster; in return the
    process keeps its peak of memory. The environment variable RAD_NO_MALLOPT=1 opts out.

    Returns:
        Whether the settings were made: False where the C library is not glibc, or on opt-out.
    """
    if os.environ.get("RAD_NO_MALLOPT") == "1" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, TOP_PAD_BYTES))
    return all([mallopt(parameter, value) == 1 for parameter, value in settings])


def set_threads(count: int) -> None:
    """Set the number of CPU threads of one torch operation. Results depend on it in the last bits.

    Raises:
        ValueError: `count` below 1.
    """
    if count < 1:
        raise ValueError(f"threads must be 1 or more, got {count}")
    torch.set_num_threads(count)


def processor() -> str:
    """Return the model of the processor, or its architecture where that is unknown."""
    return _cpuinfo("model name") or platform.machine()


def model(device: torch.device) -> str:
    """Return the model of a device: of the GPU, or of the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor()


def mps_runs() -> bool:
    """Whether the control daemon of CUDA's MPS, with which processes share a GPU at a time, is among the processes.

    From within a container, that of its host is not seen.
    """
    names = (process.info["name"] or "" for process in psutil.process_iter(["name"]))
    return any(name.startswith(MPS_DAEMON) for name in names)


def usable_cpus() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory_bytes() -> int:
    """Return how many bytes this process can still allocate: the machine's free memory, capped by its cgroups."""
    left = [limit - used for limit, used in _cgroup_limits()]
    return max(0, min([psutil.virtual_memory().available, *left]))


def free_bytes_on(target: torch.device) -> int:
    """Return how many bytes this process can still allocate on a device: of a GPU's memory, or of the machine's."""
    return torch.cuda.mem_get_info(target)[0] if target.type == "cuda" else free_memory_bytes()


def _cgroup_limits(
    root: Path = Path("/sys/fs/cgroup"), groups: Path = Path("/proc/self/cgroup")
) -> list[tuple[int, int]]:
    """Return (limit, use without reclaimable file cache) in bytes of each memory cgroup of this process."""
    limits = []
    for _, controllers, group in (line.split(":", 2) for line in _lines(groups)):
        v1 = "memory" in controllers.split(",")
        if controllers and not v1:  # v2 has one group, without controllers
            continue
        base = root / "memory" if v1 else root
        folder = base / group.lstrip("/")  # a container may show its own group at `base`
        for path in (path for path in (folder, *folder.parents) if path.is_relative_to(base)):
            limit = _read_int(path / ("memory.limit_in_bytes" if v1 else "memory.max"))
            used = _read_int(path / ("memory.usage_in_bytes" if v1 else "memory.current"))
            if limit is not None and used is not None:
                limits.append((limit, used - _inactive_file_bytes(path / "memory.stat", v1)))
    return limits


def _inactive_file_bytes(stat: Path, v1: bool) -> int:
    name = "total_inactive_file" if v1 else "inactive_file"
    rows = [line.split() for line in _lines(stat)]
    return next((int(row[1]) for row in rows if len(row) == 2 and row[0] == name), 0)


def _read_int(path: Path) -> int | None:
    lines = _lines(path)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None  # "max" means no limit


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _cpuinfo(name: str) -> str:
    """Return an entry of /proc/cpuinfo for the first processor; empty without one."""
    return next((line.partition(":")[2].strip() for line in _lines(CPUINFO) if line.startswith(name)), "")


def describe() -> dict[str, Any]:
    """Return what measured numbers depend on: processor, threads, load, and versions, as plain values."""
    return {
        "cpu": processor(),
        "cpus": usable_cpus(),
        "threads": torch.get_num_threads(),
        "fast_bf16": has_fast_bf16(torch.device("cpu")),
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "rad": __version__,
    }
