"""Files of `rad evaluate`, written and read as these records: a row for each episode, then one for each split."""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rad.runtime.run_dir import EVALUATIONS

# Files that differ in one of these hold different evaluations.
REQUEST = (
    *("task", "frames", "seed", "policy", "envs", "episodes_per_env"),
    *("split", "levels", "score_constants", "background_dir"),
)
# Episodes of two files that agree in these began in the same states and had the same appearance.
SAME_EPISODES = ("seed", "policy", "envs", "episodes_per_env", "train_split", "levels", "background_dir")
# Returns of two files that agree in these are comparable.
COMPARABLE = ("policy", "train_split", "levels")


class Metric(NamedTuple):
    """A number of an evaluation beside its return: its field, here and in metrics.jsonl, and its column."""

    field: str
    title: str
    decimals: int


# A new metric is an entry here, a field of `SplitResult`, and a line of `rad.evaluation.play.summary`.
METRICS = (Metric("episode_frames_mean", "frames per episode", 0), Metric("success_rate", "success rate", 2))


@dataclass(frozen=True, kw_only=True)
class EpisodeResult:
    """An episode; fields that its writer did not know are None."""

    split: str
    env: int
    episode: int  # number in its environment
    episode_return: float  # undiscounted
    episode_frames: int | None = None  # length in environment frames
    success: bool | None = None  # whether it reached its goal, where the suite tells


@dataclass(frozen=True, kw_only=True)
class SplitRequest:
    """What is to be played on a split, and with what; fields that do not apply to the task are None."""

    run: str = ""  # name of the folder
    task: str
    frames: int  # environment frames that the agent was trained for
    seed: int | None = None  # of initial states, levels and sampled actions
    policy: str = ""  # mode or sample
    envs: int | None = None
    episodes_per_env: int | None = None
    split: str
    train_split: str = "train"  # what the run calls `train`
    levels: str | None = None  # of Procgen, in words
    background_dir: list[str] | None = None  # the user's own folders of clips
    score_constants: str | None = None  # that returns are normalized with

    def values(self, names: Iterable[str]) -> dict[str, Any]:
        """Return fields by name, without those that are None."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, kw_only=True)
class SplitResult(SplitRequest):
    """The results of a split's episodes; fields that do not apply, or that the writer did not know, are None."""

    target_frames: int | None = None  # environment frames that a run that has not ended is to be trained for
    episode_return_mean: float
    episode_return_std: float | None = None
    episodes: int
    episode_frames_mean: float | None = None  # length in environment frames
    success_rate: float | None = None  # share of the episodes that reached their goal, 0 to 1
    normalized_return_mean: float | None = None  # on the published scale of the game
    confidence: float | None = None  # of the intervals, 0 to 1
    episode_return_interval: list[float] | None = None  # of the mean, [low, high]
    gap_to_train: float | None = None  # mean on `train` minus the mean here
    gap_interval: list[float] | None = None  # [low, high]
    paired: bool | None = None  # whether the gap is a mean of differences episode by episode
    retention: float | None = None  # mean here divided by the mean on `train`, where that is positive


class Evaluation(NamedTuple):
    """A file: its episodes, and the result of each split."""

    episodes: list[EpisodeResult]
    splits: list[SplitResult]

    def returns(self, split: str) -> list[float]:
        """Return the returns of the episodes on a split, in the order of environments and of play."""
        of_split = [episode for episode in self.episodes if episode.split == split]
        return [episode.episode_return for episode in sorted(of_split, key=lambda e: (e.env, e.episode))]

    def text(self) -> str:
        """Write the file."""
        records = [("episode", vars(episode)) for episode in self.episodes]
        records += [("summary", vars(split)) for split in self.splits]
        rows = [{"kind": kind} | {k: v for k, v in fields.items() if v is not None} for kind, fields in records]
        return "".join(json.dumps(row) + "\n" for row in rows)


def request_of(splits: Iterable[SplitRequest]) -> list[dict[str, Any]]:
    """Return what identifies an evaluation, whatever the order of its splits."""
    return sorted((split.values(REQUEST) for split in splits), key=lambda values: values["split"])


def read_evaluations(run: Path, unread: list[str] | None = None) -> list[Evaluation]:
    """Read the files of `rad evaluate` in a run folder, those with a split, in the order of their names.

    With `unread`, files that are damaged or end before their results are left out, and a line for each is added to it.

    Raises:
        ValueError: a file is damaged, and there is no `unread`.
    """
    files = []
    for path in sorted((run / EVALUATIONS).glob("*.jsonl")):
        try:
            file = read_evaluation(path)
        except ValueError as error:
            if unread is None:
                raise
            unread.append(str(error))
            continue
        if file.splits:
            files.append(file)
        elif file.episodes and unread is not None:
            unread.append(f"{path} has episodes and no result: it was cut off")
    return files


def read_evaluation(path: Path) -> Evaluation:
    """Read a file of `rad evaluate`; rows of other kinds and fields of other versions are ignored.

    Raises:
        ValueError: a line is not a JSON object, or lacks what its record needs.
    """
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path} holds a line that is not a JSON object")
    return Evaluation(_records(path, rows, "episode", EpisodeResult), _records(path, rows, "summary", SplitResult))


def _records(path: Path, rows: list[dict[str, Any]], kind: str, record: type) -> list[Any]:
    """Return the rows of a kind."""
    rows = [row for row in rows if row.get("kind") == kind]
    fields: dict[str, Any] = {field.name: field for field in dataclasses.fields(record)}
    for name, field in fields.items():
        types = (int, float) if field.type is float else field.type
        if field.default is dataclasses.MISSING and not all(isinstance(row.get(name), types) for row in rows):
            raise ValueError(f"{path} has a row of kind {kind} without {name}; expected a file of rad evaluate")
    return [record(**{name: row[name] for name in fields if name in row}) for row in rows]
