"""Sweeps of IMPALA: each run has processes of its own, for which there must be cores."""

import dataclasses
import importlib.util
from pathlib import Path

import pytest

from rad import cli
from rad.experiment.algorithms.impala import IMPALARun
from rad.experiment.config import values
from rad.settings import flag_name
from rad.sweep.engines import ray as engine
from rad.training import measure
from rad.training.trainer import start
from tests.integration.runs import rows, same, tiny_impala, weights

NEEDS_RAY = pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="the extra cluster is not installed")


def flags_of(config: IMPALARun) -> list[str]:
    """Return the flags of a run but for those that a sweep sets, and what is not given by a value."""
    own = {"task", "augment", "seed", "out", "preset", "address"}
    typed = {name: value for name, value in values(config).items() if name not in own}
    words = [f"{flag_name(name)}={value}" for name, value in typed.items() if not isinstance(value, bool | tuple)]
    return [word for word in words if not word.endswith("=")]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "alone"
    assert start(tiny_impala(actors=2), folder) == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["local", pytest.param("ray", marks=NEEDS_RAY)])
def test_a_run_of_a_sweep_has_its_actors_and_ends_as_alone(
    alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    cores: list[int] = []
    monkeypatch.setattr(engine, "cores_of", lambda config: cores.append(measure.cores_of(config)) or cores[-1])
    words = ["ablate", "--algo", "impala", "--task", "probe/both-discrete", "--augment", "none", "--no-tensorboard"]
    how = ["--engine", name, "--workers", "1", "--no-measure", "--out", str(tmp_path / "sweep")]
    assert cli.main([*words, *flags_of(tiny_impala(actors=2)), *how]) == 0
    folder = tmp_path / "sweep" / "probe-both-discrete" / "none" / "seed-1"
    assert rows(folder) == rows(alone)
    assert same(weights(folder), weights(alone))
    assert set(cores) == ({3} if name == "ray" else set())


@pytest.mark.parametrize(("actors", "cores"), [(0, 1), (1, 2), (4, 5)])
def test_a_run_takes_a_core_for_each_actor_and_those_of_its_learner(actors: int, cores: int) -> None:
    config = tiny_impala(actors=actors)
    assert measure.cores_of(config) == cores
    assert measure.cores_of(dataclasses.replace(config, threads=2, eval_workers=1)) == cores + 2
    if actors:
        assert measure.cores_of(dataclasses.replace(config, address="auto")) == 1


@pytest.mark.slow
def test_actors_count_in_the_memory_that_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure.device, "tune_allocator", lambda: True)
    alone, helped = (measure.measure(tiny_impala(actors=actors)) for actors in (0, 1))
    assert helped.frames_per_s > 0 and helped.bytes > alone.bytes + 50_000_000
