"""Clips from image and video files, written here with OpenCV."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from rad.envs.dmc import clips
from rad.envs.dmc.clips import SIDE_PX, FileClip, first_picture, resize

LEVELS = tuple(range(20, 220, 20))  # red of each frame of a video


def write_video(path: Path, codec: str, size: tuple[int, int] = (64, 48)) -> FileClip:
    """Write a wide video whose central square is red, brighter with each frame, between white margins."""
    width, height = size
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 25, size)
    margin = (width - height) // 2
    for level in LEVELS:
        frame = np.full((height, width, 3), 255, np.uint8)
        frame[:, margin : width - margin] = (0, 0, level)
        writer.write(frame)
    writer.release()
    return FileClip(path.parent, path.name, "digest")


def levels(clip: FileClip, times: list[int]) -> list[int]:
    """Return which of LEVELS the red of each frame is next to."""
    red = [clip.frame(t, 16)[4:12, 4:12, 0].mean() for t in times]
    return [int(np.abs(np.array(LEVELS) - value).argmin()) for value in red]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mp4v"), ("b.avi", "MJPG"), ("c.MKV", "MJPG")])
def test_a_video_plays_forward_and_backward(tmp_path: Path, name: str, codec: str) -> None:
    clip = write_video(tmp_path / name, codec)
    assert levels(clip, list(range(22))) == [*range(10), *range(8, -1, -1), 1, 2, 3]
    assert levels(clip, [18 * 1000 + 5, 18 * 1000 + 13]) == [5, 5]


def test_a_frame_does_not_depend_on_what_was_asked_before(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "a.avi", "MJPG")
    other = FileClip(tmp_path, "a.avi", "digest")
    assert levels(clip, [30, 2, 11]) == [6, 2, 7]
    assert levels(other, [11, 30, 2]) == [7, 6, 2]


def test_a_video_is_rgb_and_cut_to_its_central_square(tmp_path: Path) -> None:
    frame = write_video(tmp_path / "a.avi", "MJPG").frame(9, SIDE_PX)
    assert frame.shape == (SIDE_PX, SIDE_PX, 3) and frame.dtype == np.uint8 and frame.flags.c_contiguous
    inner = frame[:, 4:-4].reshape(-1, 3).astype(int)  # JPEG smears the margin over the edge
    assert np.abs(inner - [200, 0, 0]).max() < 25


def test_no_more_is_decoded_than_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_video(tmp_path / "a.avi", "MJPG")
    decoded: list[int] = []
    cut = clips._central_square
    monkeypatch.setattr(clips, "_central_square", lambda pixels: decoded.append(1) or cut(pixels))
    clip.frame(3, 8)
    clip.frame(1, 8)
    assert len(decoded) == 4
    for t in range(50):
        clip.frame(t, 8)
    assert len(decoded) == len(LEVELS), "each frame is decoded once"


def test_a_long_video_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "MAX_FRAMES", 3)
    assert levels(write_video(tmp_path / "a.avi", "MJPG"), list(range(6))) == [0, 1, 2, 1, 0, 1]


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".bmp", ".jpg", ".jpeg", ".webp"])
def test_an_image_stands_still(tmp_path: Path, suffix: str) -> None:
    pixels = np.full((40, 30, 3), 255, np.uint8)
    pixels[5:35] = (10, 60, 200)  # BGR; the central square
    cv2.imwrite(str(tmp_path / f"a{suffix}"), pixels)
    clip = FileClip(tmp_path, f"a{suffix}", "digest")
    first, later = clip.frame(0, 84), clip.frame(1234, 84)
    assert np.abs(first[8:-8].astype(int) - [200, 60, 10]).max() < 12
    assert np.array_equal(first, later)


def test_a_clip_is_known_by_name_and_digest(tmp_path: Path) -> None:
    clip = FileClip(tmp_path, "sub/a.png", "0123")
    assert (clip.name, clip.digest) == ("sub/a.png", "0123")


def test_the_caller_owns_a_frame(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "a.avi", "MJPG")
    before = clip.frame(0, SIDE_PX).copy()
    clip.frame(0, SIDE_PX)[:] = 0
    assert np.array_equal(clip.frame(0, SIDE_PX), before)


def test_time_does_not_run_backward(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="t must be at least 0, got -1"):
        write_video(tmp_path / "a.avi", "MJPG").frame(-1, 8)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"background .*a\.avi can no longer be read"):
        FileClip(tmp_path, "a.avi", "digest").frame(0, 8)


def huge_png() -> bytes:
    """Return the start of a PNG that claims 65000 x 65000 px."""
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">IIBBBBB", 65000, 65000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + bytes(99)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", b""),
        ("a.png", b"no picture"),
        ("a.png", huge_png()),
        ("a.jpg", None),
        ("a.avi", b""),
        ("a04.avi", b"no video"),
        ("a.mkv", None),
    ],
)
def test_a_broken_file_does_not_open_and_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    level = cv2.getLogLevel()
    assert first_picture(tmp_path / name) is None
    assert cv2.getLogLevel() == level != 0
    assert capfd.readouterr() == ("", "")


def test_the_first_picture_is_that_of_the_clip(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "a.avi", "MJPG")
    picture = first_picture(tmp_path / "a.avi")
    assert picture is not None and np.array_equal(picture, clip.frame(0, SIDE_PX))


def test_resizing_averages_where_it_shrinks_and_interpolates_where_it_grows() -> None:
    fine = np.zeros((8, 8, 3), np.uint8)
    fine[::4] = 200
    assert resize(fine, 2).tolist() == [[[50] * 3] * 2] * 2
    step = np.array([[[0] * 3, [100] * 3]] * 2, np.uint8)
    assert resize(step, 4)[0, :, 0].tolist() == [0, 25, 75, 100]
