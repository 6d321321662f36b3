"""Figures of run folders."""

from collections.abc import Sequence
from functools import partial
from operator import mul
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from rad.report.read.run import Run, Series, read_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart by the colour-blind too; the markers differ as well.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX"
GREY = "#666666"
MOST_DOTS = 200


def learning_curve(run_dir: Path, path: Path) -> None:
    """Draw the evaluation returns of one run over environment frames, as `learning_curves`.

    Dots are its training episodes, whose actions were sampled; of more than 200, means of neighbours are shown.
    """
    run = read_run(run_dir)
    _draw([run], [_label(run)], path, episodes=True)


def learning_curves(run_dirs: Sequence[Path], labels: Sequence[str], path: Path) -> None:
    """Draw the evaluation returns of several runs of one task in one figure, and write a PNG.

    Each line is the mean over a run's evaluation episodes, its band one standard deviation to both sides. A run
    that is evaluated on splits has a line for each. Dashed lines are a uniform random policy, the mean over the
    runs that measured it on the same split. The lower axis counts
    environment frames, the upper one agent steps where all runs have the same action repeat.

    Args:
        run_dirs: run folders with config.json and metrics.jsonl.
        labels: name of each run in the legend.
        path: PNG to write; its folder exists. The same input gives the same bytes.

    Raises:
        ValueError: no folder, or as many labels as folders are not given; a folder is no run or has no
            evaluation; the runs differ in task or render quality, so that their returns cannot be compared.
    """
    if not run_dirs or len(labels) != len(run_dirs):
        raise ValueError(f"labels are {len(labels)} for {len(run_dirs)} run folders; expected one for each of them")
    runs = [read_run(run_dir) for run_dir in run_dirs]
    _check_comparable(runs)
    _draw(runs, labels, path)


def _draw(runs: Sequence[Run], labels: Sequence[str], path: Path, *, episodes: bool = False) -> None:
    from matplotlib.figure import Figure

    lines = [(run, kind, f"{label}{_on(kind)}") for run, label in zip(runs, labels) for kind in _evaluation_kinds(run)]
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for number, line in enumerate(lines):
        _draw_line(axes, number, *line)
    if episodes:
        _draw_episodes(axes, runs[0])
    for number, kind in enumerate(dict.fromkeys(kind for _, kind, _ in lines)):
        _draw_random(axes, number, kind.replace("eval", "baseline", 1), runs)
    _label_axes(axes, [run.series(kind, "episode_return_mean") for run, kind, _ in lines])
    axes.set_title(str(runs[0].config.get("task", runs[0].name)))
    axes.legend(fontsize=8, framealpha=0.9)
    figure.savefig(path, format="png", dpi=150, metadata={"Software": None})


def _draw_line(axes: "Axes", number: int, run: Run, kind: str, label: str) -> None:
    color, marker = COLORS[number % len(COLORS)], MARKERS[number % len(MARKERS)]
    mean, spread = run.series(kind, "episode_return_mean"), run.series(kind, "episode_return_std").values
    low = [value - width for value, width in zip(mean.values, spread)]
    high = [value + width for value, width in zip(mean.values, spread)]
    axes.plot(mean.frames, mean.values, color=color, marker=marker, markersize=4, linewidth=1.6, label=label)
    axes.fill_between(mean.frames, low, high, color=color, alpha=0.18, linewidth=0)


def _draw_episodes(axes: "Axes", run: Run) -> None:
    series = run.series("episode", "episode_return")
    size = -(-len(series.frames) // MOST_DOTS) or 1
    chunks = range(0, len(series.frames), size)
    frames, returns = ([fmean(row[i : i + size]) for i in chunks] for row in (series.frames, series.values))
    if frames:
        axes.plot(
            frames, returns, color=GREY, marker=".", markersize=4, alpha=0.5, linewidth=0, label="training episodes"
        )


def _draw_random(axes: "Axes", number: int, kind: str, runs: Sequence[Run]) -> None:
    returns = [value for run in runs for value in run.series(kind, "episode_return_mean").values]
    if returns:
        mean = sum(returns) / len(returns)
        label = f"random policy{_on(kind)} ({mean:.3g})"
        axes.axhline(mean, color=GREY, linestyle=("--", ":", "-.")[number % 3], linewidth=1.2, label=label)


def _on(kind: str) -> str:
    """Return what a label says of the split in a kind of row: `, on test` for `eval/test`."""
    _, _, split = kind.partition("/")
    return f", on {split}" if split else ""


def _label_axes(axes: "Axes", evaluations: Sequence[Series]) -> None:
    axes.set_xlabel("environment frames")
    axes.set_ylabel("episode return, mean ± std")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.xaxis.set_major_formatter(_thousands)
    axes.grid(alpha=0.25)
    axes.spines["right"].set_visible(False)
    repeats = {_action_repeat(series) for series in evaluations}
    if len(repeats) == 1:
        repeat = repeats.pop()
        upper = axes.secondary_xaxis("top", functions=(partial(mul, 1 / repeat), partial(mul, repeat)))
        upper.set_xlabel("agent steps")
        upper.xaxis.set_major_formatter(_thousands)


def _thousands(count: float, position: Any) -> str:
    return f"{count:,.0f}"


def _action_repeat(series: Series) -> float:
    return series.frames[-1] / series.agent_steps[-1]


def _evaluation_kinds(run: Run) -> list[str]:
    """Return `eval`, or `eval/SPLIT` for each split that the run is evaluated on."""
    kinds = dict.fromkeys(row["kind"] for row in run.rows if row["kind"].partition("/")[0] == "eval")
    if not kinds or not any(row["agent_steps"] for row in run.rows if row["kind"] in kinds):
        raise ValueError(f"run folder '{run.folder}' holds no evaluation yet")
    return list(kinds)


def _check_comparable(runs: Sequence[Run]) -> None:
    for field in ("task", "render_quality"):
        if len(values := {str(run.config.get(field)) for run in runs}) > 1:
            raise ValueError(f"runs differ in {field}: {', '.join(sorted(values))}; expected one in a figure")


def _label(run: Run) -> str:
    words = [str(run.config[name]) for name in ("algo", "augment") if name in run.config]
    return ", ".join([*words, f"seed {run.config['seed']}"] if "seed" in run.config else words) or run.name
