"""How much of each map lies on the robot, how well it agrees with the ground truth, and how far it can be trusted."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.agents.base import Agent
from rad.attention.faithfulness import (
    complexity_rise,
    controls,
    faithfulness,
    randomized,
    rank_correlation,
    smoothed,
)
from rad.attention.ground_truth.agreement import agreement, area_controls
from rad.attention.ground_truth.effects import truth_maps
from rad.attention.lift import area_of, dilate, mass_on, relevance_rank_accuracy
from rad.attention.methods import Maps
from rad.attention.run_maps import AttentionRequest, RunMaps, maps_of
from rad.evaluation import agent_file
from rad.experiment.config_file import to_json
from rad.report.read.final_returns import TRAIN, final_result
from rad.report.read.groups import method_name
from rad.report.read.run import read_run
from rad.report.stats.attention import UNTRAINED
from rad.runtime.run_dir import METRICS_FILE
from rad.runtime.seeding import generator, seed_for

Json = dict[str, Any]

CHECKED = 32  # states that insertion, deletion and the randomized layers are examined on
SMOOTHED = 8  # states of the smooth randomization test, each of which takes many maps
SMOOTH_LEVELS = ("heads", UNTRAINED)  # what is randomized in it


def numbers_of(folder: Path, run_maps: RunMaps, request: AttentionRequest) -> Iterator[Json]:
    """Yield a row for each method of a run, and for each control."""
    about = _about(run_maps) | {"frames": run_maps.run.frames, "episode_return": _return_of(folder)}
    randomization = _randomization(run_maps, request)
    for name in request.methods:
        values, untrained = run_maps.maps[name], run_maps.untrained_maps[name]
        scores = _on_robot(run_maps, values, untrained) | _on_truth(run_maps, values, untrained)
        yield about | {"method": name} | scores | _faithful(run_maps, request, values) | randomization[name]
    for name, values in _controls(run_maps, request).items():
        scores = _on_robot(run_maps, values) | _on_truth(run_maps, values) | _faithful(run_maps, request, values)
        yield about | {"method": f"control: {name}"} | scores


def _return_of(path: Path) -> float | None:
    """Return the mean return on `train`, of a run's last evaluation or on an exported agent's card, if it is known."""
    if path.is_file():
        return agent_file.read(path).card["returns"].get(TRAIN, {}).get("mean")
    if not (path / METRICS_FILE).exists():  # beside the checkpoint
        return None
    return final_result(read_run(path)).returns.get(TRAIN)


def effects_of(run_maps: RunMaps) -> Iterator[Json]:
    """Yield a row for each object that a run sees, with its effect and its share of the frame in each state."""
    if (truth := run_maps.truth) is None:
        return
    for number, name in enumerate(truth.names):
        seen = truth.visible[:, number]
        if seen.any():
            values = {"effect": truth.effects[seen, number], "area": truth.areas[seen, number]}
            yield _about(run_maps) | {"object": name} | _rounded(values)


def _about(run_maps: RunMaps) -> Json:
    config = run_maps.run.config
    return {"run": run_maps.label, "augmentation": method_name(to_json(config)), "seed": config.seed}


def _controls(run_maps: RunMaps, request: AttentionRequest) -> dict[str, NDArray[Any]]:
    """Return maps that no method made."""
    count, height, width, _ = run_maps.frames.shape
    maps = controls((count, height, width), np.random.default_rng(seed_for(request.seed, "controls")))
    maps |= {} if run_maps.masks is None else {"robot": run_maps.masks.astype(np.float64)}
    if run_maps.truth is not None:
        maps |= area_controls(run_maps.truth) | {"ground truth": truth_maps(run_maps.truth)}
    return maps


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
        "relevance_rank_accuracy": relevance_rank_accuracy(pixel_maps[seen], run_maps.masks[seen]),
    }
    values |= {} if untrained is None else {"untrained_mass": mass_on(untrained[seen], run_maps.masks[seen])}
    return _rounded(values)


def _on_truth(run_maps: RunMaps, pixel_maps: NDArray[Any], untrained: NDArray[Any] | None = None) -> Json:
    """Return for each state how well a map agrees with what each object does to the agent's output."""
    if run_maps.truth is None:
        return {}
    values = agreement(pixel_maps, run_maps.truth)
    if untrained is not None:
        values["untrained_rank_accuracy"] = agreement(untrained, run_maps.truth)["rank_accuracy"]
    return _rounded(values)


def _rounded(values: Mapping[str, NDArray[np.float64]]) -> Json:
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


def _randomization(run_maps: RunMaps, request: AttentionRequest) -> dict[str, Json]:
    """Return by method how the maps change as layers are randomized: correlations by what was replaced last."""
    step, smooth_step = checked(run_maps).step, -(-len(run_maps.images) // SMOOTHED)
    trained = {name: values[::step] for name, values in run_maps.maps.items()}

    def smooth(agent: Agent) -> dict[str, Maps]:
        noise = generator(request.seed, "smooth randomization")
        return smoothed(lambda noisy: maps_of(agent, noisy, request), run_maps.images[::smooth_step], noise)

    smooth_trained = smooth(run_maps.run.agent)
    tests: dict[str, Json] = {name: {"rank_correlation": {}, "smooth_rank_correlation": {}} for name in request.methods}
    for level, agent in randomized(run_maps.run.agent, run_maps.untrained):
        maps = maps_of(agent, run_maps.images[::step], request)
        smooth_maps = smooth(agent) if level in SMOOTH_LEVELS else {}
        for name, test in tests.items():
            test["rank_correlation"][level] = rank_correlation(trained[name], maps[name])
            test["complexity_rise"] = complexity_rise(trained[name], maps[name])  # that of the last level stays
            if smooth_maps:
                alike = rank_correlation(smooth_trained[name], smooth_maps[name])
                test["smooth_rank_correlation"][level] = alike
    return tests
