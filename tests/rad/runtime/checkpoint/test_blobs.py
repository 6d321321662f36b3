import hashlib

import pytest

from rad.runtime.checkpoint import blobs
from rad.runtime.checkpoint.blobs import BlobReader, BlobWriter, Damaged, remove_blobs_except


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(blobs, "SMALL_BYTES", 4)
    monkeypatch.setattr(blobs, "PIECE_BYTES", 8)


def write(folder, *pieces):
    writer = BlobWriter(folder)
    places = [writer.add(memoryview(piece)) for piece in pieces]
    writer.close()
    return writer.blobs, places


def read(folder, table, pieces):
    reader, target = BlobReader(folder, table), bytearray(sum(length for *_, length in pieces))
    reader.fill(memoryview(target), pieces)
    reader.read()
    return bytes(target)


def test_blobs_have_the_name_of_their_contents(tmp_path):
    table, places = write(tmp_path, b"hello")
    assert table == [(hashlib.sha256(b"hello").hexdigest(), 5)] and places == [[0, 0, 5]]
    assert (tmp_path / table[0][0]).read_bytes() == b"hello"


def test_small_pieces_share_blobs_of_bounded_size(tmp_path):
    table, places = write(tmp_path, b"abc", b"LARGE", b"def", b"ghi", b"jkl", b"")
    # the shared blob is closed by the first piece that comes when it has 8 bytes
    assert [size for _, size in table] == [9, 5, 3]
    assert places == [[0, 0, 3], [1, 0, 5], [0, 3, 3], [0, 6, 3], [2, 0, 3], [2, 3, 0]]
    assert read(tmp_path, table, places) == b"abcLARGEdefghijkl"


def test_equal_contents_are_one_blob(tmp_path):
    table, places = write(tmp_path, b"equal", b"equal")
    assert len(table) == 1 and places == [[0, 0, 5]] * 2
    assert read(tmp_path, table, places) == b"equalequal"


def test_what_is_there_is_not_written_again(tmp_path):
    write(tmp_path, b"first", b"ab")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    write(tmp_path, b"first", b"ab", b"third")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list(tmp_path.iterdir())) == 3


def test_a_cut_blob_is_written_again(tmp_path):
    table, places = write(tmp_path, b"first")
    (tmp_path / table[0][0]).write_bytes(b"fir")
    write(tmp_path, b"first")
    assert read(tmp_path, table, places) == b"first"


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b"hell"), "has 4 bytes instead of 5"),
        (lambda path: path.write_bytes(b"hellO"), "contents that do not match"),
        (lambda path: (path.unlink(), path.mkdir()), "is missing"),
    ],
)
def test_damage_is_found_and_named(tmp_path, damage, text):
    table, places = write(tmp_path, b"hello")
    damage(tmp_path / table[0][0])
    with pytest.raises(Damaged, match=f"^blob {table[0][0]} .*{text}"):
        read(tmp_path, table, places)


def test_a_blob_that_nothing_asks_for_is_not_read(tmp_path):
    table, _ = write(tmp_path, b"hello")
    (tmp_path / table[0][0]).unlink()
    BlobReader(tmp_path, table).read()


def test_a_blob_with_false_contents_does_not_stay_to_be_trusted_by_the_next_writer(tmp_path):
    table, places = write(tmp_path, b"hello")
    (tmp_path / table[0][0]).write_bytes(b"hellO")
    with pytest.raises(Damaged, match="do not match"):
        read(tmp_path, table, places)
    write(tmp_path, b"hello")
    assert read(tmp_path, table, places) == b"hello"


@pytest.mark.parametrize("name", ["../secret", "a" * 63, "A" * 64, "/etc/passwd", "a" * 64 + "\n"])
def test_names_lead_nowhere_else(tmp_path, name):
    with pytest.raises(ValueError, match="is not 64 hexadecimal digits"):
        BlobReader(tmp_path, [(name, 5)])


@pytest.mark.parametrize("piece", [[0, 3, 3], [0, -1, 2], [-1, 0, 2], [0, 0, -1]])
def test_a_piece_outside_its_blob_is_refused(tmp_path, piece):
    table, _ = write(tmp_path, b"hello")
    with pytest.raises(ValueError, match="is outside its blob"):
        BlobReader(tmp_path, table).fill(memoryview(bytearray(9)), [piece])


def test_only_unused_blobs_and_temporary_files_are_removed(tmp_path):
    table, _ = write(tmp_path, b"kept!", b"gone!")
    for name in (".tmp-1-x", "notes.txt"):
        (tmp_path / name).touch()
    remove_blobs_except(tmp_path, {table[0][0]})
    assert {path.name for path in tmp_path.iterdir()} == {table[0][0], "notes.txt"}
    remove_blobs_except(tmp_path / "absent", set())
