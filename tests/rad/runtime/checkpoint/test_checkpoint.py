import errno
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from rad.runtime import checkpoint
from rad.runtime.checkpoint import CheckpointError, blobs, packing
from tests.rad.runtime.checkpoint.nested import same, states


def blob_files(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "blobs").iterdir()}


def manifests(folder):
    return sorted(path.name for path in folder.glob("*.json"))


def stray(folder):
    return [path for path in folder.rglob(".tmp-*")]


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(packing, "PIECE_BYTES", 1024)
    monkeypatch.setattr(blobs, "PIECE_BYTES", 1024)
    monkeypatch.setattr(blobs, "SMALL_BYTES", 128)


@settings(max_examples=30, deadline=None)
@given(states())
@pytest.mark.slow
def test_a_state_comes_back_equal(tmp_path_factory, state):
    folder = tmp_path_factory.mktemp("run") / "new"
    assert not checkpoint.exists(folder)
    path = checkpoint.save(folder, 12, state)
    assert path.name == "000000000012.json" and checkpoint.exists(folder)
    frames, loaded = checkpoint.load(folder)
    assert frames == 12 and same(loaded, state)


def test_arrays_in_several_pieces_come_back_equal(tmp_path, small_pieces):
    state = {
        "large": torch.arange(10_000, dtype=torch.int16).reshape(100, 100),
        "strided": torch.arange(6_000).reshape(3, 50, 40).transpose(0, 1),
        "small": [np.full(3, n) for n in range(200)],
        "zeros": np.zeros(5_000),
    }
    checkpoint.save(tmp_path, 1, state)
    loaded = checkpoint.load(tmp_path)[1]
    state["strided"] = state["strided"].contiguous()
    assert same(loaded, state)


def test_the_newest_counts_and_the_oldest_go(tmp_path):
    for frames in (5, 10, 20, 100):
        checkpoint.save(tmp_path, frames, {"x": torch.tensor(frames)}, keep=2)
    assert manifests(tmp_path) == ["000000000020.json", "000000000100.json"]
    assert len(blob_files(tmp_path)) == 2
    assert checkpoint.load(tmp_path) == (100, {"x": torch.tensor(100)})


def test_the_same_frames_again_replace_the_checkpoint(tmp_path):
    checkpoint.save(tmp_path, 5, {"x": 1})
    checkpoint.save(tmp_path, 5, {"x": 2})
    assert checkpoint.load(tmp_path) == (5, {"x": 2}) and len(manifests(tmp_path)) == 1


def test_a_history_that_was_given_up_goes(tmp_path):
    for frames in (10, 20, 30, 15):
        checkpoint.save(tmp_path, frames, {"x": frames}, keep=3)
    assert manifests(tmp_path) == ["000000000010.json", "000000000015.json"]
    assert checkpoint.load(tmp_path) == (15, {"x": 15})


def test_growing_data_writes_what_is_new(tmp_path, small_pieces):
    data = np.random.default_rng(0).integers(0, 256, size=(400, 64), dtype=np.uint8)  # 16 rows a piece
    checkpoint.save(tmp_path, 1, {"frames": data[:160]})
    first = blob_files(tmp_path)
    checkpoint.save(tmp_path, 2, {"frames": data[:208]})
    second = blob_files(tmp_path)
    assert len(first) == 10 and len(second) == 13
    assert {name: second[name] for name in first} == first
    assert same(checkpoint.load(tmp_path)[1]["frames"], data[:208])


def test_an_overwritten_row_of_a_ring_writes_its_piece_only(tmp_path, small_pieces):
    data = np.random.default_rng(0).integers(0, 256, size=(160, 64), dtype=np.uint8)
    checkpoint.save(tmp_path, 1, {"frames": data}, keep=1)
    first = blob_files(tmp_path)
    data[40] += 1
    checkpoint.save(tmp_path, 2, {"frames": data}, keep=1)
    second = blob_files(tmp_path)
    assert len(second) == 10 and len(second.items() & first.items()) == 9


def test_equal_state_writes_no_blob(tmp_path):
    state = {"a": torch.ones(3), "b": np.arange(4)}
    checkpoint.save(tmp_path, 1, state)
    first = blob_files(tmp_path)
    checkpoint.save(tmp_path, 2, state)
    assert blob_files(tmp_path) == first


def test_the_manifest_is_json_and_says_what_made_it(tmp_path):
    path = checkpoint.save(tmp_path, 1, {"x": float("nan")})
    manifest = json.loads(path.read_text(), parse_constant=pytest.fail)["manifest"]
    made_with = manifest["made_with"]
    assert made_with["torch"] == torch.__version__ and made_with["numpy"] == np.__version__
    assert made_with["num_threads"] == torch.get_num_threads()
    assert manifest["created"].endswith("+00:00") and manifest["schema"] == 1


