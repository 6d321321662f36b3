"""How lines look: the same augmentation alike in every figure."""

import pytest

from rad.report.draw.style import ALWAYS, COLORS, blank, legend_below, line_styles


@pytest.mark.parametrize("names", [["crop", "none"], ["none", "mine", "crop"], [*ALWAYS[::-1], "mine"]])
def test_an_augmentation_always_looks_the_same_and_no_two_lines_do(names: list[str]) -> None:
    styles = line_styles(names)
    assert styles[names.index("crop")]["color"] == COLORS[0] and styles[names.index("none")]["color"] == COLORS[-1]
    assert len({tuple(style.items()) for style in styles}) == len(names)


def test_other_names_take_what_is_left_in_order() -> None:
    colors = [style["color"] for style in line_styles(["a", "crop", "b"])]
    assert colors == [COLORS[1], COLORS[0], COLORS[2]]


@pytest.mark.parametrize(
    ("letters", "columns", "lines"),
    [(4, 3, 1), (30, 2, 1), (60, 1, 1), (140, 1, 2)],
    ids=["short", "two", "one", "long"],
)
def test_a_legend_has_the_columns_that_fit_and_stays_inside_the_figure(letters: int, columns: int, lines: int) -> None:
    figure = blank(5.4, 4.0)
    axes = figure.subplots()
    name = ("crop, " * letters)[:letters].strip()
    for _ in range(3):
        axes.plot([0, 1], label=name)
    legend_below(figure, axes, most=3)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width
    assert len({round(text.get_window_extent().x0) for text in legend.get_texts()}) == columns
    assert {text.get_text().count("\n") + 1 for text in legend.get_texts()} == {lines}
