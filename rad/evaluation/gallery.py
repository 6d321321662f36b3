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
from rad.experiment.splits import check_split, folders, levels_of
from rad.experiment.validate import check_environment
from rad.report.draw.gallery import gallery_figure
from rad.settings import SettingError


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
        SettingError: the task is unknown or has no splits, or it has no such camera, or a folder cannot be used.
    """
    config = replace(
        choose(None, None, task),
        augment="none",
        frame_stack=1,
        seed=seed,
        camera_id=camera_id,
        background_dir=background_dir,
    )
    envs.check_task(task)
    _check(config)
    about = dict(suite_of(task).splits)
    frames: dict[str, list[np.ndarray]] = {}
    for name, words in about.items():
        try:
            check_split(config, name)
            about[name] = words or f"levels {levels_of(config, name)}"
            with closing(make_env(config, "gallery", split=name)) as env:
                frames[name] = [env.reset()[0][0].transpose(1, 2, 0) for _ in range(episodes)]
        except SettingError as error:
            about[name] = f"not here: {error.problem}"
    gallery_figure(frames, out, title=task)
    return about


def _check(config: RunConfig) -> None:
    suite = suite_of(config.task)
    if not suite.splits:
        allowed = " and ".join(name for name, other in SUITES.items() if other.splits)
        raise SettingError("task", f"{config.task} has no splits; allowed: {allowed} tasks")
    if config.background_dir:
        if not suite.shows_clips or folders(config).keys() != {"test"}:
            came = f"{' '.join(config.background_dir)} for {config.task}"
            raise SettingError("background_dir", came, "test=DIR here, and is of dmc tasks only")
        check_split(config, "video-hard")
    check_environment(config)
