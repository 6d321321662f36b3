"""Checks of the machine: devices, processors, memory."""

from pathlib import Path

from rad.doctor.packages import Check, Finding

REPLAY_BYTES = 3_000_000_000  # the default replay: 100,000 frames of 100x100
NVIDIA = Path("/dev/nvidia0")


def check_device() -> Finding:
    """Find the accelerators that torch can use, and whether processes can share them by MPS."""
    import torch

    from rad.runtime.device import has_fast_bf16, mps_runs

    devices = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    if not devices and NVIDIA.exists():
        remedy = "take a torch for the CUDA version that nvidia-smi shows, and the torchvision of the same index"
        text = f"an NVIDIA device is here, but torch {torch.__version__} cannot use it"
        return Finding("device", False, text, remedy, needed=False)
    words = [f"{device} {torch.cuda.get_device_name(device)} ({_bf16(has_fast_bf16(device))})" for device in devices]
    if not words:
        return Finding("device", True, "cpu only; no CUDA device")
    turns = "no MPS daemon seen, without which runs on one GPU take turns: nvidia-cuda-mps-control -d"
    return Finding("device", True, f"{', '.join(words)}; {'MPS daemon runs' if mps_runs() else turns}")


def check_processor() -> Finding:
    """Check the processor and the number of torch's threads."""
    from rad.runtime.device import describe

    facts = describe()
    cpus, threads = facts["cpus"], facts["threads"]
    text = f"{facts['cpu']} ({_bf16(facts['fast_bf16'])}), {cpus} usable, torch takes {threads} threads"
    return Finding("processor", threads <= cpus, text, f"rad train --threads {cpus}", needed=False)


def check_memory() -> Finding:
    """Check whether the default replay fits."""
    from rad.runtime.device import free_memory_bytes

    free = free_memory_bytes()
    text = f"{free / 1e9:.1f} GB free; a replay of 100,000 frames of 100x100 takes {REPLAY_BYTES / 1e9:.1f} GB"
    remedy = f"rad train --replay-capacity {max(1, free // 60_000)}"  # half of what is free
    return Finding("memory", free > REPLAY_BYTES, text, remedy, needed=False)


def _bf16(is_fast: bool) -> str:
    return "bf16 in hardware" if is_fast else "bf16 emulated: slow"


MACHINE_CHECKS: list[Check] = [check_device, check_processor, check_memory]
