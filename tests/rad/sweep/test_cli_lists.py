import doctest

import pytest

from rad.sweep import cli_lists


def test_the_examples() -> None:
    failed, tried = doctest.testmod(cli_lists)
    assert tried == 4 and not failed


@pytest.mark.parametrize("words", [["a", "b", "c"], ["a,b,c"], ["a,b", "c"], ["a", "b,c", "b"]])
def test_values_are_separated_by_spaces_or_commas_and_stand_once(words: list[str]) -> None:
    assert cli_lists.split("augment", words) == ["a", "b", "c"]


def test_commas_of_ucb_are_its_own() -> None:
    assert cli_lists.split("augment", ["ucb:crop,flip", "a,b"]) == ["ucb:crop,flip", "a", "b"]
    with pytest.raises(ValueError, match=r"^--augment: ucb: holds commas itself; put spaces around it, got a,ucb:"):
        cli_lists.split("augment", ["a,ucb:crop,flip"])


@pytest.mark.parametrize("words", [["a,"], [","], ["a,,b"], [""]])
def test_an_empty_value(words: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^--task: a value is empty in "):
        cli_lists.split("task", words)


@pytest.mark.parametrize(
    ("words", "result"), [(["1"], [1]), (["3"], [1, 2, 3]), (["3", "5,9"], [3, 5, 9]), (["7,07"], [7])]
)
def test_seeds(words: list[str], result: list[int]) -> None:
    assert cli_lists.seeds(words) == result


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["0"], "must be from 1 to 10,000, got 0"),
        (["20000"], "must be from 1 to 10,000, got 20000; for one run with a seed: --seed N"),
        (["-1"], "must be one number N, for 1 to N, or several seeds, got -1"),
        (["a"], "got a"),
        (["1-3"], "got 1-3"),
        (["1,"], "a value is empty"),
    ],
)
def test_wrong_seeds(words: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=f"^--seeds: .*{said}"):
        cli_lists.seeds(words)


def test_swept_fields_are_written_as_fields_or_as_flags() -> None:
    assert cli_lists.overrides(["--batch-size=64", "128"]) == {"batch_size": ["64", "128"]}
    assert cli_lists.overrides([]) == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["64"], "must be FIELD=VALUE,VALUE, got 64"),
        (["=64"], "must be FIELD=VALUE,VALUE, got 64"),
        (["gamma=1", "gamma=2"], "gamma stands twice"),
        (["gamma="], "a value is empty"),
    ],
)
def test_wrong_sweeps(words: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=f"^--sweep: {said}"):
        cli_lists.overrides(words)


def test_the_pairs_of_three_are_a_grid_of_nine() -> None:
    result = cli_lists.pairs(["a", "b", "c"])
    assert result == ["a", "a+b", "a+c", "b+a", "b", "b+c", "c+a", "c+b", "c"]


def test_a_pair_with_none_is_the_other_alone() -> None:
    assert cli_lists.pairs(["none", "a"]) == ["none", "a"]
    with pytest.raises(ValueError, match=r"^--pairs: needs augmentations"):
        cli_lists.pairs([])
