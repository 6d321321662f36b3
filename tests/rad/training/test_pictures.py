"""Pictures are made by the command after training, and made again by `rad draw`."""

import subprocess
import sys
from pathlib import Path

import pytest

from rad import cli
from rad.runtime.run_dir import ATTENTION_PICTURE, CURVE_FILE, DONE_FILE, VIDEO_FILE
from rad.training.messages import closing
from rad.training.pictures import PICTURES, draw
from rad.training.trainer import resume, start
from tests.integration.runs import run_until, tiny

FILES = (VIDEO_FILE, ATTENTION_PICTURE, CURVE_FILE)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.mark.slow
def test_pictures_made_again_are_those_of_the_end_of_training(tmp_path: Path) -> None:
    run = tmp_path / "run"
    start(tiny(frames=30), run, PICTURES)
    made = contents(run)
    for name in FILES:
        (run / name).unlink()
    assert cli.main(["draw", str(run)]) == 0
    assert contents(run) == made


@pytest.mark.slow
def test_training_alone_draws_nothing_and_says_how_to(tmp_path: Path) -> None:
    start(tiny(frames=30), tmp_path / "run")
    assert (tmp_path / "run" / DONE_FILE).exists()
    assert not any((tmp_path / "run" / name).exists() for name in FILES)
    assert f"rad draw {tmp_path / 'run'}" in closing(tmp_path / "run")
    draw(tmp_path / "run", lambda text: None)
    assert "rad draw" not in closing(tmp_path / "run")


def test_a_picture_that_fails_does_not_undo_the_run(tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        start(tiny(frames=30), tmp_path / "run", {"video": fail})
    assert resume(tmp_path / "run") == 0


def test_a_run_that_has_not_ended_is_not_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_until(tiny(checkpoint_every=10), tmp_path / "run", 33)
    assert cli.main(["draw", str(tmp_path / "run")]) == 2
    said = f"error: {tmp_path / 'run'} has not reached its 60 frames; resume it before it is drawn\n"
    assert capsys.readouterr().err == said


@pytest.mark.slow
def test_training_imports_neither_matplotlib_nor_attention() -> None:
    drawing = {"matplotlib", "rad.attention", "rad.training.pictures"}
    code = f"import sys, rad.training.trainer; assert not {drawing} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
