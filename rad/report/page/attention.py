"""What a report shows of where the runs look and how they move: attention figures, lifts, films."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rad.report.draw.sheets import Sheet
from rad.report.page.blocks import FILE_BYTES, Block, Command, Film, Picture, Section, Shelf, Words
from rad.report.read.groups import Found, Group
from rad.report.read.provenance import attention_command
from rad.report.read.run import Run
from rad.report.stats.attention import UNTRAINED, attention_rows
from rad.report.stats.bootstrap import Estimate, alone
from rad.runtime.run_dir import ATTENTION_FILE

FIGURE, FILM = "attention.png", "evaluation.mp4"
PREFERRED = "activation"  # RAD's map; the others stand in the table

Row = dict[str, Any]


@dataclass(frozen=True)
class Looked:
    """A folder of `rad attention`.

    Attributes:
        folder: where it is.
        task: of the runs around it; empty where these are of several tasks.
        question: what was asked.
        rows: a summary for each augmentation and method.
    """

    folder: Path
    task: str
    question: Row
    rows: list[Row]


def looked(found: Found) -> list[Looked]:
    """Read the folders of `rad attention`; what is damaged, or is of something else, is added to `found.unread`."""
    return [one for folder in found.attention if (one := _looked(folder, found))]


def lifts(folders: Iterable[Looked], task: str) -> tuple[str, dict[str, Estimate]]:
    """Return the method and, by augmentation, the lift on the robot that was measured with it on a task."""
    for one in folders:
        rows = [row for row in one.rows if "lift" in row and not row["method"].startswith("control")]
        if one.task == task and rows:
            methods = [row["method"] for row in rows]
            method = PREFERRED if PREFERRED in methods else methods[0]
            return method, {row["augmentation"]: _estimate(row, "lift") for row in rows if row["method"] == method}
    return "", {}


def attention_section(folders: Sequence[Looked], groups: Sequence[Group], found: Found, shelf: Shelf) -> list[Section]:
    """Return the section on where encoders look; none if no run has drawn anything."""
    blocks: list[Block] = []
    for one in folders:
        number = f"-{folders.index(one) + 1}" if len(folders) > 1 else ""
        blocks.append(_sheet(one, f"attention{number}", found.shown(one.folder)))
        pictures = sorted(one.folder.glob("attention-*.png"))
        blocks += [
            Picture(f"{found.shown(path)}: the same state seen by all runs", shelf.put(path), is_wide=True)
            for path in pictures
        ]
        blocks.append(
            Command("Made by, with the runs named in the figure", attention_command(one.folder, one.question))
        )
    for run, name in _first_with(groups, FIGURE):
        blocks.append(Picture(f"{name}: {found.shown(run.folder)}/{FIGURE}", shelf.put(run.folder / FIGURE)))
    if not blocks:
        return []
    what = (
        "Maps show what convolutions answer to, not why the policy acts, and much of them is there before training: "
        "read each beside the untrained encoder. Of each method, the figure of its first run is shown."
    )
    return [Section("Where the encoders look", [Words(what), *blocks])]


def film_section(groups: Sequence[Group], found: Found, shelf: Shelf) -> list[Section]:
    """Return the section with an evaluation film of each method; none if there is no film."""
    films = []
    for run, name in _first_with(groups, FILM):
        path = run.folder / FILM
        source, link = shelf.put(path), shelf.link(path)
        films.append(Film(f"{name}: {found.shown(path)}", source, link, source != link))
    if not films:
        return []
    inside = sum(film.is_inside for film in films)
    what = (
        f"The first episode of the last evaluation, of the first run of each method. {inside} of {len(films)} are "
        f"inside this page; those above {FILE_BYTES / 1e6:g} MB, or that would make the page too large, are linked and "
        "need the run folders."
    )
    return [Section("How the agents move", [Words(what), *films])]


def _looked(folder: Path, found: Found) -> Looked | None:
    path = folder / ATTENTION_FILE
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        return Looked(folder, _task_around(folder, found), dict(read["question"]), attention_rows(read["numbers"]))
    except (OSError, ValueError, LookupError, TypeError) as error:
        found.unread.append(f"{found.shown(path)} is not what rad attention writes: {error!r}")
        return None


def _task_around(folder: Path, found: Found) -> str:
    """Return the task of the runs in the closest folder around that has any; empty if they are of several tasks."""
    for place in folder.parents:
        tasks = {str(run.config.get("task", "")) for run in found.runs if place in run.folder.parents}
        if tasks or place == found.folder:
            return tasks.pop() if len(tasks) == 1 else ""
    return ""


def _first_with(groups: Sequence[Group], name: str) -> list[tuple[Run, str]]:
    """Return of each group the first run that has a file, and what to call it."""
    several = len({group.task for group in groups}) > 1
    return [
        (run, f"{group.task}, {group.method}" if several else group.method)
        for group in groups
        for run in [run for run in group.runs if (run.folder / name).is_file()][:1]
    ]


def _sheet(one: Looked, name: str, folder: str) -> Sheet:
    decimals = {"augmentation": 0, "map": 0, "seeds": 0, "return": 0, "lift [95 %]": 2, "lift, 2 px wider [95 %]": 2}
    decimals |= {"x untrained [95 %]": 2, "insertion (low)": 2, "deletion (high)": 2}
    decimals |= {"rank corr., heads random": 2, "all random": 2}
    notes = [
        "lift: share of the map's mass on the robot over the share of the frame that it covers; 1 is chance. Intervals "
        "over states and seeds.",
        f"{one.question.get('frames')} states, target {one.question.get('target')}, split {one.question.get('split')}.",
    ]
    return Sheet(name, f"Attention, measured in {folder}", decimals, [_cells(row) for row in one.rows], notes)


def _cells(row: Row) -> list[Any]:
    alike = row.get("rank_correlation", {})
    estimates = [_estimate(row, name) if name in row else None for name in ("lift", "wide_lift", "over_untrained")]
    head = [row["augmentation"], row["method"], row["seeds"], row.get("episode_return"), *estimates]
    return [*head, row.get("insertion"), row.get("deletion"), alike.get("heads"), alike.get(UNTRAINED)]


def _estimate(row: Row, name: str) -> Estimate:
    interval = row.get(f"{name}_interval")
    return Estimate(row[name], *interval) if interval else alone(row[name])
