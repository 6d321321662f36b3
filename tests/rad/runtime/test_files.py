import pytest

from rad.runtime.files import TEMPORARY_PREFIX, read_object, replacing, sync_folder


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


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is not JSON: Expecting value"),
        (b'{"a": 1', "it is not JSON: "),
        (b"\xff\xfe{}", "it is not JSON: "),
        (b"[" * 100_000, "it is not JSON: "),
        (b"null", "it is a JSON NoneType; expected an object"),
        (b"[1]", "it is a JSON list; expected an object"),
    ],
)
def test_a_file_that_is_no_object_of_json_is_named(tmp_path, data, said):
    path = tmp_path / "file.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"^{path} cannot be read: {said}") as error:
        read_object(path)
    assert "\n" not in str(error.value)
