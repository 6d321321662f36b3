"""Nested states for checkpoint tests: a strategy that draws them and a strict comparison."""

import math
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from rad.runtime.checkpoint.packing import TORCH_DTYPES

NUMPY_DTYPES = (
    "bool",
    "uint8",
    "int16",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
)
SHAPES = st.lists(st.integers(0, 4), max_size=3)


def same(left: Any, right: Any) -> bool:
    """Equal values of equal types, NaN equal to NaN, tensors and arrays equal in every bit, dicts in order."""
    if type(left) is not type(right):
        return False
    if isinstance(left, Tensor | np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and _bits(left) == _bits(right)
    if isinstance(left, dict):
        return same(list(left.items()), list(right.items()))
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return (math.isnan(left) and math.isnan(right)) or (left, math.copysign(1, left)) == (
            right,
            math.copysign(1, right),
        )
    return bool(left == right)


def as_saved(state: Any) -> Any:
    """Return a copy of a state as a file gives it back: tensors contiguous, whatever their layout was."""
    if isinstance(state, Tensor):
        return state.clone(memory_format=torch.contiguous_format)
    if isinstance(state, dict):
        return {name: as_saved(value) for name, value in state.items()}
    return type(state)(map(as_saved, state)) if isinstance(state, list | tuple) else state


def _bits(value: Tensor | np.ndarray) -> bytes:
    if isinstance(value, Tensor):
        value = value.contiguous().reshape(-1).view(torch.uint8).numpy()
    return value.tobytes()


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    dtype = TORCH_DTYPES[draw(st.sampled_from(sorted(TORCH_DTYPES)))]
    shape = draw(SHAPES)
    data = draw(st.randoms(use_true_random=False)).randbytes(math.prod(shape) * dtype.itemsize)
    if dtype == torch.bool:
        return torch.tensor([byte % 2 == 1 for byte in data], dtype=dtype).reshape(shape)
    flat = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
    return flat.reshape(shape)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    dtype = np.dtype(draw(st.sampled_from(NUMPY_DTYPES)))
    shape = draw(SHAPES)
    data = draw(st.randoms(use_true_random=False)).randbytes(math.prod(shape) * dtype.itemsize)
    if dtype.kind == "b":
        return np.array([byte % 2 for byte in data], dtype=bool).reshape(shape)
    return np.frombuffer(data, dtype=dtype).reshape(shape)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.text(max_size=8) | st.integers()


def states() -> st.SearchStrategy[dict[Any, Any]]:
    leaves = PLAIN | tensors() | arrays()
    nodes = st.recursive(leaves, _containers, max_leaves=12)
    return st.dictionaries(KEYS, nodes, max_size=5)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, max_size=3)
    return lists | lists.map(tuple) | st.dictionaries(KEYS, inner, max_size=3)
