import numpy as np
import pytest
import torch

from rad.runtime.seeding import generator, seed_for


def test_the_rule_is_fixed_for_ever():
    # first 8 bytes of SHA-256("1/0/env"), little-endian, modulo 2^63; other values would change every run
    assert seed_for(1, "env") == 4604921313796328284
    assert seed_for(1, "env", 2) == 6103847814291473299


def test_every_part_of_the_key_counts():
    seeds = {seed_for(run, purpose, index) for run in range(20) for purpose in ("a", "b") for index in range(20)}
    assert len(seeds) == 800


def test_parts_do_not_run_together():
    assert seed_for(1, "a", 11) != seed_for(11, "a", 1)
    assert seed_for(1, "1/a") != seed_for(1, "a", 1)


@pytest.mark.parametrize("bits", [1, 31, 32, 63])
def test_bits_bound_the_seed(bits):
    seeds = [seed_for(0, "x", index, bits=bits) for index in range(200)]
    assert min(seeds) >= 0 and max(seeds) < 2**bits
    assert max(seeds) >= 2 ** (bits - 1)


def test_numpy_takes_a_seed_of_32_bits():
    np.random.RandomState(seed_for(3, "env", bits=32))


def test_a_numpy_integer_is_the_same_seed():
    assert seed_for(np.int64(5), "x", np.int32(2)) == seed_for(5, "x", 2)


def test_generator_reproduces_and_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first, again, other = generator(1, "a"), generator(1, "a"), generator(1, "a", 1)
    draws = [torch.rand(4, generator=source) for source in (first, again, other)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("run_seed", "index", "name"), [(-1, 0, "run_seed"), (0, -2, "index")])
def test_negative_numbers_are_refused(run_seed, index, name):
    with pytest.raises(ValueError, match=f"^{name} must be 0 or more, got -"):
        seed_for(run_seed, "x", index)


@pytest.mark.parametrize("seed", [1.0, "1", True, None])
def test_other_types_are_refused(seed):
    with pytest.raises(TypeError, match="run_seed must be an integer"):
        seed_for(seed, "x")


@pytest.mark.parametrize("bits", [0, 64])
def test_bits_out_of_range_are_refused(bits):
    with pytest.raises(ValueError, match="bits must be from 1 to 63"):
        seed_for(0, "x", bits=bits)
