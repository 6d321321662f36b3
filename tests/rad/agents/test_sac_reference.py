"""The agent's whole update against the hand-written one in tests/reference/sac.py."""

import pytest
import torch
from torch import Tensor, nn

import augment
from rad.agents.sac import SACAgent, SACConfig
from rad.types import Transition
from tests.reference.sac import Params, ReferenceConfig, ReferenceSAC

SHAPE = (9, 84, 84)
ACTION_DIM = 2
BATCH = 8
TOLERANCE = 1e-4


def make_agent(**options) -> SACAgent:
    return SACAgent(SHAPE, ACTION_DIM, SACConfig(**options), augment.make("none", size=SHAPE[1]), seed=3)


def make_reference(agent: SACAgent, config: ReferenceConfig) -> ReferenceSAC:
    return ReferenceSAC(*learned(agent), config)


def learned(agent: SACAgent) -> tuple[Params, Params, Params]:
    """Give the agent's convolutions, actor and critic under the reference's names."""
    return convolutions(agent.encoder), head(agent.actor, agent), head(agent.critic, agent)


def targets(agent: SACAgent) -> tuple[Params, Params]:
    return convolutions(agent.encoder_target), head(agent.critic_target, agent)


def convolutions(encoder: nn.Module) -> Params:
    layers = [layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d)]
    return {
        f"conv.{number}.{name}": value.detach()
        for number, layer in enumerate(layers)
        for name, value in layer.named_parameters()
    }


def head(module: nn.Module, agent: SACAgent) -> Params:
    places = {"hidden.0": "0", "hidden.2": "1", "out": "2"}
    params = {}
    for name, value in module.named_parameters():
        part, rest = name.split(".", 1)
        for ours, theirs in places.items():
            rest = rest.replace(f"{ours}.", f"{theirs}.")
        params[f"{part}.{rest}"] = value.detach()
    weight = params["projection.linear.weight"]
    params["projection.linear.weight"] = channels_first(weight, agent.encoder.map_shape)
    return params


def channels_first(weight: Tensor, map_shape: tuple[int, int, int]) -> Tensor:
    """Reorder columns from cell by cell, as the encoder gives them, to channel by channel."""
    channels, height, width = map_shape
    return weight.view(-1, height, width, channels).permute(0, 3, 1, 2).flatten(1)


def make_batch(seed: int) -> Transition:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (2, BATCH, *SHAPE), generator=generator, dtype=torch.uint8)
    action = torch.rand(BATCH, ACTION_DIM, generator=generator) * 2 - 1
    reward = torch.rand(BATCH, generator=generator)
    discount = torch.where(torch.arange(BATCH) == 3, 0.0, 0.99)
    return Transition(images[0], action, reward, discount, images[1])


def replayed_noise(agent: SACAgent) -> tuple[Tensor, Tensor]:
    """Draw what the agent's next update will draw, without moving its generator."""
    generator = torch.Generator()
    generator.set_state(agent.generator.get_state())
    first, second = (torch.randn(BATCH, ACTION_DIM, generator=generator) for _ in range(2))
    return first, second


def assert_close(ours: Params, theirs: Params) -> None:
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        worst = (value - theirs[name].detach()).abs().max().item()
        assert worst <= TOLERANCE, f"{name}: {worst:.2e} apart"


def update_both(agent: SACAgent, reference: ReferenceSAC, seed: int) -> tuple[dict, dict]:
    batch, noise = make_batch(seed), replayed_noise(agent)
    images = [stack.float() / 255 for stack in (batch.obs, batch.next_obs)]
    theirs = reference.update(images[0], batch.action, batch.reward, batch.discount, images[1], *noise)
    return agent.update(batch), theirs


def test_three_updates_agree_in_losses_parameters_and_targets():
    agent = make_agent()
    reference = make_reference(agent, ReferenceConfig())
    for number in range(3):
        ours, theirs = update_both(agent, reference, seed=number)
        assert ours.keys() >= theirs.keys()
        assert ("actor_loss" in theirs) == (number != 1)  # actor and temperature learn every second update
        for name, loss in theirs.items():
            assert ours[name].item() == pytest.approx(loss, abs=TOLERANCE, rel=TOLERANCE), (number, name)
        for mine, other in zip(learned(agent), (reference.conv, reference.actor, reference.critic)):
            assert_close(mine, other)
        for mine, other in zip(targets(agent), (reference.conv_target, reference.critic_target)):
            assert_close(mine, other)
        assert agent.log_alpha.item() == pytest.approx(reference.temperature["log_alpha"].item(), abs=TOLERANCE)
