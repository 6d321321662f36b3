"""Films: panels side by side, a trace that grows, and sheets of their frames."""

from pathlib import Path

import numpy as np

from rad.attention.draw.video import SCALE, SHEET_FRAMES, contact_sheet, overlay_episode, write_png

STEPS, SIDE = 5, 20
FRAMES = np.random.default_rng(0).integers(0, 256, (STEPS, SIDE, SIDE, 3), dtype=np.uint8)
MAPS = {name: np.random.default_rng(seed).random((STEPS, SIDE, SIDE)) for seed, name in enumerate(("one", "two"))}


def test_the_frame_stands_to_the_left_of_its_maps() -> None:
    result = overlay_episode(FRAMES, MAPS, {})
    large = SIDE * SCALE
    assert result.shape[0] == STEPS and result.shape[2] == 3 * large
    shown = result[:, -large:, :large]
    np.testing.assert_array_equal(shown[:, ::SCALE, ::SCALE], FRAMES)
    assert (result[:, :-large].min((1, 2, 3)) < 128).all()  # titles


def test_the_trace_grows_and_is_all_there_in_the_end() -> None:
    lift = {"one": [1.0, 2.0, 3.0, 2.0, 1.0]}
    result = overlay_episode(FRAMES, MAPS, lift)
    trace = result[:, :, 3 * SIDE * SCALE :].astype(int)
    dark = (trace < 140).any(3).sum((1, 2))
    assert (np.diff(dark) > 0).all()
    assert dark[-1] > dark[0] + 20


HEAD = 22  # px, above each frame of a sheet


def test_sheets_show_the_first_and_the_last() -> None:
    pictures = np.arange(40, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 160, 3), np.uint8)
    sheet = contact_sheet(pictures)
    assert sheet.shape == ((HEAD + 4) * SHEET_FRAMES // 2, 320, 3)
    assert sheet[HEAD, 0, 0] == 0 and sheet[-1, -1, 0] == 39
    few = contact_sheet(pictures[:3])
    assert few.shape == (2 * (HEAD + 4), 320, 3) and few[-1, -1, 0] == 255


def test_the_frames_of_a_sheet_have_their_steps_above_them() -> None:
    pictures = np.zeros((100, 4, 160, 3), np.uint8)
    heads = [contact_sheet(pictures[: end + 1], columns=1)[-HEAD - 4 : -4] for end in (98, 99)]
    assert all((head < 128).any() for head in heads)
    assert (heads[0] != heads[1]).any()
    np.testing.assert_array_equal(heads[1], contact_sheet(pictures, columns=1)[-HEAD - 4 : -4])


def test_pictures_are_written_alike(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_png(tmp_path / name, FRAMES[0])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
