"""An episode with its maps, frame by frame, beside how much of them lies on the robot so far."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rad.attention.draw.figure import QUANTILE, overlay

Video = NDArray[np.uint8]
SCALE = 3  # of the observation's pixels
SHEET_FRAMES = 12
AXES = (0.16, 0.17, 0.8, 0.62)  # of the trace: left, bottom, width and height as fractions of its picture
TRACE_COLORS = ("#b14a00", "#1f5fa8", "#3d7a2f", "#7a3d7a")


def overlay_episode(
    frames: NDArray[np.uint8], maps: Mapping[str, NDArray[np.floating]], lift: Mapping[str, Sequence[float]]
) -> Video:
    """Lay maps, float [T, H, W] by method, the sum of each above 0, over the frames of an episode, uint8 [T, H, W, 3].

    There are T numbers of lift for each method, or none at all.

    Returns:
        uint8 [T, h, w, 3]: from left to right the frame, a panel for each method and, with `lift`, its trace up to
        that frame.
    """
    relative = {name: values / values.mean((1, 2), keepdims=True) for name, values in maps.items()}
    tops = {name: float(np.quantile(values, QUANTILE)) or float(values.max()) for name, values in relative.items()}
    titles = _titles(["observation", *maps], SCALE * frames.shape[1])
    titled = []
    for t, frame in enumerate(frames):
        panels = [frame, *(overlay(frame, values[t], tops[name]) for name, values in relative.items())]
        titled.append(np.concatenate([titles, np.concatenate(panels, 1).repeat(SCALE, 0).repeat(SCALE, 1)]))
    if not lift:
        return np.stack(titled)
    trace = _trace(lift, titled[0].shape[0])
    traces = [_until(trace, t, len(frames)) for t in range(len(frames))]
    return np.stack([np.concatenate(both, 1) for both in zip(titled, traces)])


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write uint8 [H, W, 3]; the same picture gives the same bytes."""
    from matplotlib.image import imsave

    without_version: dict[str, Any] = {"Software": None}
    imsave(path, picture, format="png", metadata=without_version)


def contact_sheet(pictures: Video, columns: int = 2) -> NDArray[np.uint8]:
    """Lay evenly spaced frames of a video, one per agent step, uint8 [T, h, w, 3], row by row below their steps."""
    steps = np.linspace(0, len(pictures) - 1, min(SHEET_FRAMES, len(pictures))).round().astype(int)
    shown = [np.concatenate([_titles([f"agent step {t}"], pictures.shape[2]), pictures[t]]) for t in steps]
    shown += [np.full_like(shown[0], 255)] * (-len(shown) % columns)
    return np.concatenate([np.concatenate(shown[i : i + columns], 1) for i in range(0, len(shown), columns)])


def _titles(names: Sequence[str], side: int) -> NDArray[np.uint8]:
    """Draw the names above panels that are `side` px wide, uint8 [h, w, 3]."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(len(names) * side / 100, 0.22), dpi=100)
    for number, name in enumerate(names):
        figure.text((number + 0.5) / len(names), 0.45, name, ha="center", va="center", fontsize=9)
    return _pixels(figure)


def _trace(lift: Mapping[str, Sequence[float]], height: int) -> NDArray[np.uint8]:
    """Draw the whole curves within `AXES`, uint8 [height, w, 3]."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4, height / 100), dpi=100)
    axes = figure.add_axes(AXES)
    for color, (name, values) in zip(TRACE_COLORS, lift.items()):
        axes.plot(values, color=color, label=name, linewidth=1.4)
    axes.axhline(1.0, color="0.6", linestyle="--", linewidth=1)
    axes.set_xlim(0, max(len(next(iter(lift.values()))) - 1, 1))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("agent step", fontsize=8)
    axes.set_title("lift: mass on the robot / its area", fontsize=8, pad=18)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(lift), frameon=False)
    return _pixels(figure)


def _until(trace: NDArray[np.uint8], t: int, steps: int) -> NDArray[np.uint8]:
    """Fade what lies within the axes after frame t."""
    left, bottom, width, tall = AXES
    rows, columns = trace.shape[:2]
    here = round((left + width * t / max(steps - 1, 1)) * columns)
    faded = trace.copy()
    top, floor = round((1 - bottom - tall) * rows) + 1, round((1 - bottom) * rows) - 1
    right = round((left + width) * columns) - 1
    faded[top:floor, here + 1 : right] = 255 - (255 - faded[top:floor, here + 1 : right]) // 6
    return faded


def _pixels(figure: object) -> NDArray[np.uint8]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)  # type: ignore[arg-type]
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
