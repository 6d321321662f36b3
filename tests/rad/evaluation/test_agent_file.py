"""Files of agents: what is written is read, and nothing else is."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rad import cli
from rad.evaluation import agent_file

CARD = {
    **{"task": "probe/both", "preset": "rad", "seed": 3, "commit": "c0ffee", "frames": 60},
    **{"config": {"augment": "crop"}, "returns": {}},
}
WEIGHTS: agent_file.Weights = {
    "encoder": {"convs.0.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)},
    "actor": {"log_std": np.array(0.5, np.float32), "steps": np.array(7)},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    agent_file.write(tmp_path / "a.safetensors", CARD, WEIGHTS)
    return tmp_path / "a.safetensors"


def test_what_was_written_is_read(path: Path) -> None:
    card, weights = agent_file.read(path)
    assert card == CARD and weights.keys() == WEIGHTS.keys()
    for network, of in WEIGHTS.items():
        for name, value in of.items():
            np.testing.assert_array_equal(weights[network][name], value)
            assert weights[network][name].dtype == value.dtype


def header(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def put(path: Path, head: dict[str, Any], body: bytes) -> None:
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def refused(path: Path) -> str:
    with pytest.raises(ValueError, match=f"^{path} ") as caught:
        agent_file.read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_changed_weight_is_seen(path: Path, place: int) -> None:
    head, body = header(path)
    changed = bytearray(body)
    changed[place] ^= 1
    put(path, head, bytes(changed))
    assert "damaged: its contents do not match their SHA-256" in refused(path)


def test_a_changed_card_is_seen(path: Path) -> None:
    head, body = header(path)
    head["__metadata__"]["card"] = head["__metadata__"]["card"].replace("60", "61")
    put(path, head, body)
    assert "do not match their SHA-256" in refused(path)


def test_weights_that_changed_their_names_or_shapes_are_seen(path: Path) -> None:
    head, body = header(path)
    name = "encoder.convs.0.weight"
    put(path, {**head, name: head[name] | {"shape": [2, 4, 3]}}, body)
    assert "do not match their SHA-256" in refused(path)
    put(path, {key.replace("encoder", "decoder"): value for key, value in head.items()}, body)
    assert "do not match their SHA-256" in refused(path)


@pytest.mark.parametrize("content", [b"", b"text", b"\x80\x04K\x01.", struct.pack("<Q", 2**60) + b"{}"])
def test_something_else_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refused(path) == f"{path} is damaged, or no file of rad export"


def test_half_a_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4])
    assert "damaged, or no file of rad export" in refused(path)


def test_weights_of_another_library_are_refused(path: Path) -> None:
    head, body = header(path)
    head.pop("__metadata__")
    put(path, head, body)
    assert "is no file of rad export: its format must be rad-agent-1, is not named" in refused(path)


def test_the_zoo_lists_what_is_whole_and_what_is_not(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"mean": 507.1, "interval": [480.0, 534.2], "episodes": 10}
    agent_file.write(tmp_path / "b.safetensors", CARD | {"returns": {"train": scores}}, WEIGHTS)
    assert cli.main(["zoo", str(tmp_path)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "file task method commit frames split return [95 %] episodes MB SHA-256",
        "a.safetensors probe/both rad, crop, seed 3 c0ffee 60 <0.1 holds",
        "b.safetensors probe/both rad, crop, seed 3 c0ffee 60 train 507.1 [480.0, 534.2] 10 <0.1 holds",
    ]
    path.write_bytes(b"text")
    assert cli.main(["zoo", str(tmp_path)]) == 1
    assert "is damaged, or no file of rad export" in capsys.readouterr().out


def test_the_zoo_lists_what_cannot_be_opened(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "link.safetensors").symlink_to(tmp_path / "nowhere")
    assert cli.main(["zoo", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert all(name in out for name in ("a.safetensors", "folder.safetensors", "link.safetensors"))
