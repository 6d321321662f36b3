"""Sources of clips: what each side has, what is refused, and that the sides share nothing."""

import hashlib
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from rad.envs.dmc import backgrounds
from rad.envs.dmc.backgrounds import FAMILIES, SEEDS, SIDES, Folder, Generated, check_disjoint, pictures


def write_image(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((6, 8, 3), level, np.uint8))


def write_video(path: Path, level: int, frames: int = 4) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (32, 32))
    for step in range(frames):
        writer.write(np.full((32, 32, 3), level + 40 * step, np.uint8))
    writer.release()


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Six images 0.png to 5.png whose level is 40 times their number."""
    for number in range(6):
        write_image(tmp_path / f"{number}.png", 40 * number)
    return tmp_path


def names(source: backgrounds.Source) -> list[str]:
    return [source.clip(index).name for index in range(len(source))]


def level(clip: backgrounds.Clip, t: int = 0) -> int:
    return round(float(clip.frame(t, 8).mean()))


def test_generated_clips_take_families_in_turn_and_seeds_of_their_side() -> None:
    assert names(Generated("train", 3)) == ["fbm-0", "plasma-1", "fbm-2"]
    assert names(Generated("test", 4)) == ["shapes-1000000", "checker-1000001", "stripes-1000002", "shapes-1000003"]


def test_the_sides_share_no_family_and_no_seed() -> None:
    assert not set(FAMILIES["train"]) & set(FAMILIES["test"])
    assert not set(SEEDS["train"]) & set(SEEDS["test"])
    assert set(FAMILIES) == set(SEEDS) == set(SIDES)


def test_digests_are_those_of_the_clips() -> None:
    source = Generated("test", 4)
    assert len(source) == 4 and source.side == "test"
    assert source.digests() == [source.clip(index).digest for index in range(4)]
    assert len(set(source.digests())) == 4


@pytest.mark.parametrize("index", [-1, 4])
def test_an_index_beyond_the_clips_is_refused(album: Path, index: int) -> None:
    for source in (Generated("train", 4), Folder("train", album, 4)):
        with pytest.raises(IndexError, match=f"index must be 0 to 3, got {index}"):
            source.clip(index)


@pytest.mark.parametrize("count", [-1, 0, 10**6 + 1])
def test_an_impossible_count_of_generated_clips_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"count must be 1 to 1000000, got {count}"):
        Generated("train", count)


def test_an_unknown_side_is_refused(album: Path) -> None:
    with pytest.raises(ValueError, match="side must be train or test, got 'Test'"):
        Generated("Test", 1)
    with pytest.raises(ValueError, match="side must be train or test, got 'Test'"):
        Folder("Test", album, 1)


def test_a_folder_gives_its_files_in_order_subfolders_included(album: Path) -> None:
    write_image(album / "10" / "deep" / "Z.JPEG", 250)
    write_video(album / "v.avi", 20)
    (album / "notes.txt").write_text("no clip")
    (album / "dir.png").mkdir()
    source = Folder("test", album, 100)
    assert names(source) == ["0.png", "1.png", "10/deep/Z.JPEG", *(f"{n}.png" for n in range(2, 6)), "v.avi"]
    assert len(source) == 8 and source.side == "test"
    assert [level(source.clip(index)) for index in (0, 2, 5)] == [0, 250, 160]
    assert np.allclose([level(source.clip(7), t) for t in range(5)], [20, 60, 100, 140, 100], atol=3)


def test_hidden_files_and_folders_are_left_out(album: Path) -> None:
    """A Mac's `._a.png` is no image, and `.thumbnails` holds copies."""
    (album / "._0.png").write_bytes(b"no image")
    write_image(album / ".thumbnails" / "7.png", 7)
    assert names(Folder("train", album, 100)) == [f"{n}.png" for n in range(6)]


