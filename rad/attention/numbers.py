"""How much of each map lies on the robot, and how far it can be trusted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.attention.faithfulness import controls, faithfulness, randomized, rank_correlation
from rad.attention.lift import area_of, dilate, mass_on
from rad.attention.run_maps import AttentionRequest, RunMaps, maps_of
from rad.experiment.config_file import to_json
from rad.report.read.final_returns import TRAIN, final_result
from rad.report.read.groups import method_name
from rad.report.read.run import read_run
from rad.runtime.run_dir import METRICS_FILE
from rad.runtime.seeding import seed_for

Json = dict[str, Any]

CHECKED = 32  # states that insertion, deletion and the randomized layers are examined on


def numbers_of(folder: Path, run_maps: RunMaps, request: AttentionRequest) -> Iterator[Json]:
    """Yield a row for each method of a run, and for each control."""
    config = run_maps.run.config
    # Of the last evaluation; the metrics may not be beside the checkpoint.
    returns = final_result(read_run(folder)).returns if (folder / METRICS_FILE).exists() else {}
    about = {
        "run": run_maps.label,
        "augmentation": method_name(to_json(config)),
        "seed": config.seed,
        "frames": run_maps.run.frames,
        "episode_return": returns.get(TRAIN),
    }
    alike = _cascade(run_maps, request)
    for name in request.methods:
        on_robot = _on_robot(run_maps, run_maps.maps[name], run_maps.untrained_maps[name])
        scores = on_robot | _faithful(run_maps, request, run_maps.maps[name])
        yield about | {"method": name} | scores | {"rank_correlation": alike[name]}
    count, height, width, _ = run_maps.frames.shape
    maps = controls((count, height, width), np.random.default_rng(seed_for(request.seed, "controls")))
    maps |= {} if run_maps.masks is None else {"robot": run_maps.masks.astype(np.float64)}
    for name, values in maps.items():
        scores = _on_robot(run_maps, values) | _faithful(run_maps, request, values)
        yield about | {"method": f"control: {name}"} | scores


def _on_robot(run_maps: RunMaps, pixel_maps: NDArray[Any], untrained: NDArray[Any] | None = None) -> Json:
    """Return for each state how much of a map lies on the robot, and the robot's share of the frame."""
    if run_maps.masks is None or not run_maps.masks.any():
        return {}
    wide = dilate(run_maps.masks)
    seen = run_maps.masks.any((1, 2))  # a robot out of sight has no area to compare with
    values = {
        "mass": mass_on(pixel_maps[seen], run_maps.masks[seen]),
        "area": area_of(run_maps.masks[seen]),
        "wide_mass": mass_on(pixel_maps[seen], wide[seen]),
        "wide_area": area_of(wide[seen]),
    }
    values |= {} if untrained is None else {"untrained_mass": mass_on(untrained[seen], run_maps.masks[seen])}
    return {name: array.round(6).tolist() for name, array in values.items()}


def checked(run_maps: RunMaps) -> range:
    """Return the states that the sanity checks use, evenly spread."""
    return range(0, len(run_maps.images), -(-len(run_maps.images) // CHECKED))


def _faithful(run_maps: RunMaps, request: AttentionRequest, pixel_maps: NDArray[Any]) -> Json:
    agent, step = run_maps.run.agent, checked(run_maps).step
    rng = np.random.default_rng(seed_for(request.seed, "ties"))
    target = agent.target(request.target)
    scores = faithfulness(agent.encoder, target, run_maps.images[::step], pixel_maps[::step], rng)
    return {name: float(values.mean()) for name, values in scores._asdict().items()}


def _cascade(run_maps: RunMaps, request: AttentionRequest) -> dict[str, dict[str, float]]:
    """Return by method, and by what was replaced last, how alike the maps are to the trained agent's."""
    step = checked(run_maps).step
    alike: dict[str, dict[str, float]] = {name: {} for name in request.methods}
    for level, agent in randomized(run_maps.run.agent, run_maps.untrained):
        for name, values in maps_of(agent, run_maps.images[::step], request).items():
            alike[name][level] = rank_correlation(run_maps.maps[name][::step], values)
    return alike
