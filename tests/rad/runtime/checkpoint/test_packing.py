import enum
import json
import math
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from rad.runtime.checkpoint import packing
from rad.runtime.checkpoint.packing import decode, encode
from tests.rad.runtime.checkpoint.nested import same, states


class Store:
    """Keep each piece as a blob of its own, in memory."""

    def __init__(self):
        self.blobs = []

    def add(self, data):
        self.blobs.append(bytes(data))
        return [len(self.blobs) - 1, 0, len(data)]

    def fill(self, target, pieces):
        target[:] = b"".join(self.blobs[number][offset : offset + length] for number, offset, length in pieces)


def round_trip(value):
    store = Store()
    return decode(json.loads(json.dumps(encode(value, store.add), allow_nan=False)), store.fill)


@settings(deadline=None)
@given(states())
@pytest.mark.slow
def test_nested_states_come_back_equal_in_type_order_and_bits(state):
    assert same(round_trip(state), state)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1])
def test_floats(value):
    assert same(round_trip(value), value)


def test_generator_states_of_numpy_and_torch():
    state = {"numpy": np.random.default_rng(3).bit_generator.state, "torch": torch.get_rng_state()}
    assert same(round_trip(state), state)
    legacy = np.random.RandomState(3).get_state()  # ('MT19937', keys, position, ..)
    assert same(round_trip(legacy), legacy)


def test_the_form_of_an_optimizer_state():
    moments = {"step": torch.tensor(3.0), "exp_avg": torch.rand(2, 2)}
    group = {"lr": 1e-3, "betas": (0.9, 0.999), "foreach": None, "fused": False, "params": [0, 1]}
    state = {"state": {0: moments, 1: moments}, "param_groups": [group]}
    assert same(round_trip(state), state)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(24).reshape(4, 6)[::2, 1::3],
        torch.arange(24).reshape(2, 3, 4).permute(2, 0, 1),
        torch.arange(48, dtype=torch.uint8).reshape(2, 3, 2, 4).contiguous(memory_format=torch.channels_last),
        torch.ones(3, dtype=torch.complex64).mul(1j).conj(),
        torch.ones((), requires_grad=True),
        torch.tensor(1.5, dtype=torch.bfloat16).expand(2, 3),
    ],
)
def test_tensors_of_any_layout_keep_their_values(tensor):
    copy = round_trip(tensor)
    assert copy.is_contiguous() and not copy.requires_grad
    assert copy.dtype == tensor.dtype and torch.equal(copy, tensor.detach())


def test_arrays_of_any_layout_keep_their_values():
    for array in (np.arange(24).reshape(4, 6)[::-1, ::2], np.asfortranarray(np.eye(3)), np.array(3.5)):
        assert np.array_equal(round_trip(array), array)
    big = np.arange(5, dtype=">i4")
    assert np.array_equal(round_trip(big), big)


def test_what_becomes_simpler():
    class Color(enum.IntEnum):
        RED = 3

    assert same(round_trip(OrderedDict(a=1)), {"a": 1})
    assert same(round_trip(namedtuple("Point", "x y")(1, 2)), (1, 2))
    assert same(round_trip([np.int64(3), np.float32(0.5), np.bool_(True), Color.RED]), [3, 0.5, True, 3])
    assert same(round_trip(torch.nn.Parameter(torch.ones(2))), torch.ones(2))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, {2}]}, r"^state\['a'\]\[1\] is a set; a checkpoint holds"),
        ({"f": print}, r"^state\['f'\] is a builtin_function_or_method"),
        ({"b": b"x"}, r"^state\['b'\] is a bytes"),
        ({1.5: 0}, r"^state has the key 1.5; keys must be str or int"),
        ({"o": np.array([object()])}, r"^state\['o'\] is an array of object"),
        ({"s": np.array(["x"])}, r"^state\['s'\] is an array of <U1"),
        ({"t": torch.eye(2).to_sparse()}, r"^state\['t'\] is a tensor of torch.float32, torch.sparse_coo"),
    ],
)
def test_other_things_are_refused_with_their_place(value, text):
    with pytest.raises(TypeError, match=text):
        encode(value, Store().add)


@pytest.mark.parametrize("make", [torch.arange, lambda n: np.arange(n)])
def test_the_start_of_a_growing_array_gives_the_same_pieces(monkeypatch, make):
    monkeypatch.setattr(packing, "PIECE_BYTES", 100)  # rows of 3 x 8 bytes: 4 a piece
    short, long = Store(), Store()
    encode(make(30).reshape(10, 3), short.add)
    encode(make(60).reshape(20, 3), long.add)
    assert [len(blob) for blob in long.blobs] == [96] * 5
    assert short.blobs[:2] == long.blobs[:2] and len(short.blobs) == 3


def test_a_row_longer_than_a_piece_is_one_piece(monkeypatch):
    monkeypatch.setattr(packing, "PIECE_BYTES", 10)
    store = Store()
    encode(torch.arange(12).reshape(2, 6), store.add)
    assert [len(blob) for blob in store.blobs] == [48, 48]


def tensor_node(**changes):
    return {"tensor": {"dtype": "float32", "shape": [2], "pieces": [[0, 0, 8]]} | changes}


@pytest.mark.parametrize(
    "node",
    [
        {},
        {"dict": [], "tuple": []},
        {"exec": "import os"},
        {"dict": [[1]]},
        {"dict": 3},
        {"tuple": None},
        {"float": "one"},
        tensor_node(dtype="object"),
        tensor_node(shape=[10**15]),
        tensor_node(shape=[-1, -2]),
        tensor_node(pieces=[]),
        {"array": {"dtype": "|O", "shape": [1], "pieces": [[0, 0, 8]]}},
        {"array": {"dtype": "V8", "shape": [1], "pieces": [[0, 0, 8]]}},
        {"array": {"shape": [1], "pieces": []}},
    ],
)
def test_a_tree_that_was_never_encoded_is_refused(node):
    with pytest.raises((ValueError, TypeError, KeyError)):
        decode([node], lambda target, pieces: None)
