"""The tables of the page of speeds, each from the rows of a part and the facts that they depend on."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rad.report.draw.tables import Column, Table
from scripts.bench import cell
from scripts.bench.augment import SIDES
from scripts.bench.compared import LIBRARIES, NOT_INSTALLED
from scripts.bench.minutes import FRAMES, TASK
from scripts.bench.ppo import PARTS
from scripts.bench.sac import PRECISIONS
from scripts.bench.speeds.measured import Measured

Facts = Mapping[str, Any]
Rows = Sequence[Measured]
OTHERS = ("eager", *LIBRARIES)
RUN_HEADS = ["minutes per 100,000 frames", *(f"over {side}" for side in OTHERS), "rounds"]
EVALUATION_SHARE = 0.15  # of a run's wall time, at most, on two cores
ON_A_GPU = {  # on an H100 or H200
    "SAC updates per second at a batch of 128, rendering beside it": "at least 400",
    "PPO on Procgen, agent steps per second": "at least 11,000",
}


def targets(overlap: Rows, cores: int) -> Table:
    """Say which targets are met, and by how much others are missed."""
    rows = [line for row in overlap if row.rounds for line in _targets_of(row, cores)]
    rows += [[what, least, "not measured", ""] for what, least in ON_A_GPU.items()]
    return _texts(["what", "target", "measured", "verdict"], rows)


def _targets_of(row: Measured, cores: int) -> list[list[str]]:
    """Return the lines of a preset; evaluations took no more than the run took beyond the larger part of training."""
    preset, most = row.labels["preset"], row.values("target")[0]
    whole = f"`{preset}`: 100,000 frames over the larger of all updates alone and all rendering alone, {cores} cores"
    trained_ms = [max(numbers["updates_ms"], numbers["rendering_ms"] / 2) for numbers in row.rounds]
    shares = [max(0.0, 1 - ms / whole_ms) for ms, whole_ms in zip(trained_ms, row.values("whole_ms"))]
    share = f"`{preset}`: share of the wall time that evaluations cost at most, {cores} cores"
    return [[whole, *_verdict(most, row.values("ratio"))], [share, *_verdict(EVALUATION_SHARE, shares)]]


def _verdict(most: float, values: Sequence[float]) -> list[str]:
    middle = median(values)
    spread = f" ({min(values):.2f}-{max(values):.2f})" if len(values) > 1 else ""
    over = f"short by {100 * (middle / most - 1):.0f} %"
    return [f"at most {most}", f"{middle:.2f}{spread}", "met" if middle <= most else over]


def sac_updates(rows: Rows, facts: Facts) -> Table:
    """Compare updates: milliseconds of each side, and how many times as long the others take."""
    ours = [name for name in PRECISIONS if rows[0].values(name)]
    sides = [*ours, *OTHERS]
    heads = [*(f"{side}, ms" for side in sides), *(f"{side} / {ours[-1]}" for side in OTHERS)]
    return _texts(
        [*rows[0].labels, *heads, "rounds"],
        [
            [
                *map(str, row.labels.values()),
                *(_number(row.values(side), side, facts) for side in sides),
                *(_ratio(row.ratios(side, ours[-1])) for side in OTHERS),
                str(len(row.rounds)),
            ]
            for row in rows
        ],
    )


def sac_runs(rows: Rows, facts: Facts) -> Table:
    """Compare whole runs: agent steps per second, those of evaluations, minutes, and how many times the others'."""
    from rad.envs import action_repeat_for

    heads = ["side", "precision", "steps/s", "evaluating, steps/s", *RUN_HEADS]
    repeat = action_repeat_for(TASK)
    cells = [
        [
            *(row.labels[name] for name in ("side", "precision")),
            _rate(row, [rate / repeat for rate in row.values("frames_per_s")]),
            _plain([rate / repeat for rate in row.values("evaluation_frames_per_s")]),
            *_of_run(row, rows),
        ]
        for row in rows
    ]
    return _texts(heads, cells)


def overlap(rows: Rows, facts: Facts) -> Table:
    """Set whole runs beside their parts, with the minutes that they take, evaluations included."""
    from rad.envs import action_repeat_for

    steps = FRAMES / action_repeat_for(TASK)
    names = ("updates_ms", "rendering_ms", "whole_ms")
    heads = ["preset", "updates, ms", "rendering, ms", "whole run, ms", "over the larger", "steps/s", "minutes"]
    cells = [
        [
            row.labels["preset"],
            _rate(row, row.values(names[0])),
            *(_plain(row.values(name)) for name in names[1:]),
            _ratio(row.values("ratio")),
            _plain([1000 / ms for ms in row.values("whole_ms")]),
            _plain([steps * ms / 60_000 for ms in row.values("whole_ms")]),
            str(len(row.rounds)),
        ]
        for row in rows
    ]
    return _texts([*heads, "rounds"], cells)


def ppo_runs(rows: Rows, facts: Facts) -> Table:
    """Compare whole runs of PPO and their parts, task by task."""
    heads = ["task", "side", "steps/s", *(f"{part}, s" for part in PARTS), "evaluating, steps/s", *RUN_HEADS]
    cells = []
    for row in rows:
        acting = [1000 / (spent["simulation"] + spent["inference"]) for spent in row.rounds]
        cells.append(
            [
                *(row.labels[name] for name in ("task", "side")),
                _rate(row, row.values("steps_per_s")),
                *(_plain(row.values(part)) for part in PARTS),
                _plain(acting),
                *_of_run(row, [other for other in rows if other.labels["task"] == row.labels["task"]]),
            ]
        )
    return _texts(heads, cells)


def augmentations(rows: Rows, facts: Facts) -> Table:
    """Compare stacks per second, and this library's over the fastest of the others."""
    cells = [
        [
            row.labels["op"],
            *(_plain(row.values(f"{side}_per_s")) for side in SIDES),
            _ratio(row.values("ratio")),
            str(len(row.rounds)),
        ]
        for row in rows
    ]
    return _texts(["operation", *SIDES, "over the fastest", "rounds"], cells)


def _of_run(row: Measured, rows: Rows) -> list[str]:
    """Return minutes, ratios and rounds: the cells of `RUN_HEADS`."""
    mine = row.values("frames_per_s")
    ratios = []
    for side in OTHERS:
        theirs = [rate for other in rows if other.labels["side"] == side for rate in other.values("frames_per_s")]
        ratios.append(_ratio([a / b for a, b in zip(mine, theirs)]))
    return [_plain([FRAMES / rate / 60 for rate in mine]), *ratios, str(len(row.rounds))]


def _rate(row: Measured, values: Sequence[float]) -> str:
    return row.missing or _plain(values)


def _number(values: Sequence[float], side: str, facts: Facts) -> str:
    """Write a number of a side, or why there is none."""
    missing = side in LIBRARIES and facts[LIBRARIES[side][1][0]] == NOT_INSTALLED
    return NOT_INSTALLED if missing else _plain(values)


def _plain(values: Sequence[float]) -> str:
    return cell("", values) if values else ""


def _ratio(values: Sequence[float]) -> str:
    return cell("ratio", values) if values else ""


def _texts(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    """Return a table of texts, numbers to the right: of all columns whose cells begin with a digit or are empty."""
    numeric = [all(not text or text[0].isdigit() for text in column) for column in zip(*cells)]
    return Table([Column(head, "number" if right else "text") for head, right in zip(heads, numeric)], cells)
