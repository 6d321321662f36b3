import pytest

from rad.runtime.files import TEMPORARY_PREFIX, replacing, sync_folder


def test_the_new_file_takes_the_place_of_the_old_at_the_end(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
        (temporary,) = tmp_path.glob(f"{TEMPORARY_PREFIX}*")
        assert temporary.name.endswith("-file")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_old_file_is_there_alone(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail():
        with replacing(path) as file:
            file.write(b"new")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_contents_are_synced_before_the_name_appears(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("os.fsync", lambda descriptor: calls.append("fsync"))
    monkeypatch.setattr("os.replace", lambda old, new: calls.append("replace"))
    with replacing(tmp_path / "file") as file:
        file.write(b"new")
    sync_folder(tmp_path)
    assert calls == ["fsync", "replace", "fsync"]
