"""Write trained agents into files, each with a card that says what it is, what it scored and how it is made again."""

import dataclasses
import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

from rad.envs.suites import TRAIN
from rad.evaluation import agent_file
from rad.evaluation.loaded_run import LAST, load, scores
from rad.evaluation.play import Episodes
from rad.experiment.algorithms import PolicyState
from rad.experiment.build import action_repeat
from rad.experiment.config import RunConfig
from rad.experiment.config_file import read_config, to_json
from rad.report.read.evaluation_files import SplitResult, read_evaluations
from rad.report.read.provenance import train_command
from rad.report.read.run import Run, made_with
from rad.report.stats.bootstrap import CONFIDENCE, mean_interval
from rad.runtime import source
from rad.runtime.metrics_file import Row, read_rows
from rad.runtime.run_dir import BEST_FILE, METRICS_FILE

Card = dict[str, Any]
Scores = dict[str, Any]
"""Of a split: mean, interval, confidence, episodes, policy, and source, which says where they were played."""

IN_TRAINING = "evaluation of the training"


def export(run: Path, out: Path, which: str = LAST) -> Card:
    """Write the agent of a run, what acts of it alone, into a file that takes the place of `out`; return its card.

    Its scores are those of `rad evaluate` after the same frames, of several the one with the most episodes, or else of
    the training itself.

    Raises:
        SettingError: there is no such checkpoint.
        ValueError: there is no run, or no checkpoint; as of `load`.
    """
    config = read_config(run)
    loaded = load(run, "cpu", which)
    commit = made_with(Run(run, {}, [])).get("commit", "unknown")
    card = _card(config, loaded.frames, _scores_of(run, config, loaded.frames), commit)
    agent_file.write(out, card, loaded.agent.policy_state())
    return card


def keep_best(
    folder: Path, config: RunConfig, frames: int, policy: PolicyState, played: Mapping[str, Episodes]
) -> None:
    """Write the policy of an evaluation into a run's folder, unless the one there has as good a mean on `train`."""
    path, results = folder / BEST_FILE, {name or TRAIN: _played(config, of) for name, of in played.items()}
    mean = results[TRAIN]["mean"]
    if not math.isfinite(mean) or (path.exists() and agent_file.read(path).card["returns"][TRAIN]["mean"] >= mean):
        return
    agent_file.write(path, _card(config, frames, results, source.commit() or "unknown"), policy)


def _card(config: RunConfig, frames: int, returns: Mapping[str, Scores], commit: str) -> Card:
    """Return what stands on a card; `config` makes the agent again, without the names of folders."""
    config = dataclasses.replace(config, out=None)
    plain = to_json(config)
    named = ("task", "algo", "preset", "encoder", "augment", "seed")
    return {
        **{name: plain[name] for name in named},
        "frames": frames,
        "agent_steps": frames // action_repeat(config),
        "returns": dict(returns),
        "commit": commit,
        "command": train_command(Run(Path(), plain, []), "RUN"),
        "config": plain,
    }


def _scores_of(run: Path, config: RunConfig, frames: int) -> dict[str, Scores]:
    """Return the scores of a run after some frames, by split; none where it was not evaluated there."""
    rows = read_rows(run / METRICS_FILE) if (run / METRICS_FILE).exists() else []
    scored = [row for row in rows if row["frames"] == frames and row.get("episode_return_mean") is not None]
    kinds = [(row["kind"].partition("/"), row) for row in scored]
    returns = {split or TRAIN: _logged(config, row) for (kind, _, split), row in kinds if kind == "eval"}
    results = [result for file in read_evaluations(run) for result in file.splits if result.frames == frames]
    for result in sorted(results, key=lambda result: result.episodes):
        returns[result.split] = _evaluated(config, result)
    return returns


def _logged(config: RunConfig, row: Row) -> Scores:
    """Return the scores of a row of metrics; its interval is what the bootstrap's tends to with many episodes."""
    mean, episodes = float(row["episode_return_mean"]), int(row["episodes"])
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * row["episode_return_std"] / math.sqrt(episodes)
    return _scores(mean, (mean - half, mean + half), episodes, config.eval_policy, IN_TRAINING)


def _played(config: RunConfig, episodes: Episodes) -> Scores:
    row = scores(config, episodes)
    interval = mean_interval(episodes.returns)
    return _scores(row["episode_return_mean"], interval, int(row["episodes"]), config.eval_policy, IN_TRAINING)


def _evaluated(config: RunConfig, result: SplitResult) -> Scores:
    low, high = result.episode_return_interval or (math.nan, math.nan)
    source = evaluate_command(config, result)
    return _scores(result.episode_return_mean, (low, high), result.episodes, result.policy, source)


def evaluate_command(config: RunConfig, result: SplitResult) -> str:
    """Return the command that plays the episodes of a result again with the file of its agent."""
    others = [entry for entry in result.background_dir or () if entry not in config.background_dir]
    counts = f"--envs {result.envs} --episodes {result.episodes_per_env} --policy {result.policy} --seed {result.seed}"
    clips = f" {shlex.join(['--background-dir', *others])}" if others else ""
    return f"rad evaluate FILE --splits {result.split} {counts}{clips}"


def _scores(mean: float, interval: tuple[float, float], episodes: int, policy: str, source: str) -> Scores:
    ends = list(interval) if all(map(math.isfinite, interval)) else None
    fields = {"mean": mean, "interval": ends, "confidence": CONFIDENCE, "episodes": episodes}
    return fields | {"policy": policy, "source": source}
