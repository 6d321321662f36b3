"""What a sweep says before it begins: what is left to train, how many runs at a time, and about how long."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

from rad.experiment.algorithms import algorithm_of
from rad.runtime.progress import duration, three_digits
from rad.sweep.grid import Trial
from rad.sweep.scheduler import Options
from rad.sweep.slots import Slots
from rad.sweep.status import RunProgress, State, left, progress_of
from rad.training.measure import Cost


def plan_text(
    trials: Sequence[Trial], states: Mapping[str, State], cost: Cost | None, fitting: Slots, options: Options
) -> str:
    """Say what will be run, and about how long it takes."""
    counts, unfinished = Counter(states.values()), left(trials, states)
    begun = ", ".join(f"{counts[kind]} {kind.value}" for kind in State)
    progress = {trial.name: progress_of(trial) for trial in trials}
    total = sum(trial.config.frames for trial in trials)
    frames = total - sum(run.frames for run in progress.values())
    lines = [f"{len(trials)} runs in {options.out}: {begun}", f"{frames:,} of {total:,} frames to train"]
    if frames:
        number = min(fitting.number, len(unfinished))
        lines.append(f"{number} at a time, each with {_each(trials[0], cost, options)}{_why(fitting)}")
        ended = [progress[trial.name] for trial in trials if states[trial.name] is State.FINISHED]
        rate, source = _rate(ended, cost, options.ranks)
        if rate:
            lines.append(f"about {duration(frames / rate / number)}: {source}")
    idle = Counter(algorithm_of(trial.config).idle(trial.config) for trial in unfinished)
    lines += [f"warning: in {count} of {len(trials)} runs {why}" for why, count in idle.items() if why]
    return "\n".join(lines)


def _each(trial: Trial, cost: Cost | None, options: Options) -> str:
    """Say what a run takes."""
    threads = trial.config.threads
    text = "1 thread" if threads == 1 else f"{threads or 'all'} threads"
    if options.ranks > 1:
        text = f"{options.ranks} ranks of {text}"
    if cost:
        text += f", {cost.bytes / 1e9:.1f} GB of memory"
    if cost and cost.device_bytes:
        text += f" and {cost.device_bytes / 1e9:.1f} GB of its GPU"
    return text


def _why(fitting: Slots) -> str:
    return f"; {fitting.why}" if fitting.why else ""


def _rate(ended: Sequence[RunProgress], cost: Cost | None, ranks: int) -> tuple[float, str]:
    """Return the frames per second of a run and their source; 0 where there is none."""
    if rates := [run.frames / run.time_s for run in ended if run.time_s > 0]:
        return statistics.median(rates), f"{three_digits(statistics.median(rates))} frames/s in the finished runs"
    if cost:
        each = f"{three_digits(cost.frames_per_s)} frames/s" + (f" in each of {ranks} ranks" if ranks > 1 else "")
        return ranks * cost.frames_per_s, f"{each} measured, evaluations apart"
    return 0.0, ""
