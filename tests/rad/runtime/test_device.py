import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from rad.runtime import device as module
from rad.runtime.device import (
    free_bytes_on,
    free_memory_bytes,
    has_fast_bf16,
    model,
    processor,
    resolve_device,
    resolve_precision,
    set_deterministic,
    set_precision,
    set_threads,
    tune_allocator,
    usable_cpus,
)
from rad.settings import SettingError

CPU = torch.device("cpu")
CUDA = torch.device("cuda")


@pytest.mark.parametrize(("devices", "expected"), [(0, "cpu"), (2, "cuda")])
def test_auto_takes_cuda_if_there_is_one(monkeypatch, devices, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: devices > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    assert resolve_device("auto") == torch.device(expected)


@pytest.mark.parametrize(("devices", "name"), [(0, "cuda"), (0, "cuda:0"), (2, "cuda:2")])
def test_an_absent_device_is_refused(monkeypatch, devices, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: devices > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    with pytest.raises(ValueError, match=f"^device: '{name}' is not available; this machine has {devices} CUDA"):
        resolve_device(name)


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "meta", "mps"])
def test_an_unknown_device_is_refused(name):
    with pytest.raises(ValueError, match=f"^device: unknown device '{name}'; known: auto, cpu, cuda, cuda:N$"):
        resolve_device(name)


@pytest.mark.parametrize(("flags", "expected"), [("fpu avx512_bf16", "bf16"), ("fpu avx512_bf16_x", "fp32")])
def test_auto_precision_follows_the_hardware(monkeypatch, tmp_path, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nflags\t\t: other\n")
    monkeypatch.setattr(module, "CPUINFO", tmp_path / "cpuinfo")
    assert has_fast_bf16(CPU) == (expected == "bf16")
    assert resolve_precision("auto", CPU) == expected


def test_an_explicit_precision_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "CPUINFO", tmp_path / "absent")
    assert resolve_precision("bf16", CPU) == "bf16"
    assert resolve_precision("fp32", CPU) == "fp32"


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match=r"^precision: unknown precision 'fp16'; known: auto, bf16, fp32, tf32$"):
        resolve_precision("fp16", CPU)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_tf32_needs_a_gpu_that_has_it(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)  # a GPU before Ampere
    words = f"^precision: tf32 needs .*; this run is on {device}; allowed here: auto, bf16, fp32$"
    with pytest.raises(SettingError, match=words):
        resolve_precision("tf32", torch.device(device))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert resolve_precision("tf32", torch.device("cuda")) == "tf32"


BACKENDS = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)


@pytest.fixture
def gpu_settings():
    """Yield what a GPU would multiply float32 in; the settings, which exist without a GPU, are put back."""
    before = [part.fp32_precision for part in BACKENDS]
    for part in BACKENDS:
        part.fp32_precision = "tf32"
    yield lambda: {part.fp32_precision for part in BACKENDS}
    for part, value in zip(BACKENDS, before):
        part.fp32_precision = value


@pytest.mark.parametrize(("precision", "expected"), [("fp32", "ieee"), ("bf16", "ieee"), ("tf32", "tf32")])
def test_a_gpu_computes_in_the_precision_of_that_name(gpu_settings, precision, expected):
    for other in ("tf32", "fp32"):
        set_precision(CUDA, other)
        set_precision(CUDA, precision)
        assert gpu_settings() == {expected}


def test_a_run_on_the_cpu_sets_nothing(gpu_settings):
    set_precision(CPU, "fp32")
    assert gpu_settings() == {"tf32"}


@pytest.mark.parametrize(("device", "expected"), [(CUDA, (True, False)), (CPU, (False, True))])
def test_convolutions_of_a_gpu_repeat(monkeypatch, device, expected):
    cudnn = torch.backends.cudnn
    monkeypatch.setattr(cudnn, "deterministic", False)
    monkeypatch.setattr(cudnn, "benchmark", True)
    set_deterministic(device)
    assert (cudnn.deterministic, cudnn.benchmark) == expected


