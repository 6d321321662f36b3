"""What is done with a trained run: load its agent, play episodes, look at its attention."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from rad.agents.sac import SACAgent
from rad.attention.figure import attention_figure
from rad.attention.maps import activation_map
from rad.build import CHECKPOINTS, make_agent, make_env, read_config
from rad.config import RunConfig
from rad.evaluate import Recorder, evaluate, summary
from rad.runtime import checkpoint
from rad.runtime.seeding import seed_for
from rad.runtime.video import write_mp4

FRAMES_SHOWN = 4


def load(folder: Path, device: str = "auto") -> tuple[RunConfig, SACAgent]:
    """Load the agent of a run from its newest whole checkpoint, onto any device.

    Raises:
        ValueError: the folder holds no run, or no checkpoint yet.
        CheckpointError: it holds no whole checkpoint.
    """
    config = dataclasses.replace(read_config(folder), device=device)
    if not checkpoint.exists(folder / CHECKPOINTS):
        raise ValueError(f"{folder} holds no checkpoint yet")
    _, state = checkpoint.load(folder / CHECKPOINTS, only=("agent",))
    agent = untrained_agent(config)
    agent.load_state_dict(state["agent"])
    return config, agent


def play(config: RunConfig, agent: SACAgent, seed: int, episodes: int, recorder: Recorder | None) -> np.ndarray:
    """Play episodes with the policy's modes; the initial states follow from `seed`; return their returns."""
    env = make_env(dataclasses.replace(config, seed=seed_for(seed, "play", bits=31)), "evaluation")
    try:
        return evaluate(env, lambda obs: agent.act(obs, deterministic=True), episodes, recorder=recorder)
    finally:
        env.close()


def evaluate_run(
    run: Path, episodes: int, seed: int, video: Path | None, video_size: int, device: str
) -> dict[str, float]:
    """Evaluate a run; return mean, standard deviation and number of the episodes' returns."""
    config, agent = load(run, device)
    recorder = Recorder(video_size) if video else None
    returns = play(config, agent, seed, episodes, recorder)
    if video and recorder:
        write_mp4(video, np.stack(recorder.frames), recorder.fps)
    return summary(returns)


def attention_of_run(run: Path, out: Path, seed: int, device: str) -> None:
    """Draw the attention of a run over frames of one episode of its own policy."""
    config, agent = load(run, device)
    recorder = Recorder(config.video_size or 84)
    play(config, agent, seed, 1, recorder)
    draw_attention(config, agent, recorder.observations, out)


def draw_attention(config: RunConfig, agent: SACAgent, observations: Sequence[np.ndarray], path: Path) -> None:
    """Draw mean absolute activations of the last convolution, beside those of the encoder before training.

    Args:
        config: of the run, to make the untrained encoder.
        agent: the trained agent.
        observations: uint8 [C, H, W] each; some, evenly spread, are shown.
        path: PNG to write.
    """
    chosen = np.linspace(0, len(observations) - 1, FRAMES_SHOWN).round().astype(int)
    obs = torch.from_numpy(np.stack([observations[i] for i in chosen])).to(agent.device)
    images = agent.views.plain(obs)
    untrained = untrained_agent(config)
    maps = {
        "trained": activation_map(agent.encoder, images).cpu().numpy(),
        "untrained": activation_map(untrained.encoder, images).cpu().numpy(),
    }
    frames = (images[:, -3:] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    attention_figure(frames, maps, agent.encoder.receptive_field(), path)


def untrained_agent(config: RunConfig) -> SACAgent:
    """Return the agent that the run began with."""
    env = make_env(config, "evaluation")
    try:
        return make_agent(config, env)
    finally:
        env.close()
