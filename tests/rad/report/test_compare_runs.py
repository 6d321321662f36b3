"""Two runs beside each other: what is compared, and what its interval covers."""

import math

import pytest

from rad.report.compare_runs import compare_groups, load_side
from rad.report.stats.bootstrap import difference_interval
from tests.rad.report.seeds import make_seed, make_seeds, rows_of, scored, write_episodes

A, B = [10.0, 20.0, 33.0], [8.0, 19.0, 30.0]


def two(tmp_path, rows_a=None, rows_b=None, **config_b):
    first = make_seed(tmp_path / "a", "crop", 1, rows_of(8.0) if rows_a is None else rows_a)
    second = make_seed(tmp_path / "b", "none", 1, rows_of(5.0) if rows_b is None else rows_b, **config_b)
    return first, second


def compared(first, second):
    return compare_groups(load_side(first), load_side(second))


def test_episodes_of_one_seed_are_paired(tmp_path):
    first, second = two(tmp_path)
    write_episodes(first, "x.jsonl", {"train": A, "video": [1.0, 2.0, 3.0]})
    write_episodes(second, "y.jsonl", {"train": B})
    result = compared(first, second)
    (line,) = result.lines
    assert (line.split, line.first, line.second, line.first_count) == ("train", 21.0, 19.0, 3)
    assert line.difference == (2.0, *difference_interval(A, B, paired=True))
    assert result.notes[0].startswith("episodes of rad evaluate, paired by episode")
    assert "not of training" in result.notes[0]


@pytest.mark.parametrize("other", [{"seed": 1}, {"envs": 2}])
def test_episodes_of_other_states_are_not_paired(tmp_path, other):
    first, second = two(tmp_path)
    write_episodes(first, "x.jsonl", {"train": A})
    write_episodes(second, "x.jsonl", {"train": B}, **other)
    result = compared(first, second)
    assert result.lines[0].difference == (2.0, *difference_interval(A, B, paired=False))
    assert "not paired" in result.notes[0]


def test_procgen_is_never_paired(tmp_path):
    first, second = (
        make_seed(tmp_path / name, "crop", 1, rows_of(8.0), task="procgen/bigfish", gamma=gamma)
        for name, gamma in (("a", 0.9), ("b", 0.99))
    )
    for folder, values in ((first, A), (second, B)):
        write_episodes(folder, "x.jsonl", {"train": values}, task="procgen/bigfish")
    assert "not paired" in compared(first, second).notes[0]


@pytest.mark.parametrize("other", [{"policy": "sample"}, {"train_split": "light"}])
def test_what_was_played_otherwise_is_not_compared_by_episode(tmp_path, other):
    first, second = two(tmp_path)
    write_episodes(first, "x.jsonl", {"train": A})
    write_episodes(second, "x.jsonl", {"train": B}, **other)
    assert compared(first, second).notes[0].startswith("last evaluation of the training")


def test_without_episodes_means_and_deviations_are_used(tmp_path):
    first, second = two(tmp_path, [scored("eval", 100, 8.0, std=3.0)], [scored("eval", 100, 5.0, std=4.0)])
    result = compared(first, second)
    half = 1.959964 * math.sqrt(3.0**2 / 9 + 4.0**2 / 9)
    assert result.lines[0].difference == pytest.approx((3.0, 3.0 - half, 3.0 + half))
    assert "normal approximations" in result.notes[0] and "not of training" in result.notes[0]


@pytest.mark.parametrize("of_evaluate", [True, False])
def test_one_episode_has_no_interval_and_the_notes_say_so(tmp_path, of_evaluate):
    one = [scored("eval", 100, 8.0, std=0.0) | {"episodes": 1}]
    first, second = two(tmp_path, one, one)
    if of_evaluate:
        for folder, value in ((first, 8.0), (second, 5.0)):
            write_episodes(folder, "x.jsonl", {"train": [value]})
    result = compared(first, second)
    assert math.isnan(result.lines[0].difference.low)
    assert "no interval on train: it takes two episodes of each side" in result.notes


def test_each_split_of_both_has_a_line(tmp_path):
    first, second = two(tmp_path, rows_of(8.0, test=6.0), rows_of(5.0, test=1.0))
    assert [(line.split, line.difference.value) for line in compared(first, second).lines] == [
        ("train", 3.0),
        ("test", 5.0),
    ]


def test_folders_with_seeds_are_compared_over_runs(tmp_path):
    first, second = make_seeds(tmp_path / "a", {"crop": A}), make_seeds(tmp_path / "b", {"none": B})
    result = compared(first, second)
    (line,) = result.lines
    assert result.unit == "runs" and line.difference == (2.0, *difference_interval(A, B, paired=False))
    assert result.notes[0].startswith("intervals: randomness of training")
    assert any(note.startswith("probability that a run of A scores more on train: 0.67") for note in result.notes)
    assert any(
        note.startswith("3 seeds: nominal 95 % intervals contain the true value in about 80 %") for note in result.notes
    )


def test_an_unfinished_run_is_told(tmp_path):
    first, second = two(tmp_path, rows_of(8.0, upto=200))
    assert any("is unfinished, at 200 of 400 frames" in note for note in compared(first, second).notes)
    write_episodes(first, "x.jsonl", {"train": A}, frames=100)
    write_episodes(second, "x.jsonl", {"train": B})
    assert any("A were played at 100 frames, its training is at 200" in note for note in compared(first, second).notes)


def test_settings_that_differ_are_listed(tmp_path):
    first, second = two(tmp_path, agent={"gamma": 0.9}, out="elsewhere")
    assert compared(first, second).settings == {"augment": ("crop", "none"), "gamma": ("-", "0.9")}


def test_the_text_has_all_of_it(tmp_path):
    first, second = two(tmp_path)
    write_episodes(first, "x.jsonl", {"train": A})
    write_episodes(second, "y.jsonl", {"train": B})
    parts = compared(first, second).text().split("\n\n")
    assert parts[0].splitlines()[0].split("  ")[0] == "split"
    assert "2.00 [1.00, 3.00]" in parts[0]
    assert parts[2].splitlines()[1].split() == ["augment", "crop", "none"]


def test_what_cannot_be_compared_is_refused(tmp_path):
    first, second = two(tmp_path, task="dmc/cheetah-run")
    with pytest.raises(ValueError, match=r"RUN_B: is of dmc/cheetah-run, RUN_A of dmc/walker-walk"):
        compared(first, second)
    with pytest.raises(ValueError, match=r"holds runs of 2 settings \(.*none.*crop\)"):
        load_side(make_seeds(tmp_path / "c", {"crop": A, "none": B}))
    with pytest.raises(ValueError, match="share no split"):
        compared(first, make_seed(tmp_path / "d", "none", 1, []))
    late = tmp_path / "e"
    for seed in (1, 2):
        make_seed(late, "crop", seed, rows_of(3.0, upto=200))
    with pytest.raises(ValueError, match=r"RUN_B: has no finished run, of 2"):
        compared(first, late)
