"""The table beside attention figures: ratios and means by hand, and what stands in its cells."""

from typing import Any

import pytest

from rad.report.draw.result_tables import (
    HIGHEST,
    ONE_SEED,
    attention_table,
    object_table,
    short_attention_table,
    truth_table,
)
from rad.report.stats.attention import attention_rows, object_rows
from rad.report.stats.bootstrap import ratio_interval

ALIKE = {"heads": 0.5, "stage 0": 0.25}


def number(augmentation: str, seed: int, **fields: Any) -> dict[str, Any]:
    row = {"run": f"{augmentation}, seed {seed}", "augmentation": augmentation, "method": "activation", "seed": seed}
    scores = {"episode_return": 100.0 * seed, "insertion": 0.1 * seed, "deletion": 0.9}
    return row | scores | {"rank_correlation": ALIKE} | fields


def with_robot(augmentation: str, seed: int, mass: list[float], area: list[float]) -> dict[str, Any]:
    wide = {"wide_mass": mass, "wide_area": [2 * value for value in area]}
    return number(augmentation, seed, mass=mass, area=area, untrained_mass=area, **wide)


def test_a_row_for_each_augmentation_and_method_by_hand() -> None:
    numbers = [with_robot("none", 1, [0.2, 0.4], [0.1, 0.1]), with_robot("crop", 1, [0.2, 0.2], [0.1, 0.1])]
    numbers.append(with_robot("none", 3, [0.5, 0.7], [0.1, 0.2]))
    none, crop = attention_rows(numbers)
    # means of the runs: masses 0.3 and 0.6, areas 0.1 and 0.15
    assert none["lift"] == pytest.approx(0.45 / 0.125) and none["wide_lift"] == pytest.approx(0.45 / 0.25)
    assert none["over_untrained"] == none["lift"]
    assert (none["seeds"], none["episode_return"], none["insertion"]) == (2, 200.0, pytest.approx(0.2))
    assert none["lift_interval"][0] < none["lift"] < none["lift_interval"][1]
    assert crop["lift_interval"] == pytest.approx([2.0, 2.0]) and crop["rank_correlation"] == ALIKE


def test_the_table_leaves_out_what_nobody_has() -> None:
    names = attention_table(attention_rows([number("none", 1, episode_return=None)])).names
    assert names[:3] == ["augmentation", "map", "seeds"] and names[3:5] == ["insertion (low)", "deletion (high)"]
    table = attention_table(attention_rows([with_robot("none", 1, [0.2], [0.1])]))
    cells = dict(zip(table.names, table.texts[0]))
    assert cells["lift [95 %]"] == "2.00 [2.00, 2.00]" and cells["lift, 2 px wider [95 %]"] == "1.00 [1.00, 1.00]"
    assert cells["rank corr., heads random"] == "0.50" and cells["all random"] == "0.25"


def test_the_table_of_the_terminal_has_the_columns_to_read_first() -> None:
    rows = attention_rows([with_robot("none", 1, [0.2], [0.1]) | {"rank_accuracy": [0.5]}])
    table = short_attention_table(rows)
    heads = ["lift [95 %]", "x untrained [95 %]", "rank acc. [95 %]"]
    assert table.names == ["augmentation", "map", "seeds", "return", *heads]
    assert table.texts[0][-3:] == ["2.00 [2.00, 2.00]", "2.00 [2.00, 2.00]", "0.50 [0.50, 0.50]"]
    assert max(map(len, table.plain().splitlines())) <= 110


def test_with_one_seed_a_note_says_what_the_intervals_cover() -> None:
    numbers = [with_robot("none", seed, [0.2], [0.1]) for seed in (1, 2)]
    for make in (attention_table, short_attention_table):
        assert make(attention_rows(numbers[:1])).notes == [HIGHEST, ONE_SEED]
        assert make(attention_rows([*numbers, with_robot("crop", 1, [0.2], [0.1])])).notes == [HIGHEST, ONE_SEED]
        assert make(attention_rows(numbers)).notes == [HIGHEST]


def test_nothing_to_divide_by() -> None:
    """A run whose untrained encoder has no mass on the robot has no ratio; beside another run, no interval."""
    some = with_robot("none", 1, [0.2, 0.2], [0.1, 0.1])
    nothing = some | {"untrained_mass": [0.0, 0.0]}
    assert "over_untrained" not in attention_rows([nothing])[0]
    (row,) = attention_rows([some, nothing])
    assert row["over_untrained"] == pytest.approx(4.0) and "over_untrained_interval" not in row
    assert "4.00" in attention_table([row]).texts[0]