def test_the_model_of_the_processor_and_of_a_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "CPUINFO", tmp_path / "cpuinfo")
    assert processor() == module.platform.machine()
    (tmp_path / "cpuinfo").write_text("model\t: 7\nmodel name\t: Chip 9\nflags\t: x\nmodel name\t: Chip 8\n")
    assert processor() == model(CPU) == "Chip 9"
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")
    assert model(torch.device("cuda:1")) == "GPU 1"


@pytest.mark.parametrize(
    ("names", "runs"), [(["nvidia-cuda-mps-control"], True), (["python", None, "nvidia-smi"], False), ([], False)]
)
def test_mps_is_told_by_its_daemon(monkeypatch, names, runs):
    processes = [SimpleNamespace(info={"name": name}) for name in names]
    monkeypatch.setattr(module.psutil, "process_iter", lambda attributes: iter(processes))
    assert module.mps_runs() == runs


def test_usable_cpus_are_those_of_this_process(monkeypatch):
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
    assert usable_cpus() == 3


def test_tune_allocator_can_be_declined(monkeypatch):
    monkeypatch.setenv("RAD_NO_MALLOPT", "1")
    assert tune_allocator() is False


def test_tune_allocator_does_nothing_without_glibc(monkeypatch):
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    assert tune_allocator() is False


FAULTS = """
import resource, sys, numpy as np
from rad.runtime.device import tune_allocator
tuned = tune_allocator()
def work():
    block = np.empty(40 * 2**20, np.uint8)
    block[::4096] = 1
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5): work()
print(tuned, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_tune_allocator_ends_page_faults():
    tuned, faults = subprocess.run(
        [sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True
    ).stdout.split()
    if tuned == "False":
        pytest.skip("not glibc")
    assert int(faults) < 1000  # untuned: huge pages or not, each of the 5 blocks is faulted in again


def test_threads(monkeypatch):
    counts = []
    monkeypatch.setattr(torch, "set_num_threads", counts.append)
    set_threads(1)
    with pytest.raises(ValueError, match="threads must be 1 or more, got 0"):
        set_threads(0)
    assert counts == [1]


def cgroup(folder, v1, limit, used, cache):
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    limit_name, used_name, cache_name = names if v1 else ("memory.max", "memory.current", "inactive_file")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / limit_name).write_text(f"{limit}\n")
    (folder / used_name).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{cache_name} {cache}\n")


def test_cgroup_v2_limits_of_the_group_and_its_parents(tmp_path):
    (tmp_path / "own").write_text("0::/a/b\n")
    cgroup(tmp_path / "a" / "b", False, "max", 70, 0)
    cgroup(tmp_path / "a", False, 1000, 300, 100)
    assert module._cgroup_limits(tmp_path, tmp_path / "own") == [(1000, 200)]


def test_cgroup_v1_limit(tmp_path):
    (tmp_path / "own").write_text("5:cpu:/x\n4:memory:/job\n1:name=systemd:/x\n")
    cgroup(tmp_path / "memory" / "job", True, 500, 60, 10)
    assert module._cgroup_limits(tmp_path, tmp_path / "own") == [(500, 50)]


def test_a_container_sees_its_own_group_at_the_root(tmp_path):
    (tmp_path / "own").write_text("4:memory:/docker/0123\n")
    cgroup(tmp_path / "memory", True, 500, 60, 10)
    assert module._cgroup_limits(tmp_path, tmp_path / "own") == [(500, 50)]


def test_no_cgroups_no_limits(tmp_path):
    assert module._cgroup_limits(tmp_path, tmp_path / "absent") == []


def test_free_memory_is_capped_by_the_cgroup(monkeypatch):
    free = free_memory_bytes()
    assert 0 < free < 2**50
    monkeypatch.setattr(module, "_cgroup_limits", lambda: [(1000, 400), (5000, 0)])
    assert free_memory_bytes() == 600
    monkeypatch.setattr(module, "_cgroup_limits", lambda: [(1000, 1400)])
    assert free_memory_bytes() == 0


def test_free_bytes_are_those_of_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda target: (5, 9) if target.index == 1 else (6, 9))
    monkeypatch.setattr("rad.runtime.device.free_memory_bytes", lambda: 7)
    assert [free_bytes_on(torch.device(name)) for name in ("cpu", "cuda:1", "cuda")] == [7, 5, 6]
