"""Files of agents: the weights that act and a card about them, as safetensors, from which nothing is ever executed."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from rad.runtime.files import replacing

FORMAT = "rad-agent-1"

Weights = dict[str, dict[str, np.ndarray]]
"""By network and name."""


class AgentFile(NamedTuple):
    """What a file holds; `rad.evaluation.export` says what stands on a card."""

    card: dict[str, Any]  # plain values of JSON
    weights: Weights


def write(path: Path, card: Mapping[str, Any], weights: Weights) -> None:
    """Write a file, in one step.

    Raises:
        ValueError: the card holds a number that is not finite.
    """
    flat = {
        f"{network}.{name}": np.asarray(value, order="C")
        for network, of in weights.items()
        for name, value in of.items()
    }
    text = json.dumps(card, allow_nan=False)
    metadata = {"format": FORMAT, "card": text, "sha256": _digest(text, flat)}
    with replacing(path) as file:
        file.write(save(flat, metadata))


def read(path: Path) -> AgentFile:
    """Read a file whose card and weights are what was written.

    Raises:
        ValueError: it is damaged or something else; one line that names it.
        OSError: there is no such file, or it cannot be opened.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            names: list[str] = file.keys()
            flat = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, TypeError, ValueError, LookupError):
        raise ValueError(f"{path} is damaged, or no file of rad export") from None
    if metadata.get("format") != FORMAT:
        came = metadata.get("format", "not named")
        raise ValueError(f"{path} is no file of rad export: its format must be {FORMAT}, is {came}")
    text = metadata.get("card", "")
    if metadata.get("sha256") != _digest(text, flat):
        raise ValueError(f"{path} is damaged: its contents do not match their SHA-256")
    weights: Weights = {}
    for full, value in flat.items():
        network, _, name = full.partition(".")
        weights.setdefault(network, {})[name] = value
    return AgentFile(json.loads(text), weights)


def _digest(card: str, flat: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of the card, and of names, types, shapes and bytes of all tensors in the order of names."""
    digest = hashlib.sha256(card.encode())
    for name, value in sorted(flat.items()):
        digest.update(f"\0{name} {value.dtype.str} {list(value.shape)}\0".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()
