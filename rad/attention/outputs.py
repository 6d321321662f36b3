"""The figures, raw maps and videos of runs that were shown the same states."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.attention.draw.figure import Column, Row, attention_figure
from rad.attention.draw.video import contact_sheet, overlay_episode, write_png
from rad.attention.faithfulness import rank_correlation
from rad.attention.ground_truth.effects import Truth, truth_maps
from rad.attention.lift import area_of, mass_on, where_seen
from rad.attention.methods import METHODS, Settings
from rad.attention.run_maps import AttentionRequest, RunMaps, compute_maps
from rad.attention.states import play_episodes, replay
from rad.runtime.files import replacing
from rad.runtime.seeding import seed_for
from rad.runtime.video import write_mp4

NAMED = 2  # objects below a panel of the ground truth
EPISODE_METHODS = ("activation", "hires_cam")  # fast enough for each frame of an episode
EPISODE = "episode-"  # what the names of a video and its sheet begin with
FILES = ("attention-*.png", f"{EPISODE}*.mp4", f"{EPISODE}*.png")  # of `draw` and `write_episode`


def draw(all_maps: Sequence[RunMaps], request: AttentionRequest, show: int, out: Path) -> Iterator[Path]:
    """Draw a figure for each of some states: a row for each run and one for an untrained encoder.

    They are spread evenly over the states, or over those in which the robot is seen, where the suite tells it.
    """
    first = all_maps[0]
    notes = {name: [_alike(run_maps, name) for run_maps in all_maps] for name in request.methods}
    seen = np.arange(len(first.images)) if first.masks is None else where_seen(first.masks)
    count = min(show, len(seen))
    for number in range(count):
        state = seen[int((number + 0.5) * len(seen) / count)]
        rows = [Row(run_maps.label, run_maps.frames[state]) for run_maps in all_maps]
        rows.append(Row("untrained", first.frames[state]))
        maps = [*(run_maps.maps for run_maps in all_maps), first.untrained_maps]
        columns = [
            Column(_title(name, request.settings), [values[name][state] for values in maps], notes[name])
            for name in request.methods
        ]
        truths = [*(run_maps.truth for run_maps in all_maps), first.untrained_truth]
        columns += [_truth_column([truth for truth in truths if truth], state, request)] if request.change else []
        yield from attention_figure(rows, columns, _caption(first, request), out / f"attention-{number + 1}.png")


def _truth_column(truths: Sequence[Truth], state: int, request: AttentionRequest) -> Column:
    """Show what each object does to the output, and name those that do most below each panel."""
    notes = []
    for truth in truths:
        effects = dict(zip(truth.names, np.where(truth.visible[state], truth.effects[state], 0.0)))
        largest = sorted(effects, key=lambda name: -effects[name])[:NAMED]
        notes.append(", ".join(f"{name} {effects[name]:.2g}" for name in largest))
    maps = [truth_maps(truth)[state] for truth in truths]
    return Column(f"ground truth ({request.change})", maps, notes, scale="truth")


def _alike(run_maps: RunMaps, method: str) -> str:
    """Say how alike a run's maps are to those of its untrained encoder, over all states."""
    return f"rank corr. with untrained {rank_correlation(run_maps.maps[method], run_maps.untrained_maps[method]):.2f}"


def _title(method: str, how: Settings) -> str:
    title = METHODS[method].title
    return f"{title}, |A|^{how.power:g}, {how.norm}" if method == "activation" else title


def _caption(run_maps: RunMaps, request: AttentionRequest) -> str:
    encoder, stage = run_maps.run.agent.encoder, request.settings.stage
    field, side = encoder.receptive_field(stage), encoder.image_shape[1]
    sees = f"{field.size} x {field.size} px"
    if field.size > side:
        earlier = [number for number in range(encoder.num_stages) if encoder.receptive_field(number).size <= side]
        sees = f"the whole frame ({sees} of {side}); stages that see less: {', '.join(map(str, earlier)) or 'none'}"
    number = stage % encoder.num_stages
    truth = (
        f" Ground truth: how far the output moves when an object is {request.change} in all frames of the stack, "
        "shared equally by its pixels."
    )
    return (
        f"Target {request.target}. activation, Grad-CAM and HiResCAM: stage {number} of 0 to "
        f"{encoder.num_stages - 1}, each cell placed on the center of what it sees, {sees}. Colors are multiples of a "
        "map's mean over the frame. The activation shows what the encoder responds to, not why the policy acts: it "
        f"does not depend on the heads (rank correlations are means over all states).{truth if request.change else ''}"
    )


def save_maps(all_maps: Sequence[RunMaps], path: Path) -> Path:
    """Write the raw maps, their frames and the robot's masks; the same arrays give the same bytes."""
    arrays: dict[str, NDArray[Any]] = {}
    for run_maps in all_maps:
        arrays[f"{run_maps.label}/frames"] = run_maps.frames
        if run_maps.masks is not None:
            arrays[f"{run_maps.label}/robot"] = run_maps.masks
        for name in run_maps.maps:
            arrays[f"{run_maps.label}/{name}"] = run_maps.maps[name]
            arrays[f"{run_maps.label}/untrained/{name}"] = run_maps.untrained_maps[name]
        if run_maps.truth and run_maps.untrained_truth:
            truth = {"objects": np.array(run_maps.truth.names), "object_masks": run_maps.truth.masks}
            truth |= {"effects": run_maps.truth.effects, "untrained/effects": run_maps.untrained_truth.effects}
            truth["ground_truth"] = truth_maps(run_maps.truth)
            arrays |= {f"{run_maps.label}/{name}": values for name, values in truth.items()}
    with replacing(path) as file:
        np.savez_compressed(file, **arrays)
    return path


def write_episode(run_maps: RunMaps, request: AttentionRequest, out: Path, name: str) -> list[Path]:
    """Write a video of the first episode of a run's own policy with its maps, and a sheet of its frames."""
    run = run_maps.run
    methods = [name for name in EPISODE_METHODS if name in request.methods] or list(request.methods[:1])
    seed = seed_for(request.seed, "film", bits=31)
    episodes = play_episodes(run, 1, seed, request.split)
    states = replay(run.config, episodes, range(episodes.ends[0] + 1), request.split)
    shown = compute_maps(run_maps.label, run, states, dataclasses.replace(request, methods=tuple(methods)))
    lift: dict[str, list[float]] = {}
    if shown.masks is not None:
        area = np.maximum(area_of(shown.masks), 1.0 / shown.masks[0].size)
        lift = {name: list(mass_on(shown.maps[name], shown.masks) / area) for name in methods}
    pictures = overlay_episode(shown.frames, shown.maps, lift)
    paths = [out / f"{EPISODE}{name}.{ending}" for ending in ("mp4", "png")]
    write_mp4(paths[0], pictures, episodes.fps)
    write_png(paths[1], contact_sheet(pictures))
    return paths
