"""The attention figure of a run that has just been trained: a few of its frames, beside the untrained encoder's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from rad.attention.draw.figure import Column, Row, attention_figure
from rad.attention.faithfulness import rank_correlation
from rad.attention.maps import activation_map
from rad.attention.placement import to_pixels
from rad.attention.run_maps import newest_frames
from rad.evaluation.loaded_run import LoadedRun, untrained_agent

FRAMES_SHOWN = 4


def draw_attention(run: LoadedRun, observations: Sequence[np.ndarray], path: Path) -> None:
    """Draw mean absolute activations of the last convolution, beside those of the encoder before training.

    Some of the observations, uint8 [C, H, W] each, are shown, evenly spread.
    """
    agent = run.agent
    steps = np.linspace(0, len(observations) - 1, FRAMES_SHOWN).round().astype(int)
    obs = torch.from_numpy(np.stack([observations[i] for i in steps])).to(agent.device)
    images = agent.views.eval_view(obs)
    field, (height, width) = agent.encoder.receptive_field(), images.shape[2:]
    trained, untrained = (
        to_pixels(activation_map(encoder, images).cpu().numpy(), field, height, width)
        for encoder in (agent.encoder, untrained_agent(run.config).encoder)
    )
    titles = ("trained", f"untrained\nrank corr. {rank_correlation(trained, untrained):.2f} with trained")
    rows = [Row(f"step {i}", frame) for i, frame in zip(steps, newest_frames(images))]
    columns = [Column(title, list(maps), scale="activation") for title, maps in zip(titles, (trained, untrained))]
    sees = "the whole frame" if field.size > width else f"{field.size} x {field.size} px"
    caption = (
        "mean |activation| of the last convolution, each cell placed on the center of what it sees "
        f"({sees}); it shows what the encoder responds to, not why the policy acts."
    )
    attention_figure(rows, columns, caption, path)
