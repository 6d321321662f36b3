"""How likely correlations within augmentations are by chance: python results/within_augmentations.py FOLDER AGENT ...

FOLDER is what `rad attention --out FOLDER` wrote, the agents are those that it was given, in the same order.
"""

import json
import sys
from pathlib import Path

import numpy as np

from rad.attention.over_agents import MEASURES, agent_rows
from rad.report.stats.comparisons import holm
from rad.report.stats.correlation import spearman

DRAWS = 5_000


def p_value(first: np.ndarray, second: np.ndarray, names: np.ndarray) -> float:
    """Return how often shuffling within augmentations gives a correlation that is at least as far from 0."""
    shuffled, generator, found = second.copy(), np.random.default_rng(0), abs(spearman(first, second, names))
    extreme = 0
    for _ in range(DRAWS):
        for name in np.unique(names):
            shuffled[names == name] = generator.permutation(second[names == name])
        extreme += abs(spearman(first, shuffled, names)) >= found - 1e-9
    return (1 + extreme) / (1 + DRAWS)


def main(folder: Path, agents: list[Path]) -> None:
    """Print the comparisons, the least likely first, with Holm's correction over all."""
    numbers = json.loads((folder / "attention.json").read_text())["numbers"]
    p_values = {}
    rows = agent_rows(agents, numbers)
    for split, method, measure in {(row["split"], row["method"], name): None for row in rows for name in MEASURES}:
        these = [row for row in rows if (row["split"], row["method"]) == (split, method)]
        columns = (np.array([row[name] for row in these]) for name in (measure, "retention", "augmentation"))
        p_values[f"{split} {method} {measure}"] = p_value(*columns)
    adjusted = holm(p_values)
    for name in sorted(p_values, key=p_values.__getitem__):
        print(f"p {p_values[name]:.4f}  after Holm {adjusted[name]:.3f}  {name}")


if __name__ == "__main__":
    folder, *agents = map(Path, sys.argv[1:])
    main(folder, agents)
