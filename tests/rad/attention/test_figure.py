"""The attention figure: what it accepts, what it writes, and the number it prints."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from encoders import ReceptiveField
from rad.attention import figure
from rad.attention.figure import attention_figure, rank_correlation

FIELD = ReceptiveField(2, 7.0, 15)


def frames(batch: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (batch, 64, 64, 3), dtype=np.uint8)


def maps(batch: int = 2, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((batch, 25, 25)).astype(np.float32)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 1), (1, 3)])
def test_a_row_per_frame_and_a_column_per_map(tmp_path, monkeypatch, rows, columns):
    drawn: list[Figure] = []
    write = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (drawn.append(self), write(self, *a, **k)))
    path = tmp_path / "a.png"
    attention_figure(frames(rows), {f"map {i}": maps(rows, i) for i in range(columns)}, FIELD, path)
    panels = [axis for axis in drawn[0].axes if axis.get_subplotspec() is not None]
    grid = panels[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == (rows, 1 + columns)
    assert len(panels) == rows * (1 + columns)
    assert all(axis.get_images() for axis in panels)
    titles = [axis.get_title() for axis in panels]
    assert titles[0] == "observation" and [bool(title) for title in titles].count(True) == 1 + columns
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_observation_is_shown_as_it_is(tmp_path, monkeypatch):
    shown: list[np.ndarray] = []
    draw = Axes.imshow
    monkeypatch.setattr(Axes, "imshow", lambda self, image, **k: (shown.append(image), draw(self, image, **k))[1])
    attention_figure(frames(), {"trained": maps()}, FIELD, tmp_path / "a.png")
    observations = [image for image in shown if image.ndim == 3]
    np.testing.assert_array_equal(observations, frames())
    placed = [image for image in shown if image.ndim == 2 and image.mean() == pytest.approx(1.0)]
    assert len(placed) >= 2  # multiples of the frame's mean


def test_the_same_input_gives_the_same_bytes(tmp_path):
    written = []
    for name in ("a", "b"):
        attention_figure(frames(), {"trained": maps()}, FIELD, tmp_path / name)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


def test_another_map_gives_another_picture(tmp_path):
    written = []
    for seed in (1, 2):
        attention_figure(frames(), {"trained": maps(seed=seed)}, FIELD, tmp_path / "a.png")
        written.append((tmp_path / "a.png").read_bytes())
    assert written[0] != written[1]


def test_titles_tell_how_alike_maps_are_to_the_first():
    titles = figure._titles({"trained": maps(), "untrained": maps(), "random": maps(seed=5)})
    assert titles[0] == "trained"
    assert titles[1] == "untrained\nrank corr. 1.00 with trained"
    assert titles[2].startswith("random\nrank corr. ") and not titles[2].endswith("1.00 with trained")


def test_rank_correlation_by_hand():
    """Ranks 1 2 3 4 against 2 1 3 4: 1 - 6 * (1 + 1) / (4 * 15) = 0.8; reversed -1; the mean of both -0.1."""
    first = np.array([[[1.0, 2.0], [3.0, 9.0]]] * 2)
    second = np.array([[[2.0, 1.0], [3.0, 4.0]], [[4.0, 3.0], [2.0, 1.0]]])
    assert rank_correlation(first, second) == pytest.approx(-0.1)


def test_rank_correlation_shares_ranks_of_ties():
    """Ranks 1.5 1.5 3 4 against 1 2 3 4: products of the deviations sum to 4.5, squares to 4.5 and 5."""
    first, second = np.array([[[1.0, 1.0, 2.0, 7.0]]]), np.array([[[1.0, 2.0, 3.0, 4.0]]])
    assert rank_correlation(first, second) == pytest.approx(4.5 / np.sqrt(4.5 * 5.0))


def test_a_flat_map_has_no_rank_correlation():
    assert rank_correlation(np.ones((1, 3, 3)), maps(1)[:, :3, :3]) == 0.0


def test_the_caption_tells_how_far_a_cell_sees():
    assert "15 x 15 px" in figure._caption(FIELD, 64)
    assert "the whole frame" in figure._caption(ReceptiveField(8, 0.0, 141), 64)


@pytest.mark.parametrize(
    ("given_frames", "given_maps", "message"),
    [
        (frames().astype(np.float32), {"a": maps()}, "frames are float32"),
        (frames().transpose(0, 3, 1, 2), {"a": maps()}, r"expected uint8 \[B, H, W, 3\]"),
        (frames(), {}, "maps are empty"),
        (frames(), {"a": maps(3)}, r"map 'a' has shape \[3, 25, 25\]; expected \[2, h, w\]"),
        (frames(), {"a": maps(), "b": maps()[:, 0]}, "map 'b' has shape"),
        (frames(), {"a": maps() - 0.1}, "map 'a' has negative values"),
        (frames(), {"a": maps() * 0}, "no mass"),
    ],
)
def test_bad_input_is_refused_and_nothing_written(tmp_path, given_frames, given_maps, message):
    with pytest.raises(ValueError, match=message):
        attention_figure(given_frames, given_maps, FIELD, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
