"""The appearance of a task's splits: the first frames of some episodes of each."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from rad import envs
from rad.envs.suites import SUITES, suite_of
from rad.experiment.build import make_env
from rad.experiment.config import RunConfig
from rad.experiment.presets import choose
from rad.experiment.splits import check_split, folders, levels_of, named
from rad.experiment.validate import check_environment
from rad.report.draw.gallery import gallery_figure


def known_splits(config: RunConfig) -> tuple[str, ...]:
    """Return the names of all splits of a task.

    Raises:
        ValueError: it has none.
    """
    names = tuple(suite_of(config.task).splits)
    if not names:
        allowed = " and ".join(name for name, suite in SUITES.items() if suite.splits)
        raise ValueError(f"--task: {config.task} has no splits; allowed: {allowed} tasks")
    return names


def draw_gallery(
    task: str,
    out: Path,
    *,
    episodes: int = 4,
    seed: int = 0,
    camera_id: int = 0,
    background_dir: tuple[str, ...] = (),
) -> dict[str, str]:
    """Draw the first frames of as many episodes of every split of a task into a PNG.

    Episodes of a dmc task start from the same states in every split. `background_dir` is test=DIR, the user's clips.

    Returns:
        For each split what it is, or why this task cannot have it.

    Raises:
        ValueError: the task is unknown or has no splits, or it has no such camera, or a folder cannot be used.
    """
    config = replace(
        choose(None, None, task),
        augment="none",
        frame_stack=1,
        seed=seed,
        camera_id=camera_id,
        background_dir=background_dir,
    )
    with named("task"):
        envs.check_task(task)
    names = known_splits(config)
    if background_dir:
        _check_folder(config)
    check_environment(config)
    about: dict[str, str] = {}
    frames: dict[str, list[np.ndarray]] = {}
    for name in names:
        try:
            about[name] = _about(config, name)
            frames[name] = _first_frames(config, name, episodes)
        except ValueError as error:
            about[name] = f"not here: {error}"
    gallery_figure(frames, out, title=task)
    return about


def _check_folder(config: RunConfig) -> None:
    with named("background_dir"):
        if not suite_of(config.task).shows_clips or folders(config).keys() != {"test"}:
            came = " ".join(config.background_dir)
            raise ValueError(f"must be test=DIR here, and is of dmc tasks only, got {came} for {config.task}")
        check_split(config, "video-hard")


def _about(config: RunConfig, split: str) -> str:
    check_split(config, split)
    return suite_of(config.task).splits[split] or f"levels {levels_of(config, split)}"


def _first_frames(config: RunConfig, split: str, episodes: int) -> list[np.ndarray]:
    with closing(make_env(config, "gallery", split=split)) as env:
        return [env.reset()[0][0].transpose(1, 2, 0) for _ in range(episodes)]
