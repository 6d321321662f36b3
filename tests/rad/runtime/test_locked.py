import subprocess
import sys
from pathlib import Path

import pytest

from rad import cli
from rad.runtime.files import locked
from tests.rad.sweep.trials import leave, trial

HOLD = """
import pathlib, sys
from rad.runtime.files import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def test_a_file_is_held_by_one_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with locked(path), pytest.raises(BlockingIOError, match=f"^{tmp_path} is in use by another process$"), locked(path):
        pass
    with locked(path):
        pass


def test_the_end_of_a_process_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), locked(path):
            pass
        process.kill()
        process.wait()
    with locked(path):
        pass


def test_two_processes_do_not_work_on_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = trial(tmp_path)
    leave(made, 30)
    before = (made.folder / "metrics.jsonl").read_text()
    with locked(made.folder / "config.json"):
        assert cli.main(["train", "--resume", str(made.folder)]) == 2
    assert capsys.readouterr().err == f"error: {made.folder} is in use by another process\n"
    assert (made.folder / "metrics.jsonl").read_text() == before
