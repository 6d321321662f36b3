"""Draw what every augmentation makes of a frame: `python -m scripts.gallery OUT.png`."""

import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import augment
from rad import envs
from rad.agents.views import Views
from rad.report.draw.gallery import gallery_figure

TASK, DRAWS, OUTPUT_SIZE = "dmc/walker-walk", 5, 84
OTHERWISE = {"flip": "p=1", "rotate": "p=1", "grayscale": "p=1"}  # whose default leaves most images as they are


def draw(out: Path) -> None:
    """Write a PNG with a strip of draws for each augmentation that `augment` knows."""
    gallery_figure({spec: strip(spec) for spec in map(spec_of, augment.names())}, out, title=f"{TASK}, one frame")


def spec_of(name: str) -> str:
    """Return the text that shows an augmentation: its defaults, but for those that seldom act."""
    return f"{name}:{OTHERWISE[name]}" if name in OTHERWISE else name


def strip(spec: str) -> list[NDArray[np.uint8]]:
    """Return DRAWS pictures uint8 [H, W, 3] of the same frame, drawn as large as the augmentation wants it."""
    made = augment.make(spec, size=OUTPUT_SIZE)
    side, _ = made.input_size(OUTPUT_SIZE, OUTPUT_SIZE)
    with closing(envs.make(TASK, image_size=side, frame_stack=1, seed=3)) as env:
        frame = torch.from_numpy(env.reset()[0])
    views = Views(made, torch.Generator().manual_seed(1))(frame.repeat(DRAWS, 1, 1, 1))
    return list((views * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
