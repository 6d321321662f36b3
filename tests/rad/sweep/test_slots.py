"""How many runs fit at a time, on a machine and on GPUs that tests make up."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from rad.sweep import slots as module
from rad.sweep.engines import ENGINES, local, ray
from rad.sweep.engines.local import Local
from rad.sweep.grid import Trial
from rad.sweep.scheduler import Options
from rad.sweep.slots import Slots, estimate, gpus_of, mps_advice, slots
from rad.training.measure import CUDA_BYTES, Cost
from tests.rad.sweep.trials import trial

GB = 10**9
CUDA = CUDA_BYTES / GB


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine whose free resources a test sets; a run stores 10 MB for each of its 60 frames."""
    made = SimpleNamespace(cores=8, free=100.0, gpus=[], on="cpu")

    def stored(config: Any, side: int) -> SimpleNamespace:
        return SimpleNamespace(bytes=config.frames * 10**7, device=torch.device(made.on))

    monkeypatch.setattr(module, "algorithm_of", lambda config: SimpleNamespace(stored=stored))
    monkeypatch.setattr(module.device, "usable_cpus", lambda: made.cores)
    monkeypatch.setattr(module.device, "free_memory_bytes", lambda: int(made.free * GB))
    monkeypatch.setattr(module.device, "free_bytes_on", lambda card: int(made.gpus[card.index or 0] * GB))
    monkeypatch.setattr(
        module.device,
        "resolve_device",
        lambda name: torch.device({"auto": "cuda" if made.gpus else "cpu"}.get(name, name)),
    )
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(made.gpus))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return made


def runs(out: Path, number: int = 9, **settings: Any) -> list[Trial]:
    return [trial(out, seed, **{"device": "auto"} | settings) for seed in range(1, number + 1)]


@pytest.mark.parametrize(
    ("number", "cores", "free", "cost", "fitting", "why"),
    [
        (3, 8, 100, Cost(1.0, GB), 3, "all that are left"),
        (9, 4, 100, Cost(1.0, GB), 4, "more do not fit the 4 cores"),
        (9, 8, 10, Cost(1.0, 3 * GB), 3, "more do not fit the 10.0 GB of memory that are free"),
        (9, 8, 1, Cost(1.0, 3 * GB), 1, "more do not fit the 1.0 GB of memory that are free"),
        (9, 8, 10, None, 4, "more do not fit the 10.0 GB of memory that are free"),  # 1.4 + 0.6 each
    ],
)
def test_as_many_as_fit_cores_and_memory(
    tmp_path: Path, machine: Any, number: int, cores: int, free: float, cost: Cost | None, fitting: int, why: str
) -> None:
    machine.cores, machine.free = cores, free
    made = runs(tmp_path, number, device="cpu")
    assert slots(made, cost) == Slots(fitting, why, {})


def test_memory_and_cores_are_those_of_the_largest_run(tmp_path: Path, machine: Any) -> None:
    machine.free = 10
    small = runs(tmp_path, 8, device="cpu")
    cost = Cost(1.0, 1_600_000_000)
    assert slots(small, cost).number == 5  # of 9 GB, 1.6 each
    assert slots([*small, *runs(tmp_path, 1, device="cpu", frames=240)], cost).number == 2  # 1.8 GB more: 3.4 each
    many = runs(tmp_path, 1, device="cpu", num_envs=4, parallel_envs=True)
    assert slots([*small, *many], Cost(1.0, 1)).number == 2
    assert slots(runs(tmp_path, 1, device="cpu", threads=0), Cost(1.0, 1)).number == 1


def test_the_memory_of_each_gpu_decides_how_many_runs_it_takes(tmp_path: Path, machine: Any) -> None:
    machine.gpus = [10.0]
    fitting = slots(runs(tmp_path), Cost(1.0, GB, device_bytes=4 * GB))
    assert (fitting.number, fitting.gpus) == (2, {"": 2})
    assert fitting.why == (
        f"more do not fit the GPU: 10.0 GB are free, and a run takes 4.0 ({CUDA:.1f} of CUDA, 0.0 stored, "
        f"{4 - CUDA:.1f} of networks and activations)"
    )
    machine.gpus = [10.0, 5.0, 1.0]
    fitting = slots(runs(tmp_path), Cost(1.0, GB, device_bytes=4 * GB))
    assert (fitting.number, fitting.gpus) == (3, {"0": 2, "1": 1, "2": 0})
    assert fitting.why.startswith("more do not fit the 3 GPUs: 10.0 and 5.0 and 1.0 GB are free")


