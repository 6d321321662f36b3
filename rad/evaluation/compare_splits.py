"""A trained run on several splits: each is played, they are compared, and every episode is kept in a file."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rad.envs.suites import TRAIN, suite_of
from rad.evaluation.loaded_run import Trained, load, play_splits, policy_of, scores
from rad.evaluation.play import Recorder
from rad.experiment.config import RunConfig
from rad.experiment.splits import check_split, clips_of, folders, levels_of, named
from rad.experiment.splits import splits as own_splits
from rad.report.stats.bootstrap import CONFIDENCE, difference_interval, mean_interval
from rad.runtime.files import replacing
from rad.runtime.run_dir import EVALUATIONS
from rad.runtime.seeding import seed_for
from rad.runtime.video import write_mp4

Constants = Literal["", "paper", "train-procgen"]
Row = dict[str, Any]
Returns = Mapping[str, np.ndarray]
"""Undiscounted returns, float [envs, episodes], by split."""

# What was asked: rows that differ in one of these belong to different evaluations.
QUESTION = (
    *("task", "frames", "seed", "policy", "envs", "episodes_per_env"),
    *("split", "levels", "score_constants", "background_dir"),
)


def evaluate_run(
    run: Path,
    *,
    splits: Sequence[str] = (),
    episodes: int = 10,
    envs: int = 0,
    policy: Literal["", "sample", "mode"] = "",
    score_constants: Constants = "",
    background_dir: tuple[str, ...] = (),
    seed: int = 0,
    out: Path | None = None,
    video: Path | None = None,
    video_size: int = 240,
    device: str = "auto",
) -> list[Row]:
    """Play a run on splits, keep every episode in a JSONL file, and compare the splits with `train`.

    Args:
        run: its folder.
        splits: names of those to play, in the order of the rows; one that is named twice is played once. None for
            all that the run is evaluated on.
        episodes: number in each environment.
        envs: environments; 0 for the run's own number.
        policy: sample or mode; "" for the run's own.
        score_constants: of Procgen's normalised scores; "" for the run's own.
        background_dir: the user's own clips to test with, test=DIR, instead of those that the run was tested with.
        seed: of initial states, levels and chance.
        out: JSONL to write when all is played, a row for each episode and then those that are returned; None for
            `default_file`. It replaces an earlier answer to the same question, and no other file.
        video: MP4 to write of the first episode on the first split.
        video_size: its side in pixels.
        device: any.

    Returns:
        A row for each split: what was played (`QUESTION`), what the run calls `train`, `scores`, and what `compared`
        says. A task without splits has one row, `train`.

    Raises:
        ValueError: a split, `score_constants` or `background_dir` has no meaning for the run, `out` holds
            something else, or `run` is no run with a checkpoint.
    """
    found = load(run, device)
    asked_for = splits or own_splits(found.config)
    config = _with_folders(found.config, asked_for, background_dir)
    _check_asked(config, asked_for, score_constants)
    trained = found._replace(config=_as_asked(config, seed, envs, episodes, score_constants))
    kind = policy or trained.config.eval_policy
    names = dict.fromkeys(name or TRAIN for name in asked_for)
    asked = [_asked_row(run, trained, seed, kind, name) for name in names]
    file = out or default_file(run, asked)
    _check_file(file, asked)
    recorder = Recorder(video_size) if video else None
    agent, own_seed = trained.agent, trained.config.seed
    returns = play_splits(trained.config, lambda env: policy_of(agent, kind, own_seed), names, recorder=recorder)
    comparison = compared(returns, paired=not suite_of(trained.config.task).has_levels)
    rows = [row | scores(trained.config, returns[row["split"]]) | comparison[row["split"]] for row in asked]
    _write(file, returns, rows)
    if video and recorder:
        write_mp4(video, np.stack(recorder.frames), recorder.fps)
    return rows


def default_file(run: Path, rows: Iterable[Row]) -> Path:
    """Return where an evaluation is kept: RUN/evaluations/SEED-DIGEST.jsonl.

    The digest follows from what was asked, the frames trained among it. So the same command writes the same file
    again, and no other question does; the order of the splits makes no difference.
    """
    question = _question(rows)
    digest = hashlib.sha256(json.dumps(question).encode()).hexdigest()[:8]
    return run / EVALUATIONS / f"{question[0]['seed']}-{digest}.jsonl"


def compared(returns: Mapping[str, np.ndarray], *, paired: bool) -> dict[str, Row]:
    """Return how sure the mean of each split is and, if `train` was played, how the others stand to it.

    Args:
        returns: float [envs, episodes], by split.
        paired: episodes at the same place began in the same state, so that gaps are differences episode by episode.

    Returns:
        By split: `episode_return_interval`, [low, high], and its `confidence`. For those beside `train` also
        `gap_to_train`, the mean on train minus the mean here, with `gap_interval` and `paired`; and, where the mean
        on train is positive, `retention`, the mean here divided by it.
    """
    rows: dict[str, Row] = {}
    for name, values in returns.items():
        interval = {"confidence": CONFIDENCE, "episode_return_interval": list(mean_interval(values))}
        with_gap = TRAIN in returns and name != TRAIN
        rows[name] = interval | (_gap(returns[TRAIN], values, paired) if with_gap else {})
    return rows


def _gap(train: np.ndarray, other: np.ndarray, paired: bool) -> Row:
    on_train, here = float(train.mean()), float(other.mean())
    row = {
        "gap_to_train": on_train - here,
        "gap_interval": list(difference_interval(train, other, paired=paired)),
        "paired": paired,
    }
    return row | ({"retention": here / on_train} if on_train > 0 else {})


def _check_asked(config: RunConfig, splits: Sequence[str], score_constants: Constants) -> None:
    """Check the flags that not every task has."""
    with named("splits"):
        for name in splits:
            check_split(config, name or TRAIN)
    if score_constants and not config.suite.constants:
        mode = vars(config.suite).get("distribution_mode")
        where = f"{config.task} in mode {mode}" if mode else config.task
        raise ValueError(
            f"--score-constants: has no meaning for {where}, got {score_constants}; scores are normalised for procgen "
            f"in the modes easy and hard"
        )


def _with_folders(config: RunConfig, splits: Sequence[str], background_dir: tuple[str, ...]) -> RunConfig:
    """Return the run's configuration with another folder of clips to test with."""
    if not background_dir:
        return config
    with named("background_dir"):
        given = folders(dataclasses.replace(config, background_dir=background_dir))
    if given.keys() != {"test"}:
        raise ValueError(f"--background-dir: must be test=DIR here, got {' '.join(background_dir)}")
    with named("splits"):
        shown = any(clips_of(config, name) for name in splits if name != TRAIN)
    if not shown:
        raise ValueError(f"--background-dir: none of the splits asked for shows clips, got {' '.join(background_dir)}")
    found = folders(config) | given
    return dataclasses.replace(config, background_dir=tuple(f"{side}={path}" for side, path in found.items()))


