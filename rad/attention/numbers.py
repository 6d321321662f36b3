"""How much of each map lies on the robot, and how far it can be trusted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.attention.faithfulness import controls, faithfulness, randomized, rank_correlation
from rad.attention.lift import area_of, dilate, mass_on
from rad.attention.run_maps import Gaze, Question, maps_of
from rad.experiment.config_file import to_json
from rad.report.read.final_returns import TRAIN, final_result
from rad.report.read.groups import method_name
from rad.report.read.run import read_run
from rad.runtime.run_dir import METRICS_FILE
from rad.runtime.seeding import seed_for

Json = dict[str, Any]

CHECKED = 32  # states of the bank that insertion, deletion and the randomized layers are examined on


def numbers_of(folder: Path, gaze: Gaze, question: Question) -> Iterator[Json]:
    """Yield a row for each method of a run, and for each control."""
    config = gaze.run.config
    about = {
        "run": gaze.label,
        "augmentation": method_name(to_json(config)),
        "seed": config.seed,
        "frames": gaze.run.frames,
        "episode_return": _last_return(folder),
    }
    alike = _cascade(gaze, question)
    for name in question.methods:
        on_robot = _on_robot(gaze, gaze.maps[name], gaze.fresh_maps[name])
        yield (
            about
            | {"method": name}
            | on_robot
            | _faithful(gaze, question, gaze.maps[name])
            | {"rank_correlation": alike[name]}
        )
    chance = np.random.default_rng(seed_for(question.seed, "controls"))
    count, height, width, _ = gaze.frames.shape
    known = controls((count, height, width), chance)
    known |= {} if gaze.masks is None else {"robot": gaze.masks.astype(np.float64)}
    for name, values in known.items():
        yield about | {"method": f"control: {name}"} | _on_robot(gaze, values) | _faithful(gaze, question, values)


def _last_return(folder: Path) -> float | None:
    """Return the mean return of the last evaluation of a run; None where its metrics are not beside its checkpoint."""
    return final_result(read_run(folder)).returns.get(TRAIN) if (folder / METRICS_FILE).exists() else None


def _on_robot(gaze: Gaze, placed: NDArray[Any], fresh: NDArray[Any] | None = None) -> Json:
    """Return for each state how much of a map lies on the robot, and the robot's share of the frame."""
    if gaze.masks is None or not gaze.masks.any():
        return {}
    wide = dilate(gaze.masks)
    seen = gaze.masks.any((1, 2))  # a robot out of sight has no area to compare with
    values = {
        "mass": mass_on(placed[seen], gaze.masks[seen]),
        "area": area_of(gaze.masks[seen]),
        "wide_mass": mass_on(placed[seen], wide[seen]),
        "wide_area": area_of(wide[seen]),
    }
    values |= {} if fresh is None else {"untrained_mass": mass_on(fresh[seen], gaze.masks[seen])}
    return {name: array.round(6).tolist() for name, array in values.items()}


def checked(gaze: Gaze) -> int:
    """Return how many states the sanity checks use."""
    return len(range(0, len(gaze.images), _stride(gaze)))


def _stride(gaze: Gaze) -> int:
    return -(-len(gaze.images) // CHECKED)


def _faithful(gaze: Gaze, question: Question, placed: NDArray[Any]) -> Json:
    agent, chosen = gaze.run.agent, slice(None, None, _stride(gaze))
    chance = np.random.default_rng(seed_for(question.seed, "ties"))
    target = agent.target(question.target)
    found = faithfulness(agent.encoder, target, gaze.images[chosen], placed[chosen], chance)
    return {name: float(values.mean()) for name, values in found._asdict().items()}


def _cascade(gaze: Gaze, question: Question) -> dict[str, dict[str, float]]:
    """Return by method, and by what was replaced last, how alike the maps are to the trained agent's."""
    chosen = slice(None, None, _stride(gaze))
    alike: dict[str, dict[str, float]] = {name: {} for name in question.methods}
    for level, agent in randomized(gaze.run.agent, gaze.fresh):
        for name, values in maps_of(agent, gaze.images[chosen], question).items():
            alike[name][level] = rank_correlation(gaze.maps[name][chosen], values)
    return alike
