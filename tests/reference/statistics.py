"""Statistics of runs over tasks, one run at a time, from the formulas.

`scores` is a dict from a task to the list of its runs' scores. Sources: Agarwal et al. 2021 (arXiv 2108.13264),
section 4; Mann and Whitney 1947 for U; Holm 1979, "A simple sequentially rejective multiple test procedure".
"""

import itertools

import numpy as np


def iqm(scores):
    """Sort all runs of all tasks, drop a quarter at both ends, rounded down, and average the rest."""
    runs = sorted(value for values in scores.values() for value in values)
    cut = len(runs) // 4
    kept = runs[cut : len(runs) - cut]
    return sum(kept) / len(kept)


def task_means(scores):
    return [sum(values) / len(values) for values in scores.values()]


def mean(scores):
    means = task_means(scores)
    return sum(means) / len(means)


def median(scores):
    means = sorted(task_means(scores))
    half = len(means) // 2
    return means[half] if len(means) % 2 else (means[half - 1] + means[half]) / 2


def optimality_gap(scores):
    """How far below 1 the runs lie; what lies above 1 does not make up for it."""
    return mean({task: [max(1 - value, 0) for value in values] for task, values in scores.items()})


def profile(scores, threshold):
    return mean({task: [float(value > threshold) for value in values] for task, values in scores.items()})


def improvement(first, second):
    """Share of pairs of runs in which the first is better, ties by half, averaged over tasks."""
    shares = []
    for task in first:
        wins = 0.0
        for x, y in itertools.product(first[task], second[task]):
            wins += 1 if x > y else 0.5 if x == y else 0
        shares.append(wins / (len(first[task]) * len(second[task])))
    return sum(shares) / len(shares)


def improvement_p_value(first, second):
    """Share of all ways to deal each task's runs to two methods anew that lie as far from 1/2, or farther."""
    found = abs(improvement(first, second) - 0.5)
    deals = [list(deal(first[task], second[task])) for task in first]
    distances = [
        abs(sum(improvement({0: x}, {0: y}) for x, y in chosen) / len(chosen) - 0.5)
        for chosen in itertools.product(*deals)
    ]
    return sum(distance >= found - 1e-12 for distance in distances) / len(distances)


def deal(first, second):
    runs = [*first, *second]
    for chosen in itertools.combinations(range(len(runs)), len(first)):
        yield [runs[i] for i in chosen], [runs[i] for i in range(len(runs)) if i not in chosen]


def holm(p_values):
    """Multiply the smallest by their number, the next by one less, and so on; never below one before, nor above 1."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, (len(p_values) - place) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted


def drawn_anew(scores, generator):
    """Draw each task's runs with replacement, as many as there are."""
    return {
        task: [values[i] for i in generator.integers(len(values), size=len(values))] for task, values in scores.items()
    }


def interval(statistic, tables, samples, seed):
    """Give the middle 95 % of a statistic of tables whose runs are drawn anew, each for itself."""
    generator = np.random.default_rng(seed)
    tables = [{task: list(map(float, values)) for task, values in table.items()} for table in tables]
    found = [statistic(*(drawn_anew(table, generator) for table in tables)) for _ in range(samples)]
    return np.quantile(found, [0.025, 0.975])
