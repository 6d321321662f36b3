"""IMPALA with actors on a real instance of Ray on this machine."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from rad.training.trainer import Trainer, resume, start
from tests.integration.runs import rows, run_until, same, tiny_impala, weights

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="the extra cluster is not installed"),
]
ACTORS, TOGETHER = 4, 12


def test_one_of_four_actors_is_killed_and_the_run_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import ray

    class Bereaved(Trainer):
        def record(self, report: Any, episodes: Any) -> None:
            super().record(report, episodes)
            if report.agent_steps == 5 * TOGETHER:
                pool: Any = self.learning.buffer
                ray.kill(pool._queue[1].handle.actor)

    config = tiny_impala(actors=ACTORS, address="local", frames=16 * TOGETHER, checkpoint_every=0)
    (tmp_path / "run").mkdir()
    with Bereaved(config, tmp_path / "run") as trainer:
        assert trainer.run() == 0
    logged = [row for row in rows(tmp_path / "run") if row["kind"] == "train"]
    assert logged[-1]["frames"] == 16 * TOGETHER
    assert (logged[0]["actors_lost"], logged[-1]["actors_lost"]) == (0, 1)
    assert max(row["lag"] for row in logged) == ACTORS
    assert "was lost (Ray: ActorDiedError); actor 4 takes its place" in capsys.readouterr().out
    assert not ray.is_initialized()


def test_where_actors_act_changes_nothing_and_a_resume_neither(tmp_path: Path) -> None:
    here = tiny_impala(actors=2, augment="grayscale:p=0.5")
    there = tiny_impala(actors=2, augment="grayscale:p=0.5", address="local")
    start(here, tmp_path / "here")
    run_until(there, tmp_path / "there", 3 * TOGETHER)
    assert resume(tmp_path / "there") == 0
    assert rows(tmp_path / "there") == rows(tmp_path / "here")
    assert same(weights(tmp_path / "there"), weights(tmp_path / "here"))
