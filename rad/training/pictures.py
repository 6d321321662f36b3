"""The pictures of a trained run: what `rad train` makes when a run has ended, and `rad draw` makes again."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from rad.attention.snapshot import draw_attention
from rad.evaluation.loaded_run import LoadedRun, load, play_splits, policy_of
from rad.evaluation.play import Recorder
from rad.experiment.config_file import read_config
from rad.experiment.splits import splits
from rad.report.draw.curves import learning_curve
from rad.runtime.files import locked, replacing
from rad.runtime.run_dir import ATTENTION_PICTURE, CONFIG_FILE, CURVE_FILE, VIDEO_FILE, is_done
from rad.runtime.video import write_mp4
from rad.training.trainer import Picture


def _video(folder: Path, run: LoadedRun, episode: Recorder) -> None:
    write_mp4(folder / VIDEO_FILE, np.stack(episode.frames), episode.fps)


def _attention(folder: Path, run: LoadedRun, episode: Recorder) -> None:
    draw_attention(run, episode.observations, folder / ATTENTION_PICTURE)


def _curve(folder: Path, run: LoadedRun, episode: Recorder) -> None:
    with replacing(folder / CURVE_FILE) as file:
        learning_curve(folder, Path(file.name))


PICTURES: Mapping[str, Picture] = {"video": _video, "attention figure": _attention, "learning curve": _curve}
"""Each picture by the name under which its progress is shown."""


def draw(folder: Path, say: Callable[[str], None] = print) -> None:
    """Make the pictures of a finished run again, from its newest checkpoint and a new evaluation episode.

    Each picture is announced through `say`.

    Raises:
        ValueError: the folder holds no run, a run that has not ended, or a run without checkpoints.
        BlockingIOError: another process works on the run.
    """
    frames = read_config(folder).frames
    if not is_done(folder):
        raise ValueError(f"{folder} has not reached its {frames:,} frames; resume it before it is drawn")
    run = load(folder)
    episode = Recorder(run.config.video_size)
    with locked(folder / CONFIG_FILE):
        say("playing an episode")
        kind, seed = run.config.eval_policy, run.config.seed
        play_splits(run.config, lambda env: policy_of(run.agent, kind, seed), splits(run.config)[:1], recorder=episode)
        for name, picture in PICTURES.items():
            say(name)
            picture(folder, run, episode)
