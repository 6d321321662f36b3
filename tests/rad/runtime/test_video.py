import av
import numpy as np
import pytest

from rad.runtime.video import write_mp4


def moving_square(length, height, width):
    frames = np.full((length, height, width, 3), 40, dtype=np.uint8)
    for time in range(length):
        frames[time, 8:24, 4 * time : 4 * time + 16] = (220, 60, 30)
    return frames


def read(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        codec = stream.codec_context
        return np.stack(images), (codec.name, codec.pix_fmt, float(stream.average_rate))


def test_what_is_written_can_be_seen_again(tmp_path):
    frames = moving_square(10, 64, 96)
    write_mp4(tmp_path / "new" / "film.mp4", frames, 12.5)
    images, kind = read(tmp_path / "new" / "film.mp4")
    assert images.shape == frames.shape
    assert np.abs(images.astype(int) - frames).mean() < 4  # chroma is stored at half resolution
    assert kind == ("h264", "yuv420p", 12.5)


def test_odd_sizes_repeat_the_last_row_and_column(tmp_path):
    frames = moving_square(3, 33, 51)
    write_mp4(tmp_path / "film.mp4", frames, 30)
    images, _ = read(tmp_path / "film.mp4")
    expected = np.pad(frames, ((0, 0), (0, 1), (0, 1), (0, 0)), "edge")
    assert images.shape == expected.shape == (3, 34, 52, 3)
    difference = np.abs(images.astype(int) - expected)
    assert max(difference.mean(), difference[:, -1].mean(), difference[:, :, -1].mean()) < 4


def test_the_index_comes_first_so_that_browsers_can_start(tmp_path):
    write_mp4(tmp_path / "film.mp4", moving_square(3, 32, 32), 30)
    data = (tmp_path / "film.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((2, 8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((2, 3, 8, 8), np.uint8),
        np.zeros((0, 8, 8, 3), np.uint8),
    ],
)
def test_other_frames_are_refused(tmp_path, frames):
    with pytest.raises(ValueError, match=r"frames must be uint8 \[T, H, W, 3\], got"):
        write_mp4(tmp_path / "film.mp4", frames, 30)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_other_rates_are_refused(tmp_path, fps):
    with pytest.raises(ValueError, match="fps must be above 0"):
        write_mp4(tmp_path / "film.mp4", moving_square(1, 8, 8), fps)


def test_an_error_leaves_the_old_film(tmp_path, monkeypatch):
    (tmp_path / "film.mp4").write_bytes(b"old")
    monkeypatch.setattr(
        av.VideoFrame, "from_ndarray", lambda *a, **k: (_ for _ in ()).throw(OSError("no")), raising=False
    )
    with pytest.raises(OSError, match="no"):
        write_mp4(tmp_path / "film.mp4", moving_square(1, 8, 8), 30)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
    assert (tmp_path / "film.mp4").read_bytes() == b"old"