def _as_asked(config: RunConfig, seed: int, envs: int, episodes: int, score_constants: Constants) -> RunConfig:
    """Return the run's configuration with the evaluation that was asked for."""
    given = {"score_constants": score_constants} if score_constants else {}
    suite = dataclasses.replace(config.suite, **given)
    own_seed = seed_for(seed, "play", bits=31)
    return dataclasses.replace(
        config, suite=suite, seed=own_seed, eval_envs=envs or config.eval_envs, eval_episodes=episodes
    )


def _asked_row(run: Path, trained: Trained, seed: int, kind: str, name: str) -> Row:
    """Return what is known of a split's row before it is played."""
    config = trained.config
    row = {
        "kind": "summary",
        "run": run.resolve().name,
        "task": config.task,
        "frames": trained.frames,
        "seed": seed,
        "policy": kind,
        "envs": config.eval_envs,
        "episodes_per_env": config.eval_episodes,
        "split": name,
        "train_split": config.train_split,
    }
    if levels := levels_of(config, name):
        row["levels"] = levels
    if config.background_dir:
        row["background_dir"] = list(config.background_dir)
    if constants := config.suite.constants:
        row["score_constants"] = constants
    return row


def _question(rows: Iterable[Row]) -> list[Row]:
    asked = [{name: row[name] for name in QUESTION if name in row} for row in rows]
    return sorted(asked, key=lambda row: row["split"])


def _check_file(file: Path, asked: Sequence[Row]) -> None:
    """Check, before hours of play, that the file can be written and that no other results would be lost.

    Raises:
        ValueError: it cannot, or they would be.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(file.parent, os.W_OK):
        raise ValueError(f"--out: {file.parent} cannot be written to; name a file in another folder")
    if file.exists() and _question_in(file) != _question(asked):
        raise ValueError(f"--out: {file} holds something else than this evaluation; choose another name, or remove it")


def _question_in(file: Path) -> list[Row] | None:
    """Return what the evaluation in a file answers; None if it holds no evaluation."""
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return _question(row for row in rows if row["kind"] == "summary")
    except (ValueError, TypeError, LookupError):
        return None


def _write(file: Path, returns: Returns, rows: Sequence[Row]) -> None:
    """Write a row for each episode, then a row for each split, in one step."""
    episodes = [
        {"kind": "episode", "split": split, "env": env, "episode": episode, "episode_return": float(value)}
        for split, values in returns.items()
        for (env, episode), value in np.ndenumerate(values)
    ]
    with replacing(file) as stream:
        stream.write("".join(json.dumps(row) + "\n" for row in [*episodes, *rows]).encode())