def test_differences_name_what_changed(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, 1, {})
    assert checkpoint.differences(tmp_path) == []
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    assert checkpoint.differences(tmp_path) == [f"num_threads: {threads} then, {threads + 1} now"]


def test_no_checkpoint(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        assert not checkpoint.exists(folder)
        with pytest.raises(CheckpointError, match=r"^no checkpoint in"):
            checkpoint.load(folder)
        with pytest.raises(CheckpointError, match=r"^no readable checkpoint in"):
            checkpoint.differences(folder)


def test_other_files_are_left_alone(tmp_path):
    (tmp_path / "notes.json").write_text("mine")
    checkpoint.save(tmp_path, 1, {})
    checkpoint.save(tmp_path, 2, {}, keep=1)
    assert (tmp_path / "notes.json").read_text() == "mine"
    assert checkpoint.load(tmp_path)[0] == 2


@pytest.mark.parametrize(("frames", "keep", "name"), [(-1, 1, "frames"), (10**12, 1, "frames"), (1, 0, "keep")])
def test_numbers_out_of_range_are_refused(tmp_path, frames, keep, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        checkpoint.save(tmp_path, frames, {}, keep=keep)
    assert list(tmp_path.iterdir()) == []


def test_a_state_that_cannot_be_stored_leaves_nothing(tmp_path, small_pieces):
    checkpoint.save(tmp_path, 1, {"x": torch.ones(500)})
    before = blob_files(tmp_path)
    with pytest.raises(TypeError, match=r"state\['bad'\] is a set"):
        checkpoint.save(tmp_path, 2, {"x": torch.zeros(500), "bad": set()})
    assert blob_files(tmp_path) == before and manifests(tmp_path) == ["000000000001.json"]


def test_what_a_killed_writer_left_is_swept(tmp_path):
    checkpoint.save(tmp_path, 1, {"x": torch.ones(5)})
    used = set(blob_files(tmp_path))
    for path in (
        tmp_path / ".tmp-7-x.json",
        tmp_path / "blobs" / ".tmp-7-y",
        tmp_path / "blobs" / ("0" * 64),
    ):
        path.write_bytes(b"left")
    checkpoint.save(tmp_path, 2, {"x": torch.ones(5)})
    assert stray(tmp_path) == [] and set(blob_files(tmp_path)) == used


def test_left_overs_go_before_anything_is_written(tmp_path, monkeypatch):
    # they may be what fills the disk
    checkpoint.save(tmp_path, 1, {})
    left = tmp_path / "blobs" / ("0" * 64)
    left.write_bytes(b"left")
    real, seen = os.fsync, []
    monkeypatch.setattr(os, "fsync", lambda descriptor: (seen.append(left.exists()), real(descriptor)))
    checkpoint.save(tmp_path, 2, {})
    assert seen and not any(seen)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads the names of open files from /proc")
def test_each_thing_is_durable_before_the_next_relies_on_it(tmp_path, monkeypatch):
    old_path = checkpoint.save(tmp_path, 1, {"x": torch.zeros(9)})
    (old_blob,) = blob_files(tmp_path)
    events, fsync, replace, unlink = [], os.fsync, os.replace, Path.unlink

    def record(what, path):
        events.append(f"{what} {Path(path).relative_to(tmp_path)}")

    def record_fsync(descriptor):
        record("sync", os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    def record_replace(source, target):
        record("name", target)
        replace(source, target)

    def record_unlink(path, missing_ok=False):
        if path.exists():
            record("remove", path)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    monkeypatch.setattr(Path, "unlink", record_unlink)
    path = checkpoint.save(tmp_path, 2, {"x": torch.ones(9)}, keep=1)
    (blob,) = blob_files(tmp_path)
    assert events == [
        f"sync blobs/.tmp-{os.getpid()}-{blob}",
        f"name blobs/{blob}",
        "sync blobs",
        f"sync .tmp-{os.getpid()}-{path.name}",
        f"name {path.name}",
        "sync .",
        f"remove {old_path.name}",
        "sync .",
        f"remove blobs/{old_blob}",
    ]


# full disks and other failures to write


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
@pytest.mark.parametrize("call", range(4))
def test_a_failure_at_any_sync_leaves_the_previous_checkpoint(tmp_path, monkeypatch, code, call):
    checkpoint.save(tmp_path, 1, {"x": torch.zeros(9)})
    before, calls, real = blob_files(tmp_path), [], os.fsync

    def fail(descriptor):  # the blob, its folder, the manifest, its folder
        calls.append(descriptor)
        if len(calls) == call + 1:
            raise OSError(code, os.strerror(code))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    reason = "cannot write" if code == errno.EIO else "disk full"
    with pytest.raises(CheckpointError, match=rf"^{reason}: .*2.json: .*; earlier checkpoints are intact$"):
        checkpoint.save(tmp_path, 2, {"x": torch.ones(9)})
    assert stray(tmp_path) == []
    frames, state = checkpoint.load(tmp_path)
    assert (frames, state["x"].sum()) in ((1, 0), (2, 9))
    assert frames == (2 if call == 3 else 1)
    if frames == 1:
        assert blob_files(tmp_path) == before


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"^cannot write"):
        checkpoint.save(tmp_path / "file" / "folder", 1, {})


LIMITED = """
import resource, sys, torch
from rad.runtime import checkpoint
checkpoint.save(sys.argv[1], 1, {"x": torch.zeros(1000)})
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    checkpoint.save(sys.argv[1], 2, {"x": torch.rand(200_000)})
except checkpoint.CheckpointError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0, 1, 4096, 500_000, 799_999])
def test_a_write_that_the_system_cuts_short(tmp_path, limit):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), str(limit)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("disk full: ")
    frames, state = checkpoint.load(tmp_path)
    assert frames == 1 and torch.equal(state["x"], torch.zeros(1000))
    assert stray(tmp_path) == [] and len(blob_files(tmp_path)) == 1


# no code, no copies


def test_loading_runs_no_code_and_unpickles_nothing(tmp_path):
    checkpoint.save(tmp_path, 1, {"x": torch.ones(3), "y": np.ones(3), "z": (1, [2])})
    seen = []

    def hook(name, arguments):
        if name.startswith(("pickle.", "marshal.")) or name in (
            "exec",
            "compile",
            "os.system",
            "subprocess.Popen",
        ):
            seen.append(name)

    sys.addaudithook(hook)
    checkpoint.load(tmp_path)
    assert seen == []


def test_the_sources_hold_no_way_to_unpickle():
    for module in (checkpoint, blobs, packing):
        text = Path(module.__file__).read_text()
        assert not any(word in text for word in ("import pickle", "torch.load", "np.load", "eval(", "exec("))


LARGE = """
import resource, sys, torch
from rad.runtime import checkpoint
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
data = torch.arange(600 * 2**20 // 8).reshape(-1, 16)
before = peak()
checkpoint.save(sys.argv[1], 1, {"data": data})
saved = peak()
del data
checkpoint.load(sys.argv[1])
print(before, saved, peak())
"""


@pytest.mark.slow
def test_saving_and_loading_make_no_second_copy(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(tmp_path)], capture_output=True, text=True, check=True, timeout=200
    )
    before, saved, loaded = map(int, done.stdout.split())
    assert saved - before < 250  # MiB, of 600
    assert loaded - saved < 250


def test_nothing_here_warns(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checkpoint.save(tmp_path, 1, {"x": np.frombuffer(b"12345678", dtype=np.uint8)})  # read-only memory
        checkpoint.load(tmp_path)


def test_what_the_caller_was_made_with_is_compared_too(tmp_path):
    checkpoint.save(tmp_path, 1, {}, made_with={"device": "cuda"})
    assert checkpoint.differences(tmp_path, {"device": "cuda"}) == []
    assert checkpoint.differences(tmp_path, {"device": "cpu"}) == ["device: cuda then, cpu now"]


def test_a_part_is_read_without_the_rest(tmp_path):
    large = torch.arange(4_000_000)  # 32 MB, a blob of its own
    checkpoint.save(tmp_path, 1, {"small": torch.ones(3), "large": large, "plain": 7})
    (blob,) = (path for path in (tmp_path / "blobs").iterdir() if path.stat().st_size > 1_000_000)
    blob.write_bytes(bytes(blob.stat().st_size))
    frames, state = checkpoint.load(tmp_path, only=("small", "plain"))
    assert (frames, state.keys(), state["plain"]) == (1, {"small", "plain"}, 7)
    assert torch.equal(state["small"], torch.ones(3))
    with pytest.raises(checkpoint.CheckpointError, match="do not match"):
        checkpoint.load(tmp_path, only=("large",))
    assert blob.exists()
    with pytest.raises(checkpoint.CheckpointError, match="do not match"):
        checkpoint.load(tmp_path)
    assert not blob.exists()
