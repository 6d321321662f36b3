"""Whether looking at the robot, or at what matters, goes with generalization: over all agents of a study."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from rad.attention.draw.scatter import Panel, scatter_figure
from rad.evaluation import agent_file
from rad.report.draw.tables import Column, Table
from rad.report.read.final_returns import TRAIN, trained_and_tested
from rad.report.read.run import read_run
from rad.report.stats.correlation import LEAST_PAIRS, spearman_interval
from rad.runtime.files import replacing
from rad.runtime.run_dir import METRICS_FILE

TABLE_FILE = "agents.md"
FILES = (TABLE_FILE, "agents-*.png")
MEASURES = {"lift": "lift on the robot", "rank_accuracy": "rank accuracy with the ground truth"}
PLAYED_ALIKE = ("episodes", "policy")  # what returns on a card share that are of one evaluation

Json = dict[str, Any]


def write_agents(folders: Sequence[Path], numbers: Iterable[Json], out: Path) -> Iterator[Path]:
    """Write, for each split that at least four runs were tested on, how measures of their maps go with retention.

    `numbers` are the rows of `rad.attention.numbers.numbers_of`, of runs in the order of their folders. Controls are no
    maps of an agent and are left out. Nothing is written where fewer have a retention.
    """
    rows = agent_rows(folders, numbers)
    by_split = {split: [row for row in rows if row["split"] == split] for split in {row["split"]: None for row in rows}}
    panels = {split: drawn for split, of_split in by_split.items() if (drawn := list(_panels(of_split)))}
    if panels:
        with replacing(out / TABLE_FILE) as file:
            file.write(agent_table(panels).markdown().encode())
        yield out / TABLE_FILE
    for split, of_split in panels.items():
        scatter_figure(of_split, f"retention on {split}", path := out / f"agents-{split}.png")
        yield path


def agent_rows(folders: Sequence[Path], numbers: Iterable[Json]) -> list[Json]:
    """Return a row for each run, method and split that the run was tested on, with what `MEASURES` are known.

    Retention is the return on the split over that on `train`, in one evaluation at the end of the training.
    """
    numbers = [row for row in numbers if not row["method"].startswith("control")]
    labels = list(dict.fromkeys(row["run"] for row in numbers))
    retentions = {label: _retentions(folder) for label, folder in zip(labels, folders, strict=True)}
    rows = []
    for row in numbers:
        measured = {"lift": fmean(row["mass"]) / fmean(row["area"])} if row.get("mass") else {}
        measured |= {"rank_accuracy": fmean(row["rank_accuracy"])} if row.get("rank_accuracy") else {}
        about = {name: row[name] for name in ("run", "augmentation", "method")}
        rows += [about | measured | {"split": on, "retention": kept} for on, kept in retentions[row["run"]].items()]
    return rows


def agent_table(panels: dict[str, list[Panel]]) -> Table:
    """Return the correlations by split, method and measure."""
    columns = [*(Column(name, "text") for name in ("split", "map", "measure")), Column("agents")]
    cells = [
        [split, panel.method, panel.measure, len(panel.points), panel.correlation, panel.within]
        for split, of_split in panels.items()
        for panel in of_split
    ]
    notes = [
        "Spearman's rank correlation over agents of the measure with retention, the return on the split over that on "
        "train; intervals: agents drawn with replacement.",
        "Within augmentations: of the ranks less their mean over the agents of the same augmentation, which are drawn "
        "among themselves. What an augmentation does to all its agents has no part in it.",
    ]
    columns += [Column(name, decimals=2) for name in ("rank corr. [95 %]", "within augmentations [95 %]")]
    return Table(columns, cells, notes=notes)


def _retentions(path: Path) -> dict[str, float]:
    """Return by split what a finished run, or an exported agent by its card, retains there of its return."""
    if path.is_file():
        return _retentions_on_card(agent_file.read(path).card["returns"])
    if not (path / METRICS_FILE).exists():
        return {}
    return {split: test / train for split, (train, test) in trained_and_tested(read_run(path)).items() if train > 0}


def _retentions_on_card(returns: Mapping[str, Json]) -> dict[str, float]:
    """Return retentions of returns on `train` and other splits that are of one evaluation, as far as a card tells."""
    train = returns.get(TRAIN)
    if train is None or train["mean"] <= 0:
        return {}
    alike = {split: of for split, of in returns.items() if all(of[name] == train[name] for name in PLAYED_ALIKE)}
    return {split: of["mean"] / train["mean"] for split, of in alike.items() if split != TRAIN}


def _panels(rows: Sequence[Json]) -> Iterator[Panel]:
    """Yield the points of each measure and method on a split."""
    for measure, title in MEASURES.items():
        for method in dict.fromkeys(row["method"] for row in rows):
            of_method = [row for row in rows if row["method"] == method and measure in row]
            points = [(row[measure], row["retention"], row["augmentation"]) for row in of_method]
            if len(points) >= LEAST_PAIRS:
                first, second, augmentations = zip(*points)
                yield Panel(
                    method, title, points, *(spearman_interval(first, second, by) for by in (None, augmentations))
                )
