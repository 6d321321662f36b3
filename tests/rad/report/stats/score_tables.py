"""Tables of scores to compute with."""

import numpy as np

Table = dict[str, np.ndarray]


def table(seed: int, *sizes: int, points: int = 0, decimals: int = 12) -> Table:
    """Return a task for each of `sizes`, of so many runs, around means from 0.2 to 1.1; few decimals make ties."""
    generator = np.random.default_rng(seed)
    centers = generator.uniform(0.2, 1.1, len(sizes))
    tail = (points,) if points else ()
    drawn = [center + generator.normal(0, 0.15, (size, *tail)) for center, size in zip(centers, sizes)]
    return {f"suite/task-{number}": np.round(values, decimals) for number, values in enumerate(drawn)}


EQUAL = (10,) * 6
UNEQUAL = (3, 10, 1, 5, 7)
TABLES = {
    "equal": table(0, *EQUAL),
    "unequal": table(1, *UNEQUAL),
    "even number of tasks": table(2, 4, 5, 6, 3),
    "ties": table(3, *EQUAL, decimals=1),
    "one task": table(4, 5),
    "one run": table(5, 1),
}
