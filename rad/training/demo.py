"""The demo: measure the machine, and train on a small task for as long as the minutes allow."""

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch

from rad.experiment.build import action_repeat
from rad.experiment.config import RunConfig, values
from rad.experiment.presets import preset
from rad.experiment.validate import check_environment, check_folder, check_settings
from rad.runtime import device
from rad.runtime.clocks import process_age_s
from rad.runtime.metrics_file import read_rows
from rad.runtime.progress import three_digits
from rad.runtime.run_dir import DEMO_FILE, METRICS_FILE
from rad.training.measure import Cost, measure
from rad.training.messages import EVALUATION, RANDOM_POLICY
from rad.training.trainer import NO_PICTURES, Picture, start

EVALUATIONS = 4  # evenly spread, the last one at the end
EPISODE_FRAMES = 1_000  # of every task of the DeepMind suite
ENDING_S = 10.0  # for video, figures and checkpoints: 3 to 7 s measured on two cores of a first-generation EPYC
ROUND_FRAMES = 400  # of which the length is a multiple: evaluations come at whole hundreds
FEWEST_FRAMES = 16_800  # after which five seeds of five had learned; see results/README.md


def run(minutes: float, out: Path, seed: int, pictures: Mapping[str, Picture] = NO_PICTURES) -> int:
    """Train with the preset `demo` for about `minutes` from the start of this process, then say how it scored.

    How many frames fit is measured first; then an earlier demo in `out` is removed. Returns the exit status of the run.

    Raises:
        SettingError: a setting is impossible; nothing is removed then.
    """
    config = dataclasses.replace(preset("demo"), out=out, seed=seed)
    check_settings(config)
    if not out.exists():
        check_folder(out)
    check_environment(config)
    cost = measure(config)
    config = fitted(config, cost, 60 * minutes - process_age_s())
    print(choice(config, cost, minutes), flush=True)
    clear(out)
    status = start(config, out, pictures)
    (out / DEMO_FILE).write_text(json.dumps({"minutes": minutes}) + "\n")  # of one that was stopped, too
    if status:
        return status
    last = {row["kind"]: row for row in read_rows(out / METRICS_FILE)}
    trained, random = (last[kind]["episode_return_mean"] for kind in (EVALUATION, RANDOM_POLICY))
    print(f"the trained policy scores {trained / random:.1f} times as much as the random policy")
    return 0


def fitted(config: RunConfig, cost: Cost, left_s: float) -> RunConfig:
    """Return the run with as many frames as fit into the seconds left, beside evaluations and pictures.

    Frames of the warm-up, which have no updates, take no longer than those of an evaluation.
    """
    warm = values(config)["warmup_steps"] * action_repeat(config)
    played = (EVALUATIONS + 1) * config.eval_episodes * EPISODE_FRAMES + warm
    learning_s = left_s - played / cost.play_frames_per_s - ENDING_S
    frames = warm + max(int(learning_s * cost.frames_per_s), EPISODE_FRAMES)
    frames = min(frames, config.frames) // ROUND_FRAMES * ROUND_FRAMES
    return dataclasses.replace(config, frames=frames, eval_every=frames // EVALUATIONS)


def choice(config: RunConfig, cost: Cost, minutes: float) -> str:
    """Say what was measured, and how many frames fit."""
    target = device.resolve_device(config.device)
    precision = device.resolve_precision(config.precision, target)
    text = (
        f"{device.model(target)}, {precision}, {torch.get_num_threads()} threads: learns from "
        f"{three_digits(cost.frames_per_s)} frames/s of {config.task} ({config.image_size}x{config.image_size} pixels, "
        f"{config.augment}, seed {config.seed}), so {config.frames:,} frames fit into {minutes:g} minutes"
    )
    if config.frames < FEWEST_FRAMES:
        more = (FEWEST_FRAMES - config.frames) / cost.frames_per_s
        text += f"; it mostly learns within {FEWEST_FRAMES:,}: --minutes {minutes + more / 60 + 0.5:.0f} would do"
    return text


def check_out(folder: Path) -> None:
    """Raise a ValueError if there is a folder that is not of an earlier demo that ended."""
    if folder.exists() and not (folder / DEMO_FILE).is_file():
        raise ValueError(f"{folder} exists and is not a demo that ended; remove it or choose another name")


def clear(folder: Path) -> None:
    """Remove the folder of an earlier demo that ended; raise a ValueError, as `check_out`, if it is something else."""
    check_out(folder)
    if folder.exists():
        shutil.rmtree(folder)