def test_the_choice_of_some_files_is_the_same_each_time(album: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copies") / "album"
    shutil.copytree(album, copy)
    files = names(Folder("train", album, 4))
    assert files == sorted(files) and len(files) == 4
    assert files == names(Folder("train", copy, 4)) != [f"{n}.png" for n in range(4)]
    assert len(Folder("train", album, 2)) == 2


def test_the_order_in_which_a_disk_lists_files_does_not_matter(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = names(Folder("train", album, 4))
    monkeypatch.setattr(os, "walk", lambda root, onerror: [(str(root), [], [f"{n}.png" for n in (3, 5, 1, 0, 4, 2)])])
    assert names(Folder("train", album, 4)) == files


def test_files_of_the_same_content_count_once(album: Path) -> None:
    for number in range(6):
        shutil.copy(album / f"{number}.png", album / f"copy-{number}.png")
    source = Folder("train", album, 100)
    assert len(source) == len(set(source.digests())) == 6
    for number in range(3, 6):
        (album / f"{number}.png").unlink()
        (album / f"copy-{number}.png").unlink()
    with pytest.raises(ValueError, match="has 3 different images or videos"):
        Folder("train", album, 100)


def test_digests_of_a_folder_are_of_the_bytes_and_decode_nothing(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Folder("train", album, 100)
    monkeypatch.setattr(backgrounds, "FileClip", None)
    assert source.digests() == [hashlib.sha256((album / f"{n}.png").read_bytes()).hexdigest() for n in range(6)]


def test_a_clip_has_the_digest_of_its_file(album: Path) -> None:
    source = Folder("train", album, 100)
    assert [source.clip(index).digest for index in range(6)] == source.digests()


def test_the_last_clips_are_kept(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backgrounds, "_KEPT", 2)
    source = Folder("train", album, 100)
    first, second = source.clip(0), source.clip(1)
    assert source.clip(0) is first
    source.clip(2)  # 1 is the one not used for longest
    assert source.clip(0) is first
    assert source.clip(1) is not second
    assert source._kept.cache_info().currsize == 2


@pytest.mark.parametrize("below", ["missing", "0.png"])
def test_a_path_that_is_no_folder_is_refused(album: Path, below: str) -> None:
    with pytest.raises(ValueError, match=r"^background_dir: test=") as caught:
        Folder("test", album / below, 4)
    text = str(caught.value)
    assert text.startswith(f"background_dir: test={album / below} cannot be read (") and "\n" not in text
    assert text.endswith("allowed: a folder that can be read")


def test_too_few_files_are_refused(album: Path) -> None:
    for number in range(3):
        (album / f"{number}.png").unlink()
    with pytest.raises(ValueError, match=r"^background_dir: train=") as caught:
        Folder("train", album, 2)
    assert str(caught.value) == (
        f"background_dir: train={album} has 3 different images or videos; allowed: at least 4, of .bmp, .jpeg, .jpg,"
        " .png, .webp, .avi, .gif, .mkv, .mov, .mp4, .webm"
    )


def test_a_count_below_one_is_refused(album: Path) -> None:
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        Folder("train", album, 0)


@pytest.mark.parametrize("name", ["broken.png", "sub/broken.avi"])
@pytest.mark.parametrize("content", [b"", b"broken"])
def test_a_broken_file_is_refused_with_its_path(
    album: Path, capfd: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    (album / "sub").mkdir()
    (album / name).write_bytes(content)
    with pytest.raises(ValueError, match="which does not open; allowed: ") as caught:
        Folder("train", album, 100)
    assert str(caught.value).startswith(f"background_dir: train={album} has {album / name}, ")
    assert capfd.readouterr() == ("", "")


def test_a_file_that_cannot_be_read_is_refused(album: Path) -> None:
    (album / "link.png").symlink_to(album / "nowhere.png")
    with pytest.raises(ValueError, match=r"cannot be read \(.*link\.png: No such file"):
        Folder("train", album, 100)


def test_disjoint_sides_pass(album: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    for number in range(4):
        write_image(other / f"{number}.png", 40 * number + 1)  # same names, other content
    check_disjoint(Folder("train", album, 100), Folder("test", other, 100))
    check_disjoint(Generated("train", 6), Generated("test", 6))
    check_disjoint(Generated("train", 6), Folder("test", album, 6))


@pytest.mark.parametrize("shared", [1, 3, 4])
def test_what_both_sides_hold_is_named(album: Path, tmp_path_factory: pytest.TempPathFactory, shared: int) -> None:
    other = tmp_path_factory.mktemp("other")
    for number in range(6):
        write_image(other / f"own-{number}.png", 40 * number + 1)
    for number in range(shared):
        shutil.copy(album / f"{number}.png", other / f"copy-{number}.png")
    with pytest.raises(ValueError, match=r"^background_dir: ") as caught:
        check_disjoint(Folder("train", album, 100), Folder("test", other, 100))
    named = ", ".join(f"{n}.png = copy-{n}.png" for n in range(min(shared, 3)))
    more = ", ..." if shared > 3 else ""
    expected = f"background_dir: train and test share {shared} of their clips ({named}{more}); allowed: none"
    assert str(caught.value) == expected


def test_pictures_come_from_all_clips_in_turn_and_at_several_times() -> None:
    source = Generated("train", 2)
    taken = pictures(source, 5, 32)
    assert taken.shape == (5, 3, 32, 32) and taken.dtype == np.uint8 and taken.flags.c_contiguous
    for row, (index, t) in enumerate([(0, 0), (1, 0), (0, 25), (1, 25), (0, 50)]):
        assert np.array_equal(taken[row], source.clip(index).frame(t, 32).transpose(2, 0, 1))
    assert pictures(source, 1).shape == (1, 3, 128, 128)


def test_pictures_of_a_folder(album: Path) -> None:
    taken = pictures(Folder("train", album, 6), 7, 16)
    assert taken.mean(axis=(1, 2, 3)).tolist() == [0, 40, 80, 120, 160, 200, 0]