def test_a_replay_counts_where_it_lies(tmp_path: Path, machine: Any) -> None:
    machine.gpus, machine.on = [20.0], "cuda"
    small = runs(tmp_path, 8)
    assert slots(small, Cost(1.0, GB, device_bytes=4 * GB)).number == 4  # of 18 GB; their 0.6 are in the 4
    larger = [*small, *runs(tmp_path, 1, frames=360)]  # 3 GB more of the GPU, none of the machine's memory
    machine.free = 8
    assert slots(larger, Cost(1.0, GB, device_bytes=4 * GB)).number == 2  # of 7 each
    machine.on, machine.free = "cpu", 100
    assert slots(larger, Cost(1.0, GB, device_bytes=4 * GB)).number == 4


def test_what_was_not_measured_is_estimated(tmp_path: Path, machine: Any) -> None:
    assert estimate(5, None) == Cost(0.0, module.PROCESS_BYTES + 5)
    assert estimate(0, 7) == Cost(0.0, module.PROCESS_BYTES, CUDA_BYTES + module.NETWORK_BYTES + 7)
    machine.gpus, machine.on = [20.0], "cuda"
    fitting = slots(runs(tmp_path), None)
    assert fitting.number == 3  # of 18 GB: 1.1 + 4.3 + 0.6 each
    assert f"({CUDA:.1f} of CUDA, 0.6 stored, 4.3 of networks and activations)" in fitting.why


def test_runs_are_spread_over_gpus_unless_they_name_theirs(
    tmp_path: Path, machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = runs(tmp_path, 1)
    assert gpus_of(made) == {}
    machine.gpus = [1.0]
    assert gpus_of(made) == {"": torch.device("cuda")}
    machine.gpus = [1.0, 1.0]
    assert gpus_of(made) == {"0": torch.device("cuda", 0), "1": torch.device("cuda", 1)}
    assert gpus_of(runs(tmp_path, 1, device="cuda:1")) == {"": torch.device("cuda", 1)}
    assert gpus_of(runs(tmp_path, 1, device="cpu")) == {}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    assert gpus_of(made) == {"4": torch.device("cuda", 0), "7": torch.device("cuda", 1)}


def test_a_run_starts_where_most_more_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def launch(folder: Path, log: Any, variables: dict[str, str], ranks: int) -> SimpleNamespace:
        begun.append(variables.get("CUDA_VISIBLE_DEVICES", ""))
        return SimpleNamespace(pid=len(begun), poll=lambda: 0)

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(local, "launch", launch)
    engine = Local(tmp_path, {"0": 3, "1": 1})
    handles = [engine.start(made) for made in runs(tmp_path, 4)]
    assert begun == ["0", "0", "0", "1"] or begun == ["0", "0", "1", "0"]
    engine.poll(handles[begun.index("1")])
    engine.start(runs(tmp_path, 1)[0])
    assert begun[-1] == "1"
    Local(tmp_path, {}).start(runs(tmp_path, 1)[0])
    assert begun[-1] == ""


def test_mps_is_recommended_where_runs_share_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.device, "mps_runs", lambda: False)
    assert "nvidia-cuda-mps-control -d" in mps_advice(sharing=True)
    assert mps_advice(sharing=False) == ""
    monkeypatch.setattr(module.device, "mps_runs", lambda: True)
    assert mps_advice(sharing=True) == ""


@pytest.mark.parametrize(
    ("engine", "number", "gpus", "part", "shared"),
    [
        ("local", 2, {"": 3}, None, True),
        ("local", 1, {"": 3}, None, False),
        ("local", 2, {"0": 1, "1": 1}, None, False),
        ("local", 8, {}, None, False),
        ("ray", 8, {"": 8}, None, False),
        ("ray", 8, {"": 8}, 1.0, False),
        ("ray", 8, {}, 0.2, True),
        ("ray", 8, {}, 0.0, False),
    ],
)
def test_whether_runs_share_a_gpu(
    engine: str, number: int, gpus: dict[str, int], part: float | None, shared: bool
) -> None:
    options = Options(Path(), engine=engine, gpus=part)
    assert ENGINES[engine].shares_gpus(Slots(number, "", gpus), options) is shared


def test_a_cluster_runs_as_many_as_its_cores_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "Cluster", lambda options, cpus: SimpleNamespace(cpus=12, given=cpus))
    made, fitting = runs(tmp_path, 3, threads=2, device="cpu"), Slots(4, "all", {})
    engine, there = ray.make(made, fitting, Options(tmp_path, address="auto"))
    assert (engine.given, there.number, there.why) == (8, 6, "more do not fit the 12 cores of the cluster")
    assert ray.make(made, fitting, Options(tmp_path))[1] == fitting
    assert ray.make(made, fitting, Options(tmp_path, address="auto", workers=4))[1] == fitting
