"""Memory and time of the replay against a buffer that stores both stacks of every transition."""

from collections.abc import Iterable, Sequence
from statistics import median

import numpy as np
import torch

from rad.buffers.replay import Replay
from scripts.bench import Row, wall_s
from scripts.bench.stream import GAMMA, SIDE_PX, Step, add, make_replay, random_steps


class StackedReplay:
    """The plain buffer of `capacity` transitions: `obs` and `next_obs` whole, [C, H, W] each, in NumPy arrays."""

    def __init__(self, capacity: int, obs_shape: tuple[int, int, int], action_dim: int) -> None:
        self.obs, self.next_obs = (np.empty((capacity, *obs_shape), np.uint8) for _ in range(2))
        self.action = np.empty((capacity, action_dim), np.float32)
        self.reward = np.empty(capacity, np.float32)
        self.discount = np.full(capacity, GAMMA, np.float32)
        self.held = 0

    def add(self, step: Step) -> None:
        """Add one transition; there must be room for it."""
        self.obs[self.held], self.next_obs[self.held] = step.obs, step.next_obs
        self.action[self.held], self.reward[self.held] = step.action, step.reward
        self.held += 1

    def sample(self, batch_size: int, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        """Draw transitions uniformly, with replacement: what `Replay.sample` gives."""
        rows = torch.randint(self.held, (batch_size,), generator=generator).numpy()
        arrays = (self.obs, self.action, self.reward, self.discount, self.next_obs)
        return tuple(torch.from_numpy(array[rows]) for array in arrays)


def run(
    transitions: int = 4_000, batch_size: int = 128, side_px: int = SIDE_PX, samples: int = 50, action_dim: int = 6
) -> list[Row]:
    """Fill both buffers with the same transitions and draw from both, turn by turn.

    The `samples` are timed; a tenth as many come before.

    Returns:
        A row per measure: `measure`, `ratio` (stacked over rad, so that more is better), `rad` and `stacked`.
        Times are medians.
    """
    ours = make_replay(transitions, action_dim, side_px)
    stacked = StackedReplay(transitions, (9, side_px, side_px), action_dim)
    adding = time_adding(ours, stacked, random_steps(transitions, action_dim, side_px=side_px))
    sampling = time_sampling(ours, stacked, batch_size, samples)
    measures = {
        "bytes per transition": [nbytes(buffer) / transitions for buffer in (ours, stacked)],
        "add, us": [1e6 * seconds for seconds in adding],
        f"sample {batch_size}, ms": [1e3 * seconds for seconds in sampling],
    }
    return [{"measure": name, "ratio": b / a, "rad": a, "stacked": b} for name, (a, b) in measures.items()]


def time_adding(ours: Replay, stacked: StackedReplay, steps: Iterable[Step]) -> tuple[float, float]:
    """Add every transition to both; return the median seconds of each."""
    return _medians([(wall_s(add, ours, step), wall_s(stacked.add, step)) for step in steps])


def time_sampling(ours: Replay, stacked: StackedReplay, batch_size: int, samples: int) -> tuple[float, float]:
    """Draw samples with whole stacks from both, turn by turn; return the median seconds of each."""
    generator = torch.Generator().manual_seed(0)

    def sample() -> object:
        return ours.sample(batch_size, generator).built()

    times = [(wall_s(sample), wall_s(stacked.sample, batch_size, generator)) for _ in range(samples + samples // 10)]
    return _medians(times[samples // 10 :])


def nbytes(buffer: Replay | StackedReplay) -> int:
    """Return the bytes of all arrays and tensors of a buffer."""
    return sum(value.nbytes for value in vars(buffer).values() if isinstance(value, np.ndarray | torch.Tensor))


def _medians(times: Sequence[tuple[float, ...]]) -> tuple[float, float]:
    ours, stacked = zip(*times)
    return median(ours), median(stacked)
