"""Evaluate a trained run on several splits, compare them, and write every episode to a file."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rad.envs.suites import TRAIN, suite_of
from rad.evaluation.loaded_run import LAST, LoadedRun, load, play_splits, scores, seeded
from rad.evaluation.play import Episodes, Recorder
from rad.experiment.config import RunConfig
from rad.experiment.splits import check_split, clips_of, folders, levels_of
from rad.experiment.splits import splits as own_splits
from rad.report.read.evaluation_files import (
    EpisodeResult,
    Evaluation,
    SplitRequest,
    SplitResult,
    read_evaluation,
    request_of,
)
from rad.report.stats.bootstrap import CONFIDENCE, difference_interval, mean_interval
from rad.runtime.files import replacing
from rad.runtime.run_dir import EVALUATIONS
from rad.runtime.video import write_mp4
from rad.settings import SettingError, setting


def evaluate_run(
    run: Path,
    *,
    splits: Sequence[str] = (),
    checkpoint: str = LAST,
    episodes: int = 10,
    envs: int = 0,
    policy: Literal["", "sample", "mode"] = "",
    score_constants: Literal["", "paper", "train-procgen"] = "",
    background_dir: tuple[str, ...] = (),
    seed: int = 0,
    out: Path | None = None,
    video: Path | None = None,
    video_size: int = 240,
    device: str = "auto",
    tell: Callable[[str], None] = lambda text: None,
) -> list[SplitResult]:
    """Play a run on splits, write every episode to a JSONL file, and compare the splits with `train`.

    The arguments are the flags of `rad evaluate`: no splits are all that the run is evaluated on, 0 and "" its own
    settings, and no `out` is `default_file`. This JSONL has a row for each episode and then the results; it replaces a
    file of the same evaluation and no other. The video is of the first episode on the first split. `tell` is called
    after each step with how many episodes are over.

    Returns:
        A result for each split; a task without splits has a single one, `train`.

    Raises:
        SettingError: a split, `score_constants` or `background_dir` has no meaning for the run, `out` holds
            something else, or `run` is neither a run with this checkpoint nor a file of `rad export`.
    """
    loaded = load(run, device, checkpoint)
    names = tuple(dict.fromkeys(name or TRAIN for name in splits or own_splits(loaded.config)))
    config = _with_folders(loaded.config, names, background_dir)
    _check_splits(config, names, score_constants)
    given = {"score_constants": score_constants} if score_constants else {}
    config = seeded(replace(config, suite=replace(config.suite, **given)), seed)
    config = replace(config, eval_envs=envs or config.eval_envs, eval_episodes=episodes)
    config = replace(config, eval_policy=policy or config.eval_policy)
    requests = [_request(run, loaded._replace(config=config), seed, config.eval_policy, name) for name in names]
    file = out or default_file(run, requests)
    _check_file(file, requests)
    recorder = Recorder(video_size) if video else None
    total = len(names) * config.eval_envs * episodes
    played = play_splits(
        config, loaded.agent, names, recorder=recorder, played=lambda count: tell(f"{count}/{total} episodes")
    )
    returns = {name: of_split.returns for name, of_split in played.items()}
    rows = compared(returns, paired=not suite_of(config.task).has_levels)
    unfinished = {"target_frames": config.frames} if loaded.frames < config.frames else {}
    results = [
        SplitResult(**vars(request) | unfinished | scores(config, played[request.split]) | rows[request.split])
        for request in requests
    ]
    with replacing(file) as stream:
        stream.write(Evaluation(list(_episode_results(played)), results).text().encode())
    if video and recorder:
        write_mp4(video, np.stack(recorder.frames), recorder.fps)
    return results


def default_file(run: Path, splits: Iterable[SplitRequest]) -> Path:
    """Return the file of an evaluation: RUN/evaluations/SEED-DIGEST.jsonl, beside an exported file with its name first.

    The digest follows from the request, including the frames trained. So the same command writes the same file again,
    and no other request does; the order of the splits makes no difference.
    """
    request = request_of(splits)
    digest = hashlib.sha256(json.dumps(request).encode()).hexdigest()[:8]
    name = f"{request[0]['seed']}-{digest}.jsonl"
    return run.parent / EVALUATIONS / f"{run.stem}-{name}" if run.is_file() else run / EVALUATIONS / name


def _episode_results(played: Mapping[str, Episodes]) -> Iterator[EpisodeResult]:
    for split, (returns, lengths, successes) in played.items():
        for place, value in np.ndenumerate(returns):
            yield EpisodeResult(
                split=split,
                env=place[0],
                episode=place[1],
                episode_return=float(value),
                episode_frames=int(lengths[place]),
                success=None if successes is None else bool(successes[place]),
            )


def compared(returns: Mapping[str, np.ndarray], *, paired: bool) -> dict[str, dict[str, Any]]:
    """Return the interval of each split's mean and, if `train` was played, the comparison of the others with it.

    Returns are float [envs, episodes] by split, results the fields of `SplitResult` by split, with a retention where
    the mean on train is positive. Where `paired`, episodes at the same position began in the same state, so that gaps
    are means of differences.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name, values in returns.items():
        rows[name] = {"confidence": CONFIDENCE, "episode_return_interval": list(mean_interval(values))}
        if TRAIN in returns and name != TRAIN:
            train, here = float(returns[TRAIN].mean()), float(values.mean())
            interval = difference_interval(returns[TRAIN], values, paired=paired)
            rows[name] |= {"gap_to_train": train - here, "gap_interval": list(interval), "paired": paired}
            rows[name] |= {"retention": here / train} if train > 0 else {}
    return rows


