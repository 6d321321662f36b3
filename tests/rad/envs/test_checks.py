import pytest

from rad.envs.checks import SUGGESTED, did_you_mean, require, require_between, require_known


def test_a_wrong_value_is_named_with_what_it_must_be() -> None:
    require(True, "size", "at least 1", 0)
    with pytest.raises(ValueError, match=r"^size must be at least 1, got 0$"):
        require(False, "size", "at least 1", 0)
    with pytest.raises(ValueError, match=r"^side must be train or test, got 'Test'$"):
        require(False, "side", "train or test", "Test")


def test_an_unknown_name_comes_with_the_nearest_and_all_known_ones() -> None:
    require_known("game", "maze", ("maze", "miner"))
    with pytest.raises(
        ValueError, match=r"^game: unknown game 'p/mze'; did you mean p/maze\?; known: maze, miner, each after p/$"
    ):
        require_known("game", "mze", ("maze", "miner"), prefix="p/")
    with pytest.raises(ValueError, match=r"^game: unknown game 'x'; known: maze, miner$"):
        require_known("game", "x", ("maze", "miner"))


def test_names_that_contain_the_unknown_one_are_suggested() -> None:
    known = ["dmc/cartpole-balance", "dmc/walker-walk", "gym/CartPole-v1", "dmc/car"]
    assert did_you_mean("cartpole", known) == "; did you mean dmc/cartpole-balance, gym/CartPole-v1?"
    assert did_you_mean("cartpole-balanse", known) == "; did you mean dmc/cartpole-balance?"
    assert did_you_mean("walk", [f"dmc/walk-{i}" for i in range(20)]).count("walk-") == SUGGESTED
    assert did_you_mean("c", known) == did_you_mean("", known) == ""


def test_a_number_outside_its_range_is_named_with_the_ends() -> None:
    for value in (1, 2048):
        require_between("size", value, 1, 2048)
    require_between("num_envs", 10**9, 1)
    for value in (0, -5, 2049):
        with pytest.raises(ValueError, match=rf"^size: must be from 1 to 2048, got {value}$"):
            require_between("size", value, 1, 2048)
    with pytest.raises(ValueError, match=r"^num_envs: must be at least 1, got 0$"):
        require_between("num_envs", 0, 1)
