"""The demo: train on a small task for some minutes, evaluate, and say what was made."""

import dataclasses
import json
import shutil
from pathlib import Path

from rad.config import Run
from rad.names import ATTENTION_PICTURE, CHECKPOINTS, CONFIG_FILE, CURVE_FILE, METRICS_FILE, VIDEO_FILE
from rad.presets import preset
from rad.runtime.logging import read_rows
from rad.train import start
from rad.validate import check

MADE = {
    CONFIG_FILE: "settings",
    METRICS_FILE: "every number that was logged",
    "tensorboard": "the same for TensorBoard",
    CHECKPOINTS: "weights and all that a resume needs",
    CURVE_FILE: "learning curve",
    VIDEO_FILE: "an evaluation episode",
    ATTENTION_PICTURE: "where the encoder looks, beside an untrained one",
}


def run(out: Path, seed: int) -> int:
    """Train with the preset `demo`, then print the scores and the paths of what was made.

    A run folder left by an earlier demo is replaced.

    Args:
        out: run folder.
        seed: of the run.

    Returns:
        The exit status: 0, or 128 + the signal that stopped the run.

    Raises:
        ValueError: a setting is impossible, or `out` holds something that is not a demo.
    """
    config = dataclasses.replace(preset("demo"), out=out, seed=seed)
    _clear(out)
    check(config, out)
    print(
        f"training on {config.task} from {config.image_size}x{config.image_size} pixels, {config.augment}, seed {seed}"
    )
    if status := start(config, out):
        return status
    print(report(config, out))
    return 0


def report(config: Run, folder: Path) -> str:
    """Say what a finished demo scored, beside the random policy, and where its files are."""
    rows = {row["kind"]: row for row in read_rows(folder / METRICS_FILE)}
    trained, chance = rows["eval"], rows["baseline"]
    ratio = trained["episode_return_mean"] / chance["episode_return_mean"]
    lines = [f"  {folder / name}  {what}" for name, what in MADE.items()]
    scores = (
        f"mean return of {config.eval_episodes} episodes after {trained['frames']:,} frames "
        f"({trained['agent_steps']:,} agent steps): {trained['episode_return_mean']:.0f}; "
        f"random policy: {chance['episode_return_mean']:.0f} ({ratio:.1f} times)"
    )
    return "\n".join([*lines, scores])


def _clear(folder: Path) -> None:
    """Remove the folder of an earlier demo, and nothing else."""
    if not folder.exists():
        return
    settings = folder / CONFIG_FILE
    is_demo = settings.is_file() and json.loads(settings.read_text()).get("preset") == "demo"
    if not is_demo:
        raise ValueError(f"--out: {folder} exists and is not a demo; choose another name")
    shutil.rmtree(folder)
