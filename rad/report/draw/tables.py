"""Tables of results as plain text."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

WIDTH = 100


def split_table(rows: Sequence[Row]) -> str:
    """Write the evaluation of a run on splits: what was played, a line for each split, and what to know of them.

    Args:
        rows: at least one; as `rad.evaluation.compare_splits.evaluate_run` returns them, or the rows of kind `summary`
            in its file.

    Returns:
        Lines of at most 100 characters, unless the names of splits are long.
    """
    decimals = _decimals(rows)
    parts = [_head(rows), aligned([_cells(row, decimals) for row in rows]), _notes(rows)]
    return "\n\n".join(parts)


def sweep_table(rows: Sequence[Row]) -> str:
    """Write the returns at the end of the runs of a sweep: a line for each task and augmentation.

    Args:
        rows: at least one; each has texts by name (task, augment, what else is varied, and `split`), and `returns`:
            the mean return of each finished run by its seed, None where that was not finite.

    Returns:
        Columns: the texts, mean, least and largest over the seeds, how many seeds, and the return of each.
    """
    known = [value for row in rows for value in row["returns"].values() if value is not None]
    decimals = _decimals([{"episode_return_mean": value} for value in known or [0.0]])
    return aligned([_sweep_cells(row, decimals) for row in rows], left=len(rows[0]) - 1)


def _sweep_cells(row: Row, decimals: int) -> dict[str, str]:
    texts = {name: str(value) for name, value in row.items() if name != "returns"}
    found = [value for value in row["returns"].values() if value is not None]
    mean, least, most = (sum(found) / len(found), min(found), max(found)) if found else (0.0, 0.0, 0.0)
    numbers = {"mean": mean, "min": least, "max": most}
    each = ", ".join(
        f"{seed}: {'-' if value is None else f'{value:z.{decimals}f}'}" for seed, value in row["returns"].items()
    )
    cells = {name: f"{value:z.{decimals}f}" if found else "-" for name, value in numbers.items()}
    return texts | cells | {"seeds": str(len(row["returns"])), "return of each seed": each}


def _head(rows: Sequence[Row]) -> str:
    row = rows[0]
    return _wrapped(
        f"{row['run']}: {row['task']}, {row['frames']:,} frames trained, policy {row['policy']}, seed {row['seed']}",
        f"environments {row['envs']}, episodes in each {row['episodes_per_env']}{_pairing(rows)}",
    )


def _pairing(rows: Sequence[Row]) -> str:
    paired = next((row["paired"] for row in rows if "paired" in row), None)
    if paired is None:
        return ""
    return (
        "; same initial states on all splits, gaps paired by episode"
        if paired
        else "; levels differ between splits, gaps not paired"
    )


def _notes(rows: Sequence[Row]) -> str:
    trained_on = rows[0]["train_split"]
    levels = "; ".join(row["levels"] for row in rows if "levels" in row)
    constants = rows[0].get("score_constants")
    return _wrapped(
        *([f"train: the run trained on {trained_on}"] if trained_on != "train" else []),
        *([f"levels: {levels}"] if levels else []),
        *([f"normalised with the constants of: {constants}"] if constants else []),
        "intervals: chance of the episodes of this one training run, not of training",
    )


def _wrapped(*lines: str) -> str:
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines)


def _cells(row: Row, decimals: int) -> dict[str, str]:
    """Return the cells of a split by their column; empty where the row says nothing."""
    percent = f"{100 * row['confidence']:g} %"
    return {
        "split": row["split"],
        "mean": _number(row, "episode_return_mean", decimals),
        f"{percent} interval": _interval(row, "episode_return_interval", decimals),
        "normalised": _number(row, "normalized_return_mean", 3),
        "episodes": str(row["episodes"]),
        "gap to train": _number(row, "gap_to_train", decimals),
        f"{percent} of gap": _interval(row, "gap_interval", decimals),
        "retention": _number(row, "retention", 2),
    }


def _number(row: Row, name: str, decimals: int) -> str:
    return f"{row[name]:z.{decimals}f}" if name in row else ""  # z: no -0.0


def _interval(row: Row, name: str, decimals: int) -> str:
    return f"[{', '.join(f'{end:z.{decimals}f}' for end in row[name])}]" if name in row else ""


def _decimals(rows: Sequence[Row]) -> int:
    """Return the decimals that give the largest mean about four digits: 812.3, 12.34, 0.873."""
    largest = max(abs(row["episode_return_mean"]) for row in rows)
    return 1 if largest >= 100 else 2 if largest >= 10 else 3


def aligned(cells: Sequence[Mapping[str, str]], left: int = 1) -> str:
    """Write a table, `left` columns to the left, the others to the right; columns without an entry are left out."""
    to_left = list(cells[0])[:left]
    titles = [title for title in cells[0] if any(row[title] for row in cells)]
    lines = [titles, *([row[title] for title in titles] for row in cells)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    sides = ["<" if title in to_left else ">" for title in titles]
    return "\n".join("  ".join(f"{c:{s}{w}}" for c, s, w in zip(line, sides, widths)).rstrip() for line in lines)
