"""A small IMPALA agent and trajectories of its own for it, for tests that need many updates."""

from typing import Any

import torch

from rad.agents.bandit import make_arms
from rad.agents.impala import IMPALAAgent, IMPALAConfig
from rad.types import Trajectory
from tests.rad.agents.small import OPTIONS

SIZES = {"num_steps": 5, "hidden_dim": 8}
IMAGE, FRAMES, ACTIONS, ENVS = 20, 2, 3, 4


def small_agent(op: str = "crop", *, discrete: bool = True, total_updates: int = 4, **options: Any) -> IMPALAAgent:
    """Make an agent; options are of the constructor or hyperparameters."""
    arms = make_arms(op, size=IMAGE)
    side = next(iter(arms.values())).input_size(IMAGE, IMAGE)
    config = {name: value for name, value in options.items() if name not in OPTIONS}
    return IMPALAAgent(
        (3 * FRAMES, *side),
        ACTIONS,
        IMPALAConfig(**(SIZES | config)),
        arms,
        discrete=discrete,
        encoder="pixel:num_layers=2:num_filters=4",
        total_updates=total_updates,
        **{name: value for name, value in options.items() if name in OPTIONS},
    )


def small_trajectory(agent: IMPALAAgent, seed: int = 0, envs: int = ENVS) -> Trajectory:
    """Let the agent act on random frames; rewards are random, and some episodes end."""
    generator = torch.Generator().manual_seed(2_000 + seed)
    steps = agent.config.num_steps
    agent.begin_rollout(envs)
    terminated, truncated = torch.rand(2, steps, envs, generator=generator) < 0.2
    truncated &= ~terminated
    env = torch.cat([torch.arange(envs).repeat(steps + 1), truncated.nonzero()[:, 1]])
    shape = (len(env), *agent.image_shape)
    obs = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    rows = obs[: steps * envs].to(agent.device).split(envs)
    decided = [agent.actor_step(row, step, slice(0, envs)) for step, row in enumerate(rows)]
    action, log_prob, *_ = map(torch.stack, zip(*decided))
    reward = 5 * torch.randn(steps, envs, generator=generator)
    return Trajectory(obs, env, agent.views.env_params, action, log_prob, reward, terminated, truncated)
