"""A small PPO agent and rollouts of its own for it, for tests that need many updates."""

from typing import Any

import torch

from rad.agents.bandit import make_arms
from rad.agents.ppo import PPOAgent, PPOConfig
from rad.buffers.rollout import RolloutBuffer
from rad.types import Rollout
from tests.rad.agents.small import OPTIONS

SIZES = {"num_steps": 5, "num_minibatches": 3, "num_epochs": 2, "hidden_dim": 8}
IMAGE, FRAMES, ACTIONS, ENVS = 20, 2, 3, 4
ALL = slice(0, ENVS)


def small_agent(op: str = "crop", *, discrete: bool = True, total_updates: int = 4, **options: Any) -> PPOAgent:
    """Make an agent; options are of the constructor or hyperparameters."""
    arms = make_arms(op, size=IMAGE)
    side = next(iter(arms.values())).input_size(IMAGE, IMAGE)
    config = {name: value for name, value in options.items() if name not in OPTIONS}
    return PPOAgent(
        (3 * FRAMES, *side),
        ACTIONS,
        PPOConfig(**(SIZES | config)),
        arms,
        discrete=discrete,
        encoder="pixel:num_layers=2:num_filters=4",
        total_updates=total_updates,
        **{name: value for name, value in options.items() if name in OPTIONS},
    )


def frames(agent: PPOAgent, seed: int, steps: int = 1) -> torch.Tensor:
    """Return uint8 [steps, ENVS, C, H, W]."""
    generator = torch.Generator().manual_seed(1_000 + seed)
    return torch.randint(0, 256, (steps, ENVS, *agent.image_shape), generator=generator, dtype=torch.uint8)


def small_rollout(agent: PPOAgent, seed: int = 0) -> Rollout:
    """Let the agent act on random frames; rewards are random, and some episodes end."""
    generator = torch.Generator().manual_seed(2_000 + seed)
    steps, obs = agent.config.num_steps, frames(agent, seed, agent.config.num_steps + 1)
    buffer = RolloutBuffer(steps, ENVS, agent.image_shape, device=agent.device)
    agent.begin_rollout(ENVS)
    for step in range(steps):
        ends = torch.rand(2, ENVS, generator=generator) < 0.2
        buffer.current[:] = obs[step].numpy()
        buffer.add(
            agent.actor_step(buffer.upload(step, ALL), step, ALL),
            5 * torch.randn(ENVS, generator=generator),
            terminated=ends[0],
            truncated=ends[1],
            final_value=torch.randn(ENVS, generator=generator),
        )
    return buffer.finish(agent.value(obs[-1].numpy()))
