"""The figure, the raw maps and the films of runs that were shown the same states."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.attention.draw.figure import Column, Row, attention_figure
from rad.attention.draw.video import contact_sheet, film, write_png
from rad.attention.faithfulness import rank_correlation
from rad.attention.lift import area_of, mass_on
from rad.attention.methods import METHODS, Settings
from rad.attention.run_maps import Gaze, Question, look
from rad.attention.states import play_episodes, replay
from rad.runtime.files import replacing
from rad.runtime.seeding import seed_for
from rad.runtime.video import write_mp4

FILMED = ("activation", "hires_cam")  # fast enough for each frame of an episode


def draw(gazes: Sequence[Gaze], question: Question, show: int, out: Path) -> Iterator[Path]:
    """Draw a figure for each of some states, evenly spread: a row for each run and one for an untrained encoder."""
    first = gazes[0]
    notes = {name: [_alike(gaze, name) for gaze in gazes] for name in question.methods}
    for number in range(show):
        state = int((number + 0.5) * len(first.images) / show)
        rows = [*(Row(gaze.label, gaze.frames[state]) for gaze in gazes), Row("untrained", first.frames[state])]
        columns = [
            Column(
                _title(name, question.settings),
                [values[name][state] for values in (*(gaze.maps for gaze in gazes), first.fresh_maps)],
                notes[name],
            )
            for name in question.methods
        ]
        path = out / f"attention-{number + 1}.png"
        attention_figure(rows, columns, _caption(first, question), path)
        yield path


def _alike(gaze: Gaze, method: str) -> str:
    """Say how alike a run's maps are to those of its untrained encoder, over all states."""
    return f"rank corr. with untrained {rank_correlation(gaze.maps[method], gaze.fresh_maps[method]):.2f}"


def _title(method: str, how: Settings) -> str:
    title = METHODS[method].title
    return f"{title}, |A|^{how.power:g}, {how.norm}" if method == "activation" else title


def _caption(gaze: Gaze, question: Question) -> str:
    encoder, stage = gaze.run.agent.encoder, question.settings.stage
    field, side = encoder.receptive_field(stage), encoder.image_shape[1]
    sees = f"{field.size} x {field.size} px"
    if field.size > side:
        earlier = [number for number in range(encoder.num_stages) if encoder.receptive_field(number).size <= side]
        sees = f"the whole frame ({sees} of {side}); stages that see less: {', '.join(map(str, earlier)) or 'none'}"
    number = stage % encoder.num_stages
    return (
        f"Target {question.target}. activation, Grad-CAM and HiResCAM: stage {number} of 0 to "
        f"{encoder.num_stages - 1}, each cell placed on the center of what it sees, {sees}. Colors are multiples of a "
        "map's mean over the frame. The activation shows what the encoder answers to, not why the policy acts: it does "
        "not depend on the heads (rank correlations are means over all states)."
    )


def save_maps(gazes: Sequence[Gaze], path: Path) -> Path:
    """Keep the raw maps, what they are of and the robot's masks; the same arrays give the same bytes."""
    arrays: dict[str, NDArray[Any]] = {}
    for gaze in gazes:
        arrays[f"{gaze.label}/frames"] = gaze.frames
        if gaze.masks is not None:
            arrays[f"{gaze.label}/robot"] = gaze.masks
        for name in gaze.maps:
            arrays[f"{gaze.label}/{name}"] = gaze.maps[name]
            arrays[f"{gaze.label}/untrained/{name}"] = gaze.fresh_maps[name]
    with replacing(path) as file:
        np.savez_compressed(file, **arrays)
    return path


def write_film(gaze: Gaze, question: Question, out: Path) -> list[Path]:
    """Film the first episode of a run's own policy."""
    run, methods = gaze.run, [name for name in FILMED if name in question.methods] or list(question.methods[:1])
    seed = seed_for(question.seed, "film", bits=31)
    episodes = play_episodes(run, 1, seed, question.split)
    states = replay(run.config, episodes, range(episodes.ends[0] + 1), question.split)
    shown = look(gaze.label, run, states, dataclasses.replace(question, methods=tuple(methods)))
    lift: dict[str, list[float]] = {}
    if shown.masks is not None:
        area = np.maximum(area_of(shown.masks), 1.0 / shown.masks[0].size)
        lift = {name: list(mass_on(shown.maps[name], shown.masks) / area) for name in methods}
    pictures = film(shown.frames, shown.maps, lift)
    name = "-".join("".join(c if c.isalnum() else " " for c in gaze.label).split())
    paths = [out / f"{name}.mp4", out / f"{name}.png"]
    write_mp4(paths[0], pictures, episodes.fps)
    write_png(paths[1], contact_sheet(pictures))
    return paths
