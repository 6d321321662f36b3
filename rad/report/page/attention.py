"""The sections of a report on attention and behavior: figures, lifts, videos."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rad.report.draw.result_tables import attention_table
from rad.report.draw.tables import Table
from rad.report.page.blocks import FILE_BYTES, AssetInliner, Block, Command, Picture, Section, Video
from rad.report.read.groups import Group, Scan
from rad.report.read.provenance import attention_command
from rad.report.stats.attention import Lift, attention_rows, estimate
from rad.runtime.run_dir import ATTENTION_FILE, ATTENTION_PICTURE, VIDEO_FILE

PREFERRED = "activation"  # RAD's map; the other maps are in the table

Row = dict[str, Any]


class AttentionResult(NamedTuple):
    """A folder of `rad attention`."""

    folder: Path
    task: str  # of the runs around it; empty where these are of several tasks
    request: Row  # the settings of the maps
    rows: list[Row]  # a summary for each augmentation and method


def read_attention(scan: Scan) -> list[AttentionResult]:
    """Read the folders of `rad attention`; files that are damaged or something else are added to `scan.unread`."""
    results = []
    for folder in scan.attention:
        path = folder / ATTENTION_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            rows = attention_rows(content["numbers"])
            request = {"states": content["question"].get("frames")} | content["question"]  # their name until 0.2.0
            results.append(AttentionResult(folder, _task_around(folder, scan), request, rows))
        except (OSError, ValueError, LookupError, TypeError) as error:
            scan.unread.append(f"{scan.shown(path)} is not what rad attention writes: {error!r}")
    return results


def lifts(results: Iterable[AttentionResult], task: str) -> tuple[str, dict[str, Lift]]:
    """Return a map's name and, by augmentation, the lift on the robot that was measured with it on a task."""
    for result in results:
        rows = [row for row in result.rows if "lift" in row and not row["method"].startswith("control")]
        if result.task == task and rows:
            methods = [row["method"] for row in rows]
            method = PREFERRED if PREFERRED in methods else methods[0]
            rows = [row for row in rows if row["method"] == method]
            return method, {row["augmentation"]: Lift(estimate(row, "lift"), row["seeds"]) for row in rows}
    return "", {}


def attention_section(
    results: Sequence[AttentionResult], groups: Sequence[Group], scan: Scan, assets: AssetInliner
) -> list[Section]:
    """Return the section on where encoders look; none if no run has drawn anything."""
    blocks: list[Block] = []
    for number, result in enumerate(results, start=1):
        name = f"attention-{number}" if len(results) > 1 else "attention"
        blocks.append(_table(result, name, scan.shown(result.folder)))
        blocks += [
            Picture(f"{scan.shown(path)}: the same state seen by all runs", assets.embed(path), is_wide=True)
            for path in sorted(result.folder.glob("attention-*.png"), key=_numbers)
        ]
        command = attention_command(result.folder, result.request)
        blocks.append(Command("Made by, with the runs named in the figure", command))
    blocks += [Picture(title, assets.embed(path)) for path, title in _first_with(groups, scan, ATTENTION_PICTURE)]
    if not blocks:
        return []
    what = (
        "Maps show what convolutions respond to, not why the policy acts, and much of them is there before training: "
        "compare each with the untrained encoder. Of each method, the figure of its first run is shown."
    )
    return [Section("Where the encoders look", [what, *blocks])]


def video_section(groups: Sequence[Group], scan: Scan, assets: AssetInliner) -> list[Section]:
    """Return the section with an evaluation video of each method; none if there is no video."""
    videos = [Video(title, assets.embed(path)) for path, title in _first_with(groups, scan, VIDEO_FILE)]
    if not videos:
        return []
    inside = sum(video.is_inside for video in videos)
    what = (
        f"The first episode of the last evaluation, of the first run of each method. {inside} of {len(videos)} are "
        f"embedded in this page; those above {FILE_BYTES / 1e6:g} MB, or that would make the page too large, are links "
        "into the run folders."
    )
    return [Section("How the agents move", [what, *videos])]


def _numbers(path: Path) -> list[int]:
    """Return the numbers in a figure's name, that of its state and then of its page, to sort by."""
    return [int(digits) for digits in re.findall(r"\d+", path.stem)]


def _task_around(folder: Path, scan: Scan) -> str:
    """Return the task of the runs in the closest parent folder that has any; empty if they are of several tasks."""
    for parent in folder.parents:
        tasks = {str(run.config.get("task", "")) for run in scan.runs if parent in run.folder.parents}
        if tasks or parent == scan.folder:
            return tasks.pop() if len(tasks) == 1 else ""
    return ""


def _first_with(groups: Sequence[Group], scan: Scan, name: str) -> list[tuple[Path, str]]:
    """Return this file of the first run of each group that has it, and its title."""
    several = len({group.task for group in groups}) > 1
    return [
        (path, f"{f'{group.task}, ' if several else ''}{group.method}: {scan.shown(path)}")
        for group in groups
        for path in [run.folder / name for run in group.runs if (run.folder / name).is_file()][:1]
    ]


def _table(result: AttentionResult, name: str, folder: str) -> Table:
    states, target, split = (result.request.get(key) for key in ("states", "target", "split"))
    table = attention_table(result.rows)
    notes = [
        "lift: share of the map's mass on the robot over the share of the frame that it covers; 1 is chance. Intervals "
        "over states and seeds.",
        f"{states} states, target {target}, split {split}.",
        *table.notes,
    ]
    return Table(table.columns, table.rows, name, f"Attention, measured in {folder}", notes)
