"""The attention figure: what it accepts and what it writes."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rad.attention.draw.figure import Column, Row, attention_figure, overlay


def rows(count: int = 2) -> list[Row]:
    frames = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return [Row(f"row {number}", frame) for number, frame in enumerate(frames)]


def column(count: int = 2, seed: int = 1, scale: str = "", factor: float = 1.0) -> Column:
    maps = np.random.default_rng(seed).random((count, 32, 32)) ** factor
    return Column(f"map {seed}", list(maps), [f"note {number}" for number in range(count)], scale)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    result: list[Figure] = []
    write = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (result.append(self), write(self, *a, **k)))
    return result


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (3, 1), (1, 3)])
def test_a_row_per_frame_and_a_column_per_map(tmp_path: Path, drawn: list[Figure], count: int, columns: int) -> None:
    path = tmp_path / "a.png"
    attention_figure(rows(count), [column(count, seed) for seed in range(columns)], "about", path)
    panels = [axis for axis in drawn[0].axes if axis.get_subplotspec() is not None]
    assert len(panels) == count * (1 + columns) and all(axis.get_images() for axis in panels)
    titles = [axis.get_title() for axis in panels]
    assert titles[0] == "observation" and [bool(title) for title in titles].count(True) == 1 + columns
    assert [axis.get_ylabel() for axis in panels[:: 1 + columns]] == [f"row {number}" for number in range(count)]
    assert panels[-1].get_xlabel() == f"note {count - 1}" and panels[0].get_xlabel() == ""
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_observation_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[np.ndarray] = []
    draw = Axes.imshow
    monkeypatch.setattr(Axes, "imshow", lambda self, image, **k: (shown.append(image), draw(self, image, **k))[1])
    attention_figure(rows(), [column()], "", tmp_path / "a.png")
    np.testing.assert_array_equal(shown[:2], [row.frame for row in rows()])


def test_many_rows_are_pages_of_about_as_many_in_the_same_colors(tmp_path: Path, drawn: list[Figure]) -> None:
    written = attention_figure(rows(21), [column(21)], "about", tmp_path / "a.png")
    assert [path.name for path in written] == ["a.png", "a_2.png", "a_3.png"] and all(map(Path.is_file, written))
    pages = [[axis for axis in figure.axes if axis.get_subplotspec() is not None] for figure in drawn]
    labels = [[axis.get_ylabel() for axis in page[::2]] for page in pages]
    assert labels == [[f"row {number}" for number in range(first, first + 7)] for first in (0, 7, 14)]
    assert pages[2][-1].get_xlabel() == "note 20"
    assert len({page[1].get_title() for page in pages}) == 1


@pytest.mark.slow
def test_columns_with_one_word_share_their_scale_and_others_do_not(tmp_path: Path, drawn: list[Figure]) -> None:
    flat, peaked = column(seed=1, scale="a"), column(seed=2, scale="a", factor=9.0)
    attention_figure(rows(), [flat, peaked, column(seed=1)], "", tmp_path / "a.png")
    tops = [axis.get_title().partition("colors ")[2] for axis in drawn[0].axes[1:4]]
    assert tops[0] == tops[1] != tops[2]


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_and_another_map_others(tmp_path: Path) -> None:
    written = []
    for number, seed in enumerate((1, 1, 2)):
        attention_figure(rows(), [column(seed=seed)], "", tmp_path / str(number))
        written.append((tmp_path / str(number)).read_bytes())
    assert written[0] == written[1] != written[2]


def test_an_overlay_by_hand() -> None:
    """Black where nothing is: 0.65 of gray. The brightest color of inferno covers 0.95 of what is beneath it."""
    frame = np.full((1, 2, 3), 100, np.uint8)
    result = overlay(frame, np.array([[0.0, 5.0]]), top=2.0)
    assert np.abs(result[0, 0].astype(int) - [65, 65, 66]).max() <= 1  # inferno begins at (0.001, 0, 0.014)
    brightest = 0.95 * 255 * np.array([0.988, 0.998, 0.645]) + 0.05 * 100
    assert np.abs(result[0, 1] - brightest).max() <= 1


@pytest.mark.parametrize(
    ("given_rows", "given_columns", "message"),
    [
        ([], [column(0)], "0 rows and 1 columns"),
        (rows(), [], "2 rows and 0 columns"),
        ([Row("", row.frame.astype(np.float32)) for row in rows()], [column()], "frame is float32"),
        ([Row("", row.frame.transpose(2, 0, 1)) for row in rows()], [column()], r"expected uint8 \[H, W, 3\]"),
        (rows(), [column(3)], "column 'map 1' has 3 maps; expected 2"),
        (rows(), [Column("a", [np.ones((4, 4))] * 2)], r"'a' has shape \[4, 4\]; expected the frame's, \[32, 32\]"),
        (rows(), [Column("a", [np.full((32, 32), -0.1)] * 2)], "negative values"),
        (rows(), [Column("a", [np.zeros((32, 32))] * 2)], "no mass"),
    ],
)
def test_bad_input_is_refused_and_nothing_written(
    tmp_path: Path, given_rows: list[Row], given_columns: list[Column], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        attention_figure(given_rows, given_columns, "", tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
