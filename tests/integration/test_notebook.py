"""The notebook of the docs: how it is stored, and a run of all its cells on small numbers."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.notebook_page import NOTEBOOK, outputs, pictures

MOST_BYTES = 500_000  # with its pictures
SMALL = {"FRAMES": "4200", "EPISODES": "1", "STATES": "2"}  # 4,000 frames are the preset's warmup
BIN = Path(sys.executable).parent


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def parameters(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the cell that sets the sizes of all others."""
    (cell,) = (cell for cell in cells(notebook) if "parameters" in cell["metadata"].get("tags", ()))
    return cell


def check_what_it_shows(notebook: dict[str, Any]) -> None:
    """Check pictures and texts of each step's outputs."""
    text = "".join("".join(output.get("text", "")) for output in outputs(notebook))
    for word in ("random policy: mean return", "video-easy", "retention", "hires_cam"):
        assert word in text
    assert len(pictures(notebook, "")) == 2
    assert not [output for output in outputs(notebook) if output["output_type"] == "error"]


def test_it_is_stored_small_and_with_the_outputs_of_a_whole_run_or_none() -> None:
    notebook = read(NOTEBOOK)
    ran = [cell["execution_count"] for cell in cells(notebook)]
    if any(outputs(notebook)):
        assert ran == list(range(1, len(ran) + 1))
        check_what_it_shows(notebook)
    else:
        assert set(ran) == {None}
    assert NOTEBOOK.stat().st_size < MOST_BYTES


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("nbclient", "ipykernel", "dm_control")),
    reason="needs the extras dev and dmc",
)
def test_it_runs(tmp_path: Path) -> None:
    """From its first cell to its last, in a folder of its own, as `jupyter execute` does."""
    notebook, path = read(NOTEBOOK), tmp_path / NOTEBOOK.name
    for cell in cells(notebook):
        cell["outputs"] = []
    parameters(notebook)["source"] = f"import os\n\nos.environ |= {SMALL}"
    path.write_text(json.dumps(notebook))
    jupyter = {"IPYTHONDIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path), "JUPYTER_PLATFORM_DIRS": "1"}
    there = os.environ | jupyter | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    command = [BIN / "jupyter-execute", "--inplace", path]
    done = subprocess.run(command, env=there, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    check_what_it_shows(read(path))
    assert (tmp_path / "runs" / "first-hour" / "done.json").exists()
