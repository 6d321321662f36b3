"""One rule that turns (run seed, purpose, index) into every other seed of a run.

Streams named by purpose share no state: drawing more from one (evaluating more often, say) changes no other.
"""

import hashlib

import torch

MAX_BITS = 63  # the largest seed that torch and NumPy both take as a signed 64-bit integer


def seed_for(run_seed: int, purpose: str, index: int = 0, *, bits: int = MAX_BITS) -> int:
    """Derive the seed of one random stream from the seed of the run.

    seed = the first 8 bytes of SHA-256("run_seed/index/purpose"), modulo 2^bits.

    Args:
        run_seed: the run's seed, an integer >= 0.
        purpose: name of the stream, for example `"replay"` or `"env"`.
        index: which stream of that purpose (environment slot, episode), an integer >= 0.
        bits: width of the result in bits, 1 to 63; NumPy's legacy `RandomState` takes 32.

    Returns:
        An integer in [0, 2^bits), the same on every machine and Python version.

    Raises:
        TypeError: `run_seed` or `index` is not an integer.
        ValueError: a negative `run_seed` or `index`, or `bits` outside 1..63.

    Example:
        >>> seed_for(1, "env") == seed_for(1, "env", 0)
        True
        >>> seed_for(1, "env", 1) == seed_for(1, "evaluation", 1)
        False
    """
    _check_count("run_seed", run_seed)
    _check_count("index", index)
    if not 1 <= bits <= MAX_BITS:
        raise ValueError(f"bits must be from 1 to {MAX_BITS}, got {bits}")
    digest = hashlib.sha256(f"{run_seed:d}/{index:d}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little") % 2**bits


def generator(run_seed: int, purpose: str, index: int = 0) -> torch.Generator:
    """Make a CPU generator seeded by `seed_for`, with its errors."""
    return torch.Generator(device="cpu").manual_seed(seed_for(run_seed, purpose, index))


def _check_count(name: str, value: int) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < 0:
        raise ValueError(f"{name} must be 0 or more, got {value}")