def _check_splits(config: RunConfig, splits: Sequence[str], score_constants: str) -> None:
    """Check the flags that do not apply to every task."""
    with setting("splits", "split"):
        for name in splits:
            check_split(config, name)
    if score_constants and not config.suite.constants:
        mode = vars(config.suite).get("distribution_mode")
        where = f"{config.task} in mode {mode}" if mode else config.task
        allowed = "scores are normalized for procgen in the modes easy and hard"
        raise SettingError("score_constants", f"has no meaning for {where}, got {score_constants}; {allowed}")


def _with_folders(config: RunConfig, splits: Sequence[str], background_dir: tuple[str, ...]) -> RunConfig:
    """Return the run's configuration with this folder of clips to test with."""
    if not background_dir:
        return config
    given, came = folders(replace(config, background_dir=background_dir)), " ".join(background_dir)
    if given.keys() != {"test"}:
        raise SettingError("background_dir", came, "test=DIR here")
    with setting("splits", "split"):
        shown = any(clips_of(config, name) for name in splits if name != TRAIN)
    if not shown:
        raise SettingError("background_dir", f"none of the splits asked for shows clips, got {came}")
    both = folders(config) | given
    return replace(config, background_dir=tuple(f"{side}={path}" for side, path in both.items()))


def _request(run: Path, loaded: LoadedRun, seed: int, policy: str, split: str) -> SplitRequest:
    config = loaded.config
    return SplitRequest(
        run=run.resolve().name,
        task=config.task,
        frames=loaded.frames,
        seed=seed,
        policy=policy,
        envs=config.eval_envs,
        episodes_per_env=config.eval_episodes,
        split=split,
        train_split=config.train_split,
        levels=levels_of(config, split) or None,
        background_dir=list(config.background_dir) or None,
        score_constants=config.suite.constants or None,
    )


def _check_file(file: Path, requests: Sequence[SplitRequest]) -> None:
    """Check, before hours of evaluation, that the file can be written and that no other results would be lost."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(file.parent, os.W_OK):
        raise SettingError("out", f"{file.parent} cannot be written to; name a file in another folder")
    if file.exists():
        with suppress(ValueError):
            if request_of(read_evaluation(file).splits) == request_of(requests):
                return
        problem = f"{file} holds something else than this evaluation; choose another name, or remove it"
        raise SettingError("out", problem)
