"""A run that has lost its checkpoints is not trained anew in silence; one that never had any may begin anew."""

from pathlib import Path

import pytest

from rad.runtime import checkpoint
from rad.runtime.logging import RunLog
from rad.runtime.run_dir import CHECKPOINTS, CURVE_FILE, METRICS_FILE
from rad.training.resuming import check_checkpoints, first_checkpoint
from tests.integration.runs import tiny


def write(folder: Path, *rows: tuple[str, int]) -> None:
    log = RunLog(folder, tensorboard=False)
    for kind, frames in rows:
        log.write(kind, {}, frames=frames, agent_steps=frames)
    log.close()


def test_a_run_that_never_began(tmp_path: Path) -> None:
    check_checkpoints(tiny(), tmp_path)
    write(tmp_path)
    check_checkpoints(tiny(), tmp_path)


@pytest.mark.parametrize(("every", "frames"), [(20, 19), (20, 20), (0, 59), (0, 60), (90, 60), (7, 8)])
def test_a_run_that_was_killed_before_its_first_checkpoint(tmp_path: Path, every: int, frames: int) -> None:
    write(tmp_path, ("baseline", 0), ("eval", min(frames, 20)), ("train", frames))
    check_checkpoints(tiny(checkpoint_every=every, num_envs=2), tmp_path)


@pytest.mark.parametrize(
    ("every", "rows"),
    [
        (20, [("train", 20), ("episode", 22)]),
        (7, [("train", 10)]),
        (0, [("train", 60), ("eval", 60)]),
        (90, [("eval/test", 60)]),
    ],
)
def test_a_run_with_metrics_from_after_a_checkpoint_has_lost_it(
    tmp_path: Path, every: int, rows: list[tuple[str, int]]
) -> None:
    write(tmp_path, *rows)
    with pytest.raises(ValueError, match=rf"^{tmp_path} was trained for {rows[-1][1]} frames, but its checkpoints are"):
        check_checkpoints(tiny(checkpoint_every=every, num_envs=2), tmp_path)
    checkpoint.save(tmp_path / CHECKPOINTS, 20, {})
    check_checkpoints(tiny(checkpoint_every=every), tmp_path)


def test_a_finished_run_of_any_length_has_lost_it_until_its_metrics_are_removed(tmp_path: Path) -> None:
    write(tmp_path, ("baseline", 0))
    (tmp_path / CURVE_FILE).touch()
    with pytest.raises(ValueError, match=f"or remove {tmp_path / METRICS_FILE} to train it anew"):
        check_checkpoints(tiny(), tmp_path)
    (tmp_path / METRICS_FILE).unlink()
    check_checkpoints(tiny(), tmp_path)


@pytest.mark.parametrize(
    ("every", "repeat", "envs", "frames"),
    [(20, 1, 1, 20), (20, 8, 1, 24), (20, 4, 2, 24), (0, 1, 1, 60), (100, 8, 1, 64)],
)
def test_the_first_checkpoint(every: int, repeat: int, envs: int, frames: int) -> None:
    assert first_checkpoint(tiny(checkpoint_every=every, action_repeat=repeat, num_envs=envs)) == frames
