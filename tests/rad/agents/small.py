"""A small agent and batches for it, for tests that need many updates."""

from typing import Any

import torch
from torch import Tensor, nn

import augment
from rad.agents.sac import SACAgent, SACConfig
from rad.types import FrameStacks, Transition

SIZES = {"batch_size": 6, "hidden_dim": 16, "projection_dim": 8}
IMAGE, FRAMES, ACTIONS = 20, 2, 2


def small_config(**config: Any) -> SACConfig:
    return SACConfig(**(SIZES | config))


OPTIONS = {"seed", "device", "precision", "auxiliary_loss", "ranks", "capture"}


def small_agent(op: str = "crop", **options: Any) -> SACAgent:
    """Make an agent; options are of the constructor or hyperparameters."""
    made = augment.make(op, size=IMAGE)
    config = {name: value for name, value in options.items() if name not in OPTIONS}
    return SACAgent(
        (3 * FRAMES, *made.input_size(IMAGE, IMAGE)),
        ACTIONS,
        small_config(**config),
        made,
        encoder="pixel:num_layers=2:num_filters=4",
        **{name: value for name, value in options.items() if name in OPTIONS},
    )


def small_batch(op: str = "crop", *, seed: int = 0, size: int = SIZES["batch_size"]) -> Transition:
    generator = torch.Generator().manual_seed(1_000 + seed)
    side = augment.make(op, size=IMAGE).input_size(IMAGE, IMAGE)[0]
    obs, next_obs = torch.randint(0, 256, (2, size, 3 * FRAMES, side, side), generator=generator, dtype=torch.uint8)
    action = 2 * torch.rand(size, ACTIONS, generator=generator) - 1
    reward = torch.randn(size, generator=generator)
    discount = 0.99 * (torch.arange(size) % 5 > 0)
    return Transition(obs, action, reward, discount, next_obs)


def small_stacks(op: str = "crop", *, seed: int = 0, device: torch.device | str = "cpu") -> Transition:
    """Return the same batch as a replay gives it, whose frames lie on a device."""
    batch = small_batch(op, seed=seed)
    frames = torch.cat([batch.obs, batch.next_obs]).unflatten(1, (FRAMES, 3)).flatten(0, 1).to(device)
    obs, next_obs = (FrameStacks(frames, index) for index in torch.arange(len(frames)).view(2, -1, FRAMES))
    return batch._replace(obs=obs, next_obs=next_obs)


def flat(*modules: nn.Module) -> Tensor:
    """Return all parameters of the modules as one vector that no later update changes."""
    return torch.cat([value.detach().flatten() for module in modules for value in module.parameters()])


def flat_grad(module: nn.Module) -> Tensor:
    """Return all gradients of a module as one vector."""
    return torch.cat([value.grad.flatten() for value in module.parameters() if value.grad is not None])


def everything(agent: SACAgent) -> Tensor:
    """Return all that an update may change, but the optimizers."""
    modules = (agent.encoder, agent.actor, agent.critic, agent.encoder_target, agent.critic_target)
    return torch.cat([flat(*modules), agent.log_alpha.detach()[None]])
