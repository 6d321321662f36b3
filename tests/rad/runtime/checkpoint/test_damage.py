"""Damage of every kind: a load gives a whole checkpoint and warns, or raises the one typed error."""

import hashlib
import json
import random
import shutil

import numpy as np
import pytest
import torch

from rad.runtime import checkpoint
from rad.runtime.checkpoint import HEAD, MIDDLE, TAIL, CheckpointError, blobs, packing
from tests.rad.runtime.checkpoint.nested import same


def state_of(frames):
    noise = np.random.default_rng(frames)
    return {
        "weights": torch.from_numpy(noise.standard_normal((40, 30))),
        "small": [torch.full((5,), frames), True, None, 0.1 * frames],
        "optimizer": {0: {"step": frames, "betas": (0.9, 0.999)}},
    }


STATES = {10: state_of(10), 20: state_of(20)}
NEWEST, OLDEST = "000000000020.json", "000000000010.json"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "PIECE_BYTES", 4096)
        patch.setattr(blobs, "PIECE_BYTES", 4096)
        patch.setattr(blobs, "SMALL_BYTES", 512)
        for frames, state in STATES.items():
            checkpoint.save(folder, frames, state)
    return folder


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "run")


def blobs_of(folder, name):
    return [folder / "blobs" / blob for blob, _ in json.loads((folder / name).read_text())["manifest"]["blobs"]]


def falls_back(folder, reason):
    with pytest.warns(RuntimeWarning, match=f"damaged, going back to {OLDEST}: {NEWEST}: .*{reason}"):
        frames, state = checkpoint.load(folder)
    assert frames == 10 and same(state, STATES[10])


def flip(path, bit):
    data = bytearray(path.read_bytes())
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    path.write_bytes(data)


def seal(path, body):
    path.write_bytes(HEAD + hashlib.sha256(body).hexdigest().encode() + MIDDLE + body + TAIL)


def change(path, **changes):
    seal(path, json.dumps(json.loads(path.read_text())["manifest"] | changes).encode())


def test_undamaged(folder):
    frames, state = checkpoint.load(folder)
    assert frames == 20 and same(state, STATES[20])


@pytest.mark.parametrize("which", [0, -1])
def test_a_flipped_bit_in_a_blob(folder, which):
    flip(blobs_of(folder, NEWEST)[which], 1000)
    falls_back(folder, "contents that do not match its SHA-256")


def test_a_cut_blob(folder):
    path = blobs_of(folder, NEWEST)[0]
    path.write_bytes(path.read_bytes()[:-1])
    falls_back(folder, f"blob {path.name} has [0-9]+ bytes instead of")


def test_an_absent_blob(folder):
    path = blobs_of(folder, NEWEST)[0]
    path.unlink()
    falls_back(folder, f"blob {path.name} is missing")


def test_exchanged_blobs(folder):
    first, second = blobs_of(folder, NEWEST)[:2]
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    falls_back(folder, "blob")


def test_exchanged_manifests(folder):
    (folder / NEWEST).write_bytes((folder / OLDEST).read_bytes())
    falls_back(folder, "is the manifest of frame 10")


@pytest.mark.parametrize("data", [b"", b"{}", b"\x00" * 4096, b"[" * 100_000, b'{"sha256": "'])
def test_a_garbled_manifest(folder, data):
    (folder / NEWEST).write_bytes(data)
    falls_back(folder, "contents do not match the SHA-256 of the manifest")


def test_a_manifest_that_is_a_folder(folder):
    (folder / NEWEST).unlink()
    (folder / NEWEST).mkdir()
    falls_back(folder, "cannot read")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"[" * 100_000, b'{"schema": 1, "frames": 20, "made_with": 3}']
)
def test_a_sealed_manifest_without_sense(folder, body):
    seal(folder / NEWEST, body)
    falls_back(folder, "malformed")


def tensor(**changes):
    return {"tensor": {"dtype": "uint8", "shape": [4], "pieces": [[0, 0, 4]]} | changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"blobs": [["../../../../etc/passwd", 5]]},
        {"blobs": [["../" + "0" * 61, 5]]},
        {"blobs": [[3, 4]]},
        {"blobs": None},
        {"state": {"exec": "import os"}},
        {"state": tensor(shape=[10**14])},
        {"state": tensor(pieces=[[0, 10**9, 4]])},
        {"state": tensor(pieces=[[99, 0, 4]])},
        {"state": tensor(pieces=[["0", 0, 4]])},
        {"state": tensor(shape="four")},
        {"state": tensor(dtype=[])},
    ],
)
def test_a_sealed_manifest_that_asks_for_something_else(folder, changes):
    change(folder / NEWEST, **changes)
    falls_back(folder, "malformed")


def test_a_later_schema_is_refused_and_not_passed_over(folder):
    manifest = json.loads((folder / NEWEST).read_text())["manifest"]
    change(folder / NEWEST, schema=2, made_with=manifest["made_with"] | {"rad-rl": "9.9"})
    with pytest.raises(CheckpointError, match=r"was written by rad-rl 9\.9, needs checkpoint schema 2; this version"):
        checkpoint.load(folder)


def test_all_damaged_names_each(folder):
    blobs_of(folder, OLDEST)[0].unlink()
    (folder / NEWEST).write_bytes(b"x")
    with pytest.raises(CheckpointError, match=f"^no whole checkpoint in .*: {NEWEST}: .*; {OLDEST}: blob .* missing"):
        checkpoint.load(folder)


def test_differences_pass_over_a_damaged_manifest(folder):
    (folder / NEWEST).write_bytes(b"x")
    assert checkpoint.differences(folder) == []


def test_after_going_back_the_run_saves_and_loads_as_ever(folder):
    flip(blobs_of(folder, NEWEST)[0], 5)
    falls_back(folder, "SHA-256")
    checkpoint.save(folder, 15, state_of(15), keep=1)
    assert not (folder / NEWEST).exists()
    assert checkpoint.load(folder)[0] == 15
    checkpoint.save(folder, 20, STATES[20])  # has the contents of the damaged blob again
    frames, state = checkpoint.load(folder)
    assert frames == 20 and same(state, STATES[20])


def mutate(folder, source):
    """Damage one file in one of many ways; returns what was done."""
    path = source.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    data = bytearray(path.read_bytes())
    position = source.randrange(len(data))
    kind = source.choice(["flip", "cut", "zeros", "remove", "append", "exchange"])
    if kind == "flip":
        data[position] ^= 1 << source.randrange(8)
    elif kind == "cut":
        del data[position:]
    elif kind == "zeros":
        data[position : position + 512] = bytes(len(data[position : position + 512]))
    elif kind == "append":
        data += b"\x00"
    elif kind == "exchange":
        data = bytearray(source.choice(sorted(p for p in folder.rglob("*") if p.is_file())).read_bytes())
    path.write_bytes(data)
    if kind == "remove":
        path.unlink()
    return kind, path.name, position


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:damaged, going back:RuntimeWarning")
def test_random_damage_never_gives_a_wrong_state(whole, tmp_path):
    source = random.Random(0)
    outcomes = {"whole": 0, "refused": 0}
    for number in range(400):
        folder = shutil.copytree(whole, tmp_path / str(number))
        done = [mutate(folder, source) for _ in range(source.randint(1, 3))]
        try:
            frames, state = checkpoint.load(folder)
        except CheckpointError:
            outcomes["refused"] += 1
        else:
            assert same(state, STATES[frames]), done
            outcomes["whole"] += 1
        shutil.rmtree(folder)
    assert min(outcomes.values()) > 40, outcomes