def test_agreement_with_the_ground_truth_by_hand() -> None:
    first = number("none", 1, rank_accuracy=[0.5, 1.0], top_mass=[0.2, 0.4])
    second = number("none", 2, rank_accuracy=[0.25], top_mass=[0.5])
    (row,) = attention_rows([first, second])
    assert row["rank_accuracy"] == pytest.approx((0.75 + 0.25) / 2)  # of runs, whatever number of states they have
    assert row["top_mass"] == pytest.approx((0.3 + 0.5) / 2)
    assert row["rank_accuracy_interval"][0] < row["rank_accuracy"] < row["rank_accuracy_interval"][1]
    table = truth_table([row, *attention_rows([number("crop", 1)])])
    assert len(table.rows) == 1 and dict(zip(table.names, table.texts[0]))["rank acc. [95 %]"].startswith("0.50 [")


def test_states_that_cannot_be_ranked_leave_no_number() -> None:
    (row,) = attention_rows([number("none", 1, rank_accuracy=[], top_mass=[])])
    assert "rank_accuracy" not in row and "top_mass" not in row and not truth_table([row]).rows


def test_what_randomized_layers_do_is_averaged() -> None:
    both = [
        number("none", seed, smooth_rank_correlation={"heads": 0.2 * seed, "stage 0": 0.1}, complexity_rise=0.3 * seed)
        for seed in (1, 2)
    ]
    (row,) = attention_rows(both)
    assert row["smooth_rank_correlation"]["heads"] == pytest.approx(0.3) and row["complexity_rise"] == pytest.approx(
        0.45
    )
    cells = dict(zip((table := attention_table([row])).names, table.texts[0]))
    assert (cells["smooth, heads random"], cells["smooth, all random"], cells["complexity rise"]) == (
        "0.30",
        "0.10",
        "0.45",
    )


def test_objects_by_augmentation_those_that_matter_most_first() -> None:
    def effect(augmentation: str, name: str, effects: list[float]) -> dict[str, Any]:
        return {"augmentation": augmentation, "object": name, "effect": effects, "area": [0.1] * len(effects)}

    rows = object_rows(
        [effect("none", "sky", [0.1]), effect("none", "pole", [0.4, 0.6]), effect("none", "pole", [0.1])]
    )
    assert [(row["object"], row["seeds"], row["states"]) for row in rows] == [("pole", 2, 3), ("sky", 1, 1)]
    assert rows[0]["effect"] == pytest.approx(0.3) and rows[0]["area"] == pytest.approx(0.1)
    assert object_table(rows).texts[1][:4] == ["none", "sky", "1", "1"]


class TestRatioInterval:
    def test_values_that_are_in_proportion_have_one_ratio(self) -> None:
        assert ratio_interval([([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]), ([5.0], [10.0])]) == (0.5, 0.5)

    def test_groups_add_chance_of_their_own(self) -> None:
        """Two seeds that differ: as often as not a draw has twice the same one, so the ends are their own ratios."""
        apart = [([1.0] * 50, [1.0] * 50), ([3.0] * 50, [1.0] * 50)]
        assert ratio_interval(apart) == (1.0, 3.0)
        assert ratio_interval([([1.0, 3.0] * 50, [1.0] * 100)])[0] > 1.7

    def test_draws_without_a_denominator_are_left_out(self) -> None:
        low, high = ratio_interval([([0.0, 1.0], [0.0, 1.0])])
        assert (low, high) == (1.0, 1.0)

    def test_it_holds_the_truth_as_often_as_it_says(self) -> None:
        import numpy as np

        generator, held = np.random.default_rng(0), 0
        for _ in range(200):
            below = generator.gamma(4.0, 1.0, 60)
            above = 2.0 * below + generator.normal(0.0, 1.0, 60)
            low, high = ratio_interval([(above, below)], samples=300)
            held += low <= 2.0 <= high
        assert 0.9 <= held / 200 <= 0.98

    @pytest.mark.parametrize(
        ("groups", "said"),
        [
            ([], "groups must be at least 1"),
            ([([], [])], r"equally many of both, got \[0\] and \[0\]"),
            ([([1.0], [0.0])], "denominators must be at least 0, and some above, got 0 to 0"),
            ([([1.0, 1.0], [-1.0, 1.0])], "got -1 to 1"),
            ([([1.0, 2.0], [1.0])], r"equally many of both, got \[2\] and \[1\]"),
        ],
    )
    def test_groups_that_are_none(self, groups: Any, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            ratio_interval(groups)
