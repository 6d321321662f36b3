"""How lines look: the same augmentation alike in every figure."""

import pytest

from rad.report.draw.style import ALWAYS, COLORS, line_styles


@pytest.mark.parametrize("names", [["crop", "none"], ["none", "mine", "crop"], [*ALWAYS[::-1], "mine"]])
def test_an_augmentation_always_looks_the_same_and_no_two_lines_do(names: list[str]) -> None:
    styles = line_styles(names)
    assert styles[names.index("crop")]["color"] == COLORS[0] and styles[names.index("none")]["color"] == COLORS[-1]
    assert len({tuple(style.items()) for style in styles}) == len(names)


def test_other_names_take_what_is_left_in_order() -> None:
    colors = [style["color"] for style in line_styles(["a", "crop", "b"])]
    assert colors == [COLORS[1], COLORS[0], COLORS[2]]
