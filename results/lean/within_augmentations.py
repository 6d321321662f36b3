"""How likely correlations within augmentations are by chance: python results/lean/within_augmentations.py AGENT ...

The agents are those that `rad attention --out results/lean/attention` was given, in the same order.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from rad.attention.over_agents import MEASURES, agent_rows

DRAWS = 20_000


def p_value(first: np.ndarray, second: np.ndarray, names: np.ndarray) -> tuple[float, float]:
    """Return Spearman's correlation within augmentations, and how often shuffling within them gives one as large."""
    groups = [np.flatnonzero(names == name) for name in np.unique(names)]
    x, y = rankdata(first), rankdata(second)
    for group in groups:
        x[group] -= x[group].mean()
        y[group] -= y[group].mean()
    shuffled, generator = np.tile(y, (DRAWS, 1)), np.random.default_rng(0)
    for group in groups:
        shuffled[:, group] = generator.permuted(shuffled[:, group], axis=1)
    scale = np.sqrt((x @ x) * (y @ y))
    extreme = np.abs(shuffled @ x) >= abs(x @ y) - 1e-9
    return float(x @ y / scale), float((1 + extreme.sum()) / (1 + DRAWS))


def main(agents: list[Path]) -> None:
    """Print the comparisons, the least likely first, with Holm's correction over all."""
    numbers = json.loads((Path(__file__).parent / "attention" / "attention.json").read_text())["numbers"]
    rows, found = agent_rows(agents, numbers), []
    for split, method, measure in {(row["split"], row["method"], name): None for row in rows for name in MEASURES}:
        these = [row for row in rows if (row["split"], row["method"]) == (split, method)]
        columns = (np.array([row[name] for row in these]) for name in (measure, "retention", "augmentation"))
        found.append((*p_value(*columns), split, method, measure))
    adjusted = 0.0
    for place, (correlation, p, *what) in enumerate(sorted(found, key=lambda each: each[1])):
        adjusted = max(adjusted, min(1.0, p * (len(found) - place)))
        print(f"{correlation:.2f}  p {p:.4f}  after Holm {adjusted:.3f}  {' '.join(what)}")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
