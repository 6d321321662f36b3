"""Nested state to a JSON tree whose tensors and arrays are pieces of blobs, and back. No code is ever loaded.

In the tree, None, bool, int, str, finite floats and lists stand for themselves; every JSON object has one key
that names what it is: `dict` (pairs, so keys keep their type and order), `tuple`, `float` (NaN and
infinities), `tensor` or `array` (dtype, shape and pieces).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

Piece = list[int]  # number of the blob, first byte in it, length in bytes
Add = Callable[[memoryview], Piece]
Fill = Callable[[memoryview, list[Piece]], None]

# Arrays are cut along axis 0 after a fixed number of rows, at most this many bytes (but at least one row), so
# that the unchanged start of a growing array gives the same blobs again.
PIECE_BYTES = 64 * 2**20

TORCH_DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in (
        *("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
        *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
    )
}
NUMPY_KINDS = "biufc"


def encode(value: Any, add: Add, where: str = "state") -> Any:
    """Turn nested state into a JSON tree.

    Args:
        value: dicts (keys str, int or bool), lists, tuples, tensors, NumPy arrays of numbers, int, float,
            str, bool, None. NumPy scalars become Python numbers; other mappings become dicts.
        add: takes the bytes of one piece (valid during the call only), returns where they are kept.
        where: name of `value` in errors.

    Raises:
        TypeError: anything else; the text says where it stands.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(float(value))}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        return {"tensor": _encode_tensor(value, add, where)}
    if isinstance(value, np.ndarray):
        return {"array": _encode_array(value, add, where)}
    return _encode_container(value, add, where)


def _encode_container(value: Any, add: Add, where: str) -> Any:
    if isinstance(value, Mapping):
        if wrong := [key for key in value if not isinstance(key, str | int)]:
            raise TypeError(f"{where} has the key {wrong[0]!r}; keys must be str or int")
        return {"dict": [[key, encode(item, add, f"{where}[{key!r}]")] for key, item in value.items()]}
    if not isinstance(value, list | tuple):
        raise TypeError(f"{where} is a {type(value).__name__}; a checkpoint holds tensors, arrays and plain values")
    items = [encode(item, add, f"{where}[{index}]") for index, item in enumerate(value)]
    return items if isinstance(value, list) else {"tuple": items}


def _encode_tensor(tensor: Tensor, add: Add, where: str) -> dict[str, Any]:
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in TORCH_DTYPES or tensor.layout != torch.strided:
        raise TypeError(f"{where} is a tensor of {tensor.dtype}, {tensor.layout}; known: {', '.join(TORCH_DTYPES)}")
    rows = tensor.detach().resolve_conj().resolve_neg()
    return {"dtype": name} | _pieces(
        rows, tensor.element_size(), lambda part: add(_tensor_bytes(part.cpu().contiguous()))
    )


def _encode_array(array: np.ndarray, add: Add, where: str) -> dict[str, Any]:
    if array.dtype.kind not in NUMPY_KINDS:
        raise TypeError(f"{where} is an array of {array.dtype}; a checkpoint holds arrays of numbers only")
    dtype = array.dtype.newbyteorder("<")
    packed = _pieces(array, dtype.itemsize, lambda part: add(_array_bytes(np.ascontiguousarray(part, dtype=dtype))))
    return {"dtype": dtype.str} | packed


def _pieces(values: Any, item_bytes: int, add: Callable[[Any], Piece]) -> dict[str, Any]:
    """Cut axis 0 into pieces of equally many rows; none for an array without elements."""
    shape = list(values.shape)
    rows, size = values if shape else values.reshape(1), math.prod(shape) * item_bytes
    step = max(1, PIECE_BYTES // (size // len(rows))) if size else 1
    starts = range(0, len(rows) if size else 0, step)
    return {"shape": shape, "pieces": [add(rows[start : start + step]) for start in starts]}


def _tensor_bytes(tensor: Tensor) -> memoryview:
    return tensor.reshape(-1).view(torch.uint8).numpy().data


def _array_bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def decode(node: Any, fill: Fill) -> Any:
    """Rebuild what `encode` took; tensors come back contiguous and on the CPU.

    `fill` takes the memory of one tensor or array and the pieces that belong there; it may write later.

    Raises:
        ValueError, TypeError, KeyError: a tree that `encode` does not make.
    """
    if isinstance(node, list):
        return [decode(item, fill) for item in node]
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    return _DECODERS[kind](content, fill)


def _decode_tensor(content: Any, fill: Fill) -> Tensor:
    dtype = TORCH_DTYPES[content["dtype"]]
    _check_size(content, dtype.itemsize)
    tensor = torch.empty(content["shape"], dtype=dtype)
    fill(_tensor_bytes(tensor), content["pieces"])
    return tensor


def _decode_array(content: Any, fill: Fill) -> np.ndarray:
    dtype = np.dtype(content["dtype"])
    if dtype.kind not in NUMPY_KINDS:
        raise ValueError(f"array of {dtype}")
    _check_size(content, dtype.itemsize)
    array = np.empty(content["shape"], dtype=dtype)
    fill(_array_bytes(array), content["pieces"])
    return array


def _check_size(content: Mapping[str, Any], item_bytes: int) -> None:
    """Compare shape and pieces before memory is asked for."""
    expected = math.prod(content["shape"]) * item_bytes
    held = sum(length for _, _, length in content["pieces"])
    if expected != held or min(content["shape"], default=0) < 0:
        raise ValueError(f"an array of shape {content['shape']} needs {expected} bytes and has {held}")


_DECODERS: dict[str, Callable[[Any, Fill], Any]] = {
    "dict": lambda pairs, fill: {key: decode(value, fill) for key, value in pairs},
    "tuple": lambda items, fill: tuple(decode(item, fill) for item in items),
    "float": lambda text, fill: float(text),
    "tensor": _decode_tensor,
    "array": _decode_array,
}
