"""rad evaluate: a run on one or more splits."""

import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from rad.commands import flags
from rad.experiment.bounds import RUN_BOUNDS, check_bound
from rad.runtime.progress.line import Lines


# tyro shows aliases first, so each flag's usual name is the alias here.
@dataclass(frozen=True)
class Evaluate:
    """Play episodes with a trained run on one or more splits; the same initial states for the same seed."""

    run: tyro.conf.Positional[Path]
    """Run folder, or a file of rad export."""
    splits: Annotated[tuple[str, ...], tyro.conf.arg(name="split", aliases=("--splits",))] = ()
    """Splits to play, e.g. train test, each once; all that the run is evaluated on if none is given."""
    checkpoint: str = "last"
    """Of a run: last; best, which --keep-best kept; or the frames of a checkpoint that is there."""
    episodes: Annotated[int, tyro.conf.arg(name="episodes-per-env", aliases=("--episodes",))] = 10
    """Episodes in each environment: a fixed number, since the first to finish are not like all."""
    envs: int = 0
    """Environments; 0 for as many as in the evaluations of the run."""
    policy: Literal["", "sample", "mode"] = ""
    """sample or mode; the run's own if not given."""
    score_constants: Literal["", "paper", "train-procgen"] = ""
    """Published ranges for Procgen's normalized scores; the run's own if not given."""
    background_dir: tuple[str, ...] = ()
    """Folder of images or videos for appearances with clips, test=DIR; the run's own if not given."""
    seed: int = 0
    """Seed of the initial states."""
    out: Path | None = None
    """JSONL of all episodes; a name in RUN/evaluations if not given, which tells one question from another."""
    video: Path | None = None
    """Also write the first episode, on the first split, as MP4."""
    video_size: int = 240
    """Side of the video in pixels."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N, whatever the run was trained on."""


def main(arguments: list[str]) -> int:
    """Evaluate a run, print a table with a line for each split, and say where all episodes are."""
    flags.check_once(("splits", "split"), arguments)
    options = flags.parse(Evaluate, "rad evaluate", arguments)
    flags.check_least(options, episodes=1, envs=0, seed=0)
    check_bound("video_size", options.video_size, RUN_BOUNDS["video_size"])
    if options.out:
        flags.check_file("out", options.out)
    if options.video:
        flags.check_file("video", options.video, ".mp4")
    from rad.evaluation.compare_splits import default_file, evaluate_run
    from rad.report.draw.result_tables import split_table

    given = vars(options) | {"checkpoint": flags.checkpoint(options.checkpoint)}
    with closing(Lines(sys.stderr)) as shown:
        results = evaluate_run(**given, tell=shown.show_if_due)
        shown.clear()
    print(split_table(results), f"episodes: {options.out or default_file(options.run, results)}", sep="\n\n")
    if options.video:
        print(f"video: {options.video}")
    return 0
